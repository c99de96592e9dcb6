import { code128Fits } from './codes.ts';
import { customMarks } from './custom-area.ts';
import type { Box, Drawing } from './drawing.ts';
import { LABEL_SIZES, type Label, type LabelSize, type Party } from './label.ts';
import { contentWidthMm, inset, Page, THIN_MM } from './page.ts';
import { detailLines, otherServices, partyLine, printLine, prominentServices } from './wording.ts';

/**
 * A label as a drawing: single ply, in the areas of GB/T 41833-2022 from top to bottom: brand and
 * product; sorting code; bar code; bag destination and print; consignee; sender; services with the
 * signed code; the merchant's own area.
 */
export function layOut(label: Label, size: LabelSize): Drawing {
  const { widthMm, heightMm } = LABEL_SIZES[size];
  if (!numberFits(label.waybillNumber, size)) {
    throw new RangeError('the number is too long for bars that can be scanned');
  }
  const form = FORMS[size];
  const page = new Page(form.unit, widthMm);
  drawHeader(page, label, page.area(form.headerMm));
  drawSortCode(page, label, page.area(form.sortMm));
  drawBarCode(page, label, page.area(form.barsMm));
  drawBag(page, label, page.area(form.bagMm));
  drawParty(page, '收', label.consignee, { ...page.area(form.consigneeMm), isLarge: true });
  drawParty(page, '寄', label.sender, { ...page.area(form.senderMm), isLarge: false });
  drawServices(page, label, page.area(form.servicesMm));
  if (label.custom !== undefined) page.marks.push(...customMarks(label.custom, page.rest()));
  page.frame(heightMm);
  return { widthMm, heightMm, marks: page.marks };
}

/** Whether the bars of a number are wide enough on labels of a size to be scanned. */
export function numberFits(waybillNumber: string, size: LabelSize): boolean {
  return code128Fits(waybillNumber, contentWidthMm(LABEL_SIZES[size].widthMm));
}

function drawHeader(page: Page, label: Label, area: Box): void {
  const { unit } = page;
  let right = area.xMm + area.widthMm;
  if (label.parcelCount > 1) {
    const widthMm = 15 * unit;
    right -= widthMm;
    const box = { ...area, xMm: right, widthMm };
    page.marks.push({ kind: 'fill', ...box });
    const text = `${label.parcelNo}/${label.parcelCount}`;
    page.line(text, inset(box, 1), {
      sizeMm: 6 * unit,
      weight: 'bold',
      align: 'middle',
      white: true,
    });
  }
  const half = { ...inset(area, 1.5), widthMm: (right - area.xMm) * 0.58 - 1.5 };
  page.line(label.courierName, half, { sizeMm: 5.6 * unit, weight: 'bold' });
  const rest = { ...half, xMm: half.xMm + half.widthMm, widthMm: (right - area.xMm) * 0.42 - 1.5 };
  page.line(label.serviceName, rest, { sizeMm: 4.4 * unit, weight: 'bold', align: 'end' });
}

function drawSortCode(page: Page, { sortCode }: Label, area: Box): void {
  if (sortCode === undefined) return;
  const sizeMm = area.heightMm * 0.86;
  page.line(sortCode.text, inset(area, 1.5), { sizeMm, weight: 'bold', align: 'middle' });
}

function drawBarCode(page: Page, { waybillNumber }: Label, area: Box): void {
  const textMm = 5.2 * page.unit;
  const bars = { ...area, yMm: area.yMm + 1.5, heightMm: area.heightMm - 1.5 - textMm };
  page.marks.push({ kind: 'code128', text: waybillNumber, ...bars });
  const below = { ...area, yMm: bars.yMm + bars.heightMm, heightMm: textMm };
  const text = waybillNumber.replace(/(.{4})(?=.)/g, '$1 ');
  page.line(text, inset(below, 1.5), { sizeMm: textMm * 0.82, weight: 'bold', align: 'middle' });
}

function drawBag(page: Page, label: Label, area: Box): void {
  const { unit } = page;
  const { xMm, widthMm } = inset(area, 1.5);
  const place = { ...area, xMm, widthMm: widthMm * 0.54 };
  if (label.bagDestination !== '') {
    page.line(`集包 ${label.bagDestination}`, place, { sizeMm: 4.2 * unit, weight: 'bold' });
  }
  const print = { ...area, xMm: xMm + widthMm * 0.54, widthMm: widthMm * 0.46 };
  page.line(printLine(label), print, { sizeMm: 2.7 * unit, weight: 'medium', align: 'end' });
}

