import { deflateSync } from 'node:zlib';
import type { Weight } from './drawing.ts';
import type { PdfFile } from './pdf-file.ts';
import { typeface } from './typeface.ts';

/** One typeface in a file: the glyphs that its labels used, embedded once at its end. */
export class PdfFont {
  readonly name: string;
  readonly id: number;
  readonly #weight: Weight;
  readonly #subset: GlyphSubset;
  readonly #used = new Map<number, UsedGlyph>();
  /** In the order of their numbers in the subset; 0 is "not defined". */
  readonly #glyphs: UsedGlyph[] = [{ hex: '0000', codePoint: 0, advance: 1 }];

  constructor(file: PdfFile, weight: Weight) {
    this.#weight = weight;
    this.name = `F${weight === 'bold' ? 'B' : 'M'}`;
    this.id = file.reserve();
    this.#subset = typeface(weight).font.createSubset() as unknown as GlyphSubset;
  }

  /** A text as the hexadecimal string that a page shows it by. */
  encode(text: string): string {
    let hex = '';
    for (const character of text) {
      const codePoint = character.codePointAt(0) ?? 0;
      hex += (this.#used.get(codePoint) ?? this.#use(codePoint)).hex;
    }
    return hex;
  }

  /** Writes the font's objects. */
  end(file: PdfFile): void {
    const { font } = typeface(this.#weight);
    const scale = 1000 / font.unitsPerEm;
    const bytes = Buffer.from(this.#subset.encode());
    const fileId = file.addStream(
      `/Filter/FlateDecode/Length1 ${bytes.length}`,
      deflateSync(bytes),
    );
    const tag = this.#weight === 'bold' ? 'QUEQIB' : 'QUEQIM';
    const name = `/${tag}+${font.postscriptName}`;
    const { minX, minY, maxX, maxY } = font.bbox;
    const box = [minX, minY, maxX, maxY].map((each) => Math.round(each * scale)).join(' ');
    const descriptorId = file.add(
      `<</Type/FontDescriptor/FontName${name}/Flags 4/FontBBox[${box}]/ItalicAngle 0` +
        `/Ascent ${Math.round(font.ascent * scale)}/Descent ${Math.round(font.descent * scale)}` +
        `/CapHeight ${Math.round(font.capHeight * scale)}/StemV 80/FontFile2 ${fileId} 0 R>>`,
    );
    const widths = this.#glyphs.map(({ advance }) => Math.round(advance * 1000)).join(' ');
    const descendantId = file.add(
      `<</Type/Font/Subtype/CIDFontType2/BaseFont${name}/CIDSystemInfo<</Registry(Adobe)` +
        `/Ordering(Identity)/Supplement 0>>/FontDescriptor ${descriptorId} 0 R/DW 1000` +
        `/W[0[${widths}]]/CIDToGIDMap/Identity>>`,
    );
    const textId = file.addStream('/Filter/FlateDecode', deflateSync(this.#toUnicode()));
    file.add(
      `<</Type/Font/Subtype/Type0/BaseFont${name}/Encoding/Identity-H` +
        `/DescendantFonts[${descendantId} 0 R]/ToUnicode ${textId} 0 R>>`,
      this.id,
    );
  }

  #use(codePoint: number): UsedGlyph {
    const { id, advance } = typeface(this.#weight).glyph(codePoint);
    const place = this.#subset.includeGlyph(id);
    const hex = place.toString(16).padStart(4, '0');
    const glyph = this.#glyphs[place] ?? { hex, codePoint, advance };
    this.#glyphs[place] = glyph;
    this.#used.set(codePoint, glyph);
    return glyph;
  }

  /** From glyphs back to characters, so that a reader can search and copy. */
  #toUnicode(): Buffer {
    const lines = this.#glyphs
      .slice(1)
      .map(({ hex, codePoint }) => `<${hex}> <${utf16(codePoint)}>`);
    const parts: string[] = [];
    // A part may have a hundred entries.
    for (let from = 0; from < lines.length; from += 100) {
      const part = lines.slice(from, from + 100);
      parts.push(`${part.length} beginbfchar\n${part.join('\n')}\nendbfchar\n`);
    }
    return Buffer.from(`${CMAP_HEAD}${parts.join('')}${CMAP_TAIL}`, 'latin1');
  }
}

function utf16(codePoint: number): string {
  return Buffer.from(String.fromCodePoint(codePoint), 'utf16le').swap16().toString('hex');
}

const CMAP_HEAD = `/CIDInit /ProcSet findresource begin
12 dict begin
begincmap
/CIDSystemInfo <</Registry (Adobe) /Ordering (UCS) /Supplement 0>> def
/CMapName /Adobe-Identity-UCS def
/CMapType 2 def
1 begincodespacerange
<0000> <ffff>
endcodespacerange
`;
const CMAP_TAIL = `endcmap
CMapName currentdict /CMap defineresource pop
end
end
`;

type UsedGlyph = { readonly hex: string; readonly codePoint: number; readonly advance: number };
/** What the subset of fontkit takes and gives; its published types say otherwise. */
type GlyphSubset = { includeGlyph(id: number): number; encode(): Uint8Array };
