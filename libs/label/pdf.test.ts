import { PDFiumLibrary } from '@hyzyla/pdfium';
import { describe, expect, test } from 'vitest';
import { decodeCodes, picturesOfPdf } from '#test/support/pictures';
import { sampleLabel } from './label.fixture.ts';
import { layOut } from './layout.ts';
import { PdfDocument } from './pdf.ts';

describe('a PDF of labels', () => {
  test('of more pages than one group holds opens, and any page is the right label', async () => {
    const pdf = Buffer.concat(partsOf(600));
    const library = await PDFiumLibrary.init();
    const document = await library.loadDocument(pdf);
    expect(document.getPageCount()).toBe(600);
    for (const index of [0, 255, 256, 511, 599]) {
      // The text of a page comes back, by which a reader searches.
      const text = document.getPage(index).getText();
      expect(text).toContain(numberOf(index).replace(/(.{4})(?=.)/g, '$1 '));
      expect(text).toContain('浙江省杭州市');
      expect(text).toContain('代收货款 ¥1,280.50');
    }
    document.destroy();
    library.destroy();
  });

  // Readers repair a wrong table silently, and slowly.
  test('has a table that says where each object is, and streams as long as they say', () => {
    const pdf = Buffer.concat(partsOf(300));
    const text = pdf.toString('latin1');
    const start = Number(/startxref\n(\d+)\n%%EOF\n$/.exec(text)?.[1]);
    const [, count = '', table = ''] =
      /^xref\n0 (\d+)\n([^t]+)trailer/.exec(text.slice(start)) ?? [];
    const entries = table.match(/.{20}/gs) ?? [];
    expect(entries).toHaveLength(Number(count));
    for (const [id, entry] of entries.entries()) {
      if (id === 0) continue;
      expect(entry).toMatch(/^\d{10} 00000 n \n$/);
      const at = Number(entry.slice(0, 10));
      expect(text.slice(at, at + 20)).toMatch(new RegExp(`^${id} 0 obj\n`));
    }
    const streams = [...text.matchAll(/\/Length (\d+)>>stream\n/g)];
    expect(streams.length).toBeGreaterThan(300);
    for (const { 0: head, 1: length, index } of streams) {
      const end = index + head.length + Number(length);
      expect(text.slice(end, end + 10)).toBe('\nendstream');
    }
  });

  test('comes in parts while labels are still to come', () => {
    const document = new PdfDocument();
    const parts = Array.from({ length: 400 }, (_, index) => document.add(drawingOf(index)));
    const sizes = parts.flatMap((part) => (part === undefined ? [] : [part.length]));
    expect(parts.findIndex((part) => part !== undefined)).toBeLessThan(50);
    expect(sizes.length).toBeGreaterThan(10);
    // What comes last brings the typefaces.
    expect(Math.max(...sizes)).toBeLessThan(80 * 1024);
  });

  test('is the same bytes for the same labels, and holds only the glyphs it needs', () => {
    const [first, second] = [partsOf(2), partsOf(2)].map((all) => Buffer.concat(all));
    expect(first).toEqual(second);
    expect(first?.length).toBeLessThan(60 * 1024);
  });

  test('shows codes that are decoded on every page', async () => {
    const pictures = await picturesOfPdf(Buffer.concat(partsOf(5)), 8);
    const found = await Promise.all(pictures.map(decodeCodes));
    expect(found.map(({ Code128 }) => Code128)).toEqual([0, 1, 2, 3, 4].map(numberOf));
  });

  test('is no file when there is no label', () => {
    expect(partsOf(0)).toEqual([]);
  });
});

function drawingOf(index: number) {
  return layOut(sampleLabel({ waybillNumber: numberOf(index) }), '76x130');
}

function numberOf(index: number): string {
  return `77321234567${String(index).padStart(4, '0')}`;
}

function partsOf(count: number): Uint8Array[] {
  const document = new PdfDocument();
  const parts = Array.from({ length: count }, (_, index) => document.add(drawingOf(index)));
  return [...parts, document.end()].filter((part) => part !== undefined);
}
