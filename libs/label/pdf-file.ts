/**
 * The frame of a PDF file (ISO 32000-1), written as it grows: each object goes out once it is
 * known, and what stays in memory is its place, a number. Widely used libraries keep every page
 * until the end: pdfkit 0.20 held 25 kB for each label.
 */
export class PdfFile {
  readonly #offsets: number[] = [];
  readonly #parts: Uint8Array[] = [];
  #length = 0;
  #waitingBytes = 0;

  constructor() {
    // The second line tells programs that the file is binary.
    this.#write(Buffer.from('%PDF-1.7\n%\xe9\xb9\x8a\xe6\n', 'latin1'));
  }

  /** Takes an object's number before the object is known. */
  reserve(): number {
    this.#offsets.push(0);
    return this.#offsets.length;
  }

  add(text: string, id = this.reserve()): number {
    this.#begin(id);
    this.#write(Buffer.from(`${id} 0 obj\n${text}\nendobj\n`, 'latin1'));
    return id;
  }

  /** An object with bytes; `entries` are those of its dictionary beside Length. */
  addStream(entries: string, bytes: Uint8Array, id = this.reserve()): number {
    this.#begin(id);
    const head = `${id} 0 obj\n<<${entries}/Length ${bytes.length}>>stream\n`;
    this.#write(Buffer.from(head, 'latin1'));
    this.#write(bytes);
    this.#write(Buffer.from('\nendstream\nendobj\n', 'latin1'));
    return id;
  }

  /** The table of all objects, with which the file ends. */
  end(rootId: number, infoId: number): void {
    const start = this.#length;
    const count = this.#offsets.length + 1;
    this.#write(Buffer.from(`xref\n0 ${count}\n0000000000 65535 f \n`, 'latin1'));
    for (let from = 0; from < this.#offsets.length; from += TABLE_PART) {
      const lines = this.#offsets.slice(from, from + TABLE_PART).map(entry);
      this.#write(Buffer.from(lines.join(''), 'latin1'));
    }
    const trailer = `trailer\n<</Size ${count}/Root ${rootId} 0 R/Info ${infoId} 0 R>>\n`;
    this.#write(Buffer.from(`${trailer}startxref\n${start}\n%%EOF\n`, 'latin1'));
  }

  /** What was written since the last call; undefined while that is less than `bytesMin`. */
  take(bytesMin = 1): Uint8Array | undefined {
    if (this.#waitingBytes < bytesMin) return undefined;
    const bytes = Buffer.concat(this.#parts);
    this.#parts.length = 0;
    this.#waitingBytes = 0;
    return bytes;
  }

  #begin(id: number): void {
    this.#offsets[id - 1] = this.#length;
  }

  #write(bytes: Uint8Array): void {
    this.#parts.push(bytes);
    this.#length += bytes.length;
    this.#waitingBytes += bytes.length;
  }
}

function entry(offset: number): string {
  return `${String(offset).padStart(10, '0')} 00000 n \n`;
}

const TABLE_PART = 10_000;
