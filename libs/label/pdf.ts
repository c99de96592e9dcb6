import { deflateSync } from 'node:zlib';
import { CODE128, code128, place, QR, qrCode } from './codes.ts';
import type { Box, Drawing, Mark, Weight } from './drawing.ts';
import { PdfFile } from './pdf-file.ts';
import { PdfFont } from './pdf-font.ts';

/**
 * A PDF file of as many pages as drawings are added, in parts of about 64 kB as they come: memory
 * does not grow with the file, but for a few bytes a page.
 */
export class PdfDocument {
  readonly #file = new PdfFile();
  readonly #fonts: Fonts;
  readonly #resourcesId: number;
  readonly #tree: PageTree;

  constructor() {
    const file = this.#file;
    this.#fonts = { medium: new PdfFont(file, 'medium'), bold: new PdfFont(file, 'bold') };
    const { medium, bold } = this.#fonts;
    const named = [medium, bold].map(({ name, id }) => `/${name} ${id} 0 R`);
    this.#resourcesId = file.add(`<</Font<<${named.join('')}>>>>`);
    this.#tree = new PageTree(file);
  }

  /** Adds a page; answers the next part once there is enough for one. */
  add(drawing: Drawing): Uint8Array | undefined {
    const content = Buffer.from(contentOf(drawing, this.#fonts), 'latin1');
    const contentId = this.#file.addStream('/Filter/FlateDecode', deflateSync(content, FAST));
    const box = `${round(drawing.widthMm * POINTS)} ${round(drawing.heightMm * POINTS)}`;
    const parentId = this.#tree.parentId();
    this.#tree.add(
      this.#file.add(
        `<</Type/Page/Parent ${parentId} 0 R/MediaBox[0 0 ${box}]` +
          `/Resources ${this.#resourcesId} 0 R/Contents ${contentId} 0 R>>`,
      ),
    );
    return this.#file.take(PART_BYTES);
  }

  /** The last part; nothing if no page was added, since a file without a page is none. */
  end(): Uint8Array | undefined {
    if (this.#tree.isEmpty) return undefined;
    const pagesId = this.#tree.end();
    this.#fonts.medium.end(this.#file);
    this.#fonts.bold.end(this.#file);
    const rootId = this.#file.add(`<</Type/Catalog/Pages ${pagesId} 0 R>>`);
    this.#file.end(rootId, this.#file.add('<</Producer(Queqiao)>>'));
    return this.#file.take();
  }
}

function contentOf({ heightMm, marks }: Drawing, fonts: Fonts): string {
  // From here on a unit is a millimetre and y grows downwards.
  const parts = [`${SCALE} 0 0 -${SCALE} 0 ${round(heightMm * POINTS)} cm\n`];
  for (const mark of marks) parts.push(contentOfMark(mark, fonts));
  return parts.join('');
}

function contentOfMark(mark: Mark, fonts: Fonts): string {
  switch (mark.kind) {
    case 'fill': {
      const { xMm, yMm, widthMm, heightMm } = mark;
      return `${round(xMm)} ${round(yMm)} ${round(widthMm)} ${round(heightMm)} re f\n`;
    }
    case 'text': {
      const font = fonts[mark.weight];
      const at = `${round(mark.xMm)} ${round(mark.baselineMm)}`;
      const shown =
        `BT /${font.name} ${round(mark.sizeMm)} Tf 1 0 0 -1 ${at} Tm ` +
        `<${font.encode(mark.text)}> Tj ET\n`;
      return mark.isWhite ? `1 g\n${shown}0 g\n` : shown;
    }
    case 'code128':
      return barsOf(mark, mark.text);
    case 'qr':
      return modulesOf(mark, mark.text);
  }
}

function barsOf({ xMm, yMm, widthMm, heightMm }: Box, text: string): string {
  const widths = code128(text);
  const modules = widths.reduce((sum, width) => sum + width, 0);
  const across = place({ startMm: xMm, lengthMm: widthMm }, { ...CODE128, modules }, DOT_MM);
  const bars = [];
  let at = 0;
  for (const [index, width] of widths.entries()) {
    if (index % 2 === 0) bars.push(`${at} 0 ${width} 1 re`);
    at += width;
  }
  const scale = `${across.moduleMm} 0 0 ${round(heightMm)} ${across.startMm} ${round(yMm)} cm`;
  return `q ${scale} ${bars.join(' ')} f Q\n`;
}

function modulesOf({ xMm, yMm, widthMm, heightMm }: Box, text: string): string {
  const rows = qrCode(text);
  const kind = { ...QR, modules: rows.length };
  const across = place({ startMm: xMm, lengthMm: widthMm }, kind, DOT_MM);
  const down = place({ startMm: yMm, lengthMm: heightMm }, kind, DOT_MM);
  // One path for all: rows that were filled one by one would show fine white lines between them.
  const path: string[] = [];
  for (const [y, row] of rows.entries()) {
    for (let x = 0; x < row.length; x += 1) {
      const first = x;
      while (row[x] === true) x += 1;
      if (x > first) path.push(`${first} ${y} ${x - first} 1 re`);
    }
  }
  const scale = `${across.moduleMm} 0 0 ${down.moduleMm} ${across.startMm} ${down.startMm} cm`;
  return `q ${scale} ${path.join(' ')} f Q\n`;
}

/** The pages as a tree of two levels: readers open any page of a large file quickly. */
class PageTree {
  readonly #file: PdfFile;
  readonly #rootId: number;
  readonly #groups: number[] = [];
  #groupId = 0;
  #pages: number[] = [];
  #count = 0;

  constructor(file: PdfFile) {
    this.#file = file;
    this.#rootId = file.reserve();
  }

  /** What the next page names as its parent. */
  parentId(): number {
    if (this.#pages.length === 0) this.#groupId = this.#file.reserve();
    return this.#groupId;
  }

  add(pageId: number): void {
    this.#pages.push(pageId);
    this.#count += 1;
    if (this.#pages.length === PAGES_PER_GROUP) this.#endGroup();
  }

  get isEmpty(): boolean {
    return this.#count === 0;
  }

  end(): number {
    if (this.#pages.length > 0) this.#endGroup();
    this.#file.add(
      `<</Type/Pages/Kids[${refs(this.#groups)}]/Count ${this.#count}>>`,
      this.#rootId,
    );
    return this.#rootId;
  }

  #endGroup(): void {
    const count = this.#pages.length;
    const entries = `/Parent ${this.#rootId} 0 R/Kids[${refs(this.#pages)}]/Count ${count}`;
    this.#groups.push(this.#file.add(`<</Type/Pages${entries}>>`, this.#groupId));
    this.#pages = [];
  }
}

function refs(ids: readonly number[]): string {
  return ids.map((id) => `${id} 0 R`).join(' ');
}

/** Thousandths of a millimetre are enough. */
function round(mm: number): number {
  return Math.round(mm * 1000) / 1000;
}

/** A point is 1/72 inch. */
const POINTS = 72 / 25.4;
const SCALE = POINTS.toFixed(6);
/** Bars are multiples of a dot of the commonest printers, 203 dpi. */
const DOT_MM = 0.125;
const PART_BYTES = 64 * 1024;
const FAST = { level: 1 };
const PAGES_PER_GROUP = 256;

type Fonts = Readonly<Record<Weight, PdfFont>>;