function drawParty(page: Page, tag: string, party: Party, area: Box & { isLarge: boolean }): void {
  const { unit } = page;
  const tagMm = (area.isLarge ? 8 : 5.6) * unit;
  const nameMm = (area.isLarge ? 4.5 : 3.3) * unit;
  const disc = { xMm: area.xMm + 1.5, yMm: area.yMm + 1.5, widthMm: tagMm, heightMm: tagMm };
  page.marks.push({ kind: 'fill', ...disc });
  page.line(tag, disc, { sizeMm: tagMm * 0.78, weight: 'bold', align: 'middle', white: true });
  const xMm = disc.xMm + tagMm + 1.8;
  const widthMm = area.xMm + area.widthMm - xMm - 1.5;
  const name = { xMm, yMm: area.yMm + 1, widthMm, heightMm: nameMm * 1.35 };
  page.line(partyLine(party), name, { sizeMm: nameMm, weight: 'bold' });
  const yMm = name.yMm + name.heightMm;
  const address = { xMm, yMm, widthMm, heightMm: area.yMm + area.heightMm - yMm - 0.5 };
  const sizes = area.isLarge
    ? { sizeMaxMm: 4.3 * unit, sizeMinMm: 2.4 }
    : { sizeMaxMm: 2.9 * unit, sizeMinMm: 2 };
  page.lines(party.address, address, { ...sizes, weight: area.isLarge ? 'bold' : 'medium' });
}

function drawServices(page: Page, label: Label, area: Box): void {
  const { unit } = page;
  const qrMm = area.heightMm;
  const qr = { ...area, xMm: area.xMm + area.widthMm - qrMm, widthMm: qrMm };
  page.marks.push({ kind: 'qr', text: label.qrText, ...qr });
  page.marks.push({ kind: 'fill', ...qr, widthMm: THIN_MM });
  const column = { ...inset(area, 1.5), widthMm: area.widthMm - qrMm - 3 };
  const endMm = area.yMm + area.heightMm - 0.5;
  let yMm = area.yMm + 1;
  for (const text of prominentServices(label)) {
    const box = { ...column, yMm, heightMm: 5.6 * unit };
    page.line(text, box, { sizeMm: 4.4 * unit, weight: 'bold' });
    yMm += box.heightMm;
  }
  const others = otherServices(label);
  if (others !== '') {
    const box = { ...column, yMm, heightMm: Math.min(endMm - yMm - 5, 8 * unit) };
    const sizes = { sizeMaxMm: 3.2 * unit, sizeMinMm: 2 };
    yMm += page.lines(others, box, { ...sizes, weight: 'bold' });
  }
  drawDetails(page, detailLines(label), { ...column, yMm, heightMm: endMm - yMm });
}

/** A line each, or one after the other where the services left little room. */
function drawDetails(page: Page, details: readonly string[], box: Box): void {
  const lineMm = Math.min(box.heightMm / details.length, 3.6 * page.unit);
  if (lineMm < DETAIL_LINE_MIN_MM) {
    const sizes = { sizeMaxMm: 2.6 * page.unit, sizeMinMm: 2 };
    page.lines(details.join('  '), box, { ...sizes, weight: 'medium' });
    return;
  }
  for (const [index, text] of details.entries()) {
    const line = { ...box, yMm: box.yMm + index * lineMm, heightMm: lineMm };
    page.line(text, line, { sizeMm: lineMm * 0.8, weight: 'medium' });
  }
}

const DETAIL_LINE_MIN_MM = 2.5;

/** Heights of the areas; what is left is the merchant's, see CUSTOM_AREAS. */
const FORMS: Record<LabelSize, Form> = {
  '76x130': {
    unit: 1,
    headerMm: 9.5,
    sortMm: 16,
    barsMm: 20,
    bagMm: 7,
    consigneeMm: 21,
    senderMm: 12.5,
    servicesMm: 22.5,
  },
  '100x180': {
    unit: 1.32,
    headerMm: 12,
    sortMm: 22,
    barsMm: 27,
    bagMm: 9,
    consigneeMm: 30,
    senderMm: 18,
    servicesMm: 30,
  },
};

type Form = {
  /** How large letters are beside those of the small size. */
  readonly unit: number;
  readonly headerMm: number;
  readonly sortMm: number;
  readonly barsMm: number;
  readonly bagMm: number;
  readonly consigneeMm: number;
  readonly senderMm: number;
  readonly servicesMm: number;
};
