import type { Label, LabelService, Party } from './label.ts';

/** Name and phone of a party. */
export function partyLine({ name, phone }: Party): string {
  return `${name}  ${phone}`.trim();
}

/** When it was printed, in China's time, and whether again. */
export function printLine({ printTime, reprintCount }: Label): string {
  const local = new Date(printTime.getTime() + CHINA_OFFSET_MS).toISOString();
  const time = `${local.slice(0, 10)} ${local.slice(11, 16)}`;
  return reprintCount === 0 ? time : `补打${reprintCount} ${time}`;
}

/** Services that cost money or goods if they are overlooked, a line each. */
export function prominentServices({ services }: Label): string[] {
  return services.filter(isProminent).map(wordingOf);
}

/** The other services in one text. */
export function otherServices({ services }: Label): string {
  const others = services.filter((service) => !isProminent(service));
  return others.map(wordingOf).join('  ');
}

/** All services, those first that are prominent. */
export function serviceTexts({ services }: Label): string[] {
  const others = services.filter((service) => !isProminent(service));
  return [...services.filter(isProminent), ...others].map(wordingOf);
}

/** What else a courier or the merchant looks for. */
export function detailLines(label: Label): string[] {
  const { goodsDescription, weightG, orderRef, parentNumber } = label;
  return [
    ...(parentNumber === undefined ? [] : [`母单 ${parentNumber}`]),
    `订单 ${orderRef}`,
    ...(weightG === 0 ? [] : [`重量 ${(weightG / 1000).toFixed(2)} kg`]),
    // Last, for where there is little room it is cut.
    ...(goodsDescription === '' ? [] : [`品名 ${goodsDescription}`]),
  ];
}

function isProminent({ kind }: LabelService): boolean {
  return kind === 'cod' || kind === 'cold_chain';
}

function wordingOf(service: LabelService): string {
  switch (service.kind) {
    case 'cod':
      return `代收货款 ${yuan(service.amountFen)}`;
    case 'insured':
      return `保价 ${yuan(service.valueFen)}`;
    case 'cold_chain':
      return `冷链 ${celsius(service.minDecic)}~${celsius(service.maxDecic)} ℃`;
    case 'freight':
      return `货运 ${service.pieceCount}件 ${service.package}`.trim();
    case 'other':
      return service.text;
  }
}

function yuan(fen: bigint): string {
  const whole = (fen / 100n).toString().replace(/\B(?=(\d{3})+$)/g, ',');
  return `¥${whole}.${(fen % 100n).toString().padStart(2, '0')}`;
}

function celsius(decic: number): string {
  return (decic / 10).toFixed(1);
}

const CHINA_OFFSET_MS = 8 * 3600 * 1000;
