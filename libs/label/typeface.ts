import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { Font } from 'fontkit';
import type { Weight } from './drawing.ts';
import { fontkit } from './libraries.ts';

const require = createRequire(import.meta.url);
/** Noto Sans SC. Thin strokes break up on thermal paper, so Medium is the lightest. */
const FILES: Record<Weight, string> = {
  medium: '@expo-google-fonts/noto-sans-sc/500Medium/NotoSansSC_500Medium.ttf',
  bold: '@expo-google-fonts/noto-sans-sc/700Bold/NotoSansSC_700Bold.ttf',
};
/** Shown for a character that the typeface lacks, as printers do (下駄, U+3013). */
export const MISSING = '〓';

/** One weight of the typeface: which characters it has and how wide they are. */
export class Typeface {
  readonly bytes: Buffer;
  readonly font: Font;
  readonly #glyphs = new Map<number, Glyph>();
  readonly #missing: Glyph;

  constructor(weight: Weight) {
    this.bytes = readFileSync(require.resolve(FILES[weight]));
    const font = fontkit().create(this.bytes);
    if (!('createSubset' in font)) throw new Error(`${FILES[weight]} holds several fonts`);
    this.font = font;
    this.#missing = this.#look(MISSING.codePointAt(0) ?? 0) ?? { id: 0, advance: 1 };
  }

  /** The glyph of a character, or that of MISSING. */
  glyph(codePoint: number): Glyph {
    const known = this.#glyphs.get(codePoint);
    if (known !== undefined) return known;
    const glyph = this.#look(codePoint);
    // Only what the typeface has is kept: as many as there are, whatever texts come.
    if (glyph !== undefined) this.#glyphs.set(codePoint, glyph);
    return glyph ?? this.#missing;
  }

  /** Width of a line of text, in parts of its size. */
  widthOf(text: string): number {
    let width = 0;
    for (const character of text) width += this.glyph(character.codePointAt(0) ?? 0).advance;
    return width;
  }

  #look(codePoint: number): Glyph | undefined {
    if (!this.font.hasGlyphForCodePoint(codePoint)) return undefined;
    const { id, advanceWidth } = this.font.glyphForCodePoint(codePoint);
    return { id, advance: advanceWidth / this.font.unitsPerEm };
  }
}

const opened = new Map<Weight, Typeface>();

/** Opened once and kept: a file of 10 MB each. */
export function typeface(weight: Weight): Typeface {
  let face = opened.get(weight);
  if (face === undefined) {
    face = new Typeface(weight);
    opened.set(weight, face);
  }
  return face;
}

/**
 * A text as it can be printed in one line: white space is a space, what has no shape is left
 * out, and what the typeface lacks is MISSING, so that a reader sees that something stood there.
 */
export function printable(text: string): string {
  if (PLAIN.test(text)) return text;
  const visible = text.normalize('NFC').replace(WHITE_SPACE, ' ').replace(SHAPELESS, '').trim();
  const { font } = typeface('medium');
  let shown = '';
  for (const character of visible) {
    shown += font.hasGlyphForCodePoint(character.codePointAt(0) ?? 0) ? character : MISSING;
  }
  return shown;
}

const PLAIN = /^[!-~]*$/;
const WHITE_SPACE = /[\s\p{Cc}]/gu;
const SHAPELESS = /[\p{Cf}\p{Variation_Selector}\p{Default_Ignorable_Code_Point}]/gu;

export type Glyph = { readonly id: number; readonly advance: number };
