import { create } from '@bufbuild/protobuf';
import type { RpcError } from '#libs/errors';
import {
  type AddedService,
  AddedServiceSchema,
  type Parcel,
  ParcelSchema,
} from '#proto/queqiao/waybill/v1/waybill';
import { type Column, cellPlace } from './columns.ts';
import { fileProblem } from './problems.ts';
import { type Quantity, toUnits } from './quantity.ts';

/**
 * A parcel from the cells of one row, or everything wrong with them at once. Only what the file
 * alone can tell is checked here; names, phones and addresses are the server's to judge.
 */
export function toParcel(row: Row, defaults: OrderDefaults): Parcel | RpcError[] {
  const errors: RpcError[] = [];
  const text = (column: Column) => cleanText(row.values[column] ?? '');
  const code = (column: Column, fallback = '') => {
    const value = cleanCode(row.values[column] ?? '') || fallback;
    if (!SPREADSHEET_NUMBER.test(value)) return value;
    errors.push(fileProblem('EXCEL_NUMBER', cellPlace(column, row.headings[column])));
    return '';
  };
  const units = (column: QuantityColumn): bigint => {
    const value = cleanCode(row.values[column] ?? '');
    if (value === '') return 0n;
    try {
      return toUnits(value, QUANTITIES[column], cellPlace(column, row.headings[column]));
    } catch (error) {
      errors.push(error as RpcError);
      return 0n;
    }
  };
  const parcel = create(ParcelSchema, {
    orderRef: code('order_ref'),
    parcelNo: Number(units('parcel_no')),
    courierId: code('courier_id', defaults.courierId),
    serviceCode: code('service_code', defaults.serviceCode),
    nodeId: code('node_id', defaults.nodeId),
    accountId: code('account_id'),
    consignee: {
      name: text('name'),
      phone: code('phone').replaceAll(' ', ''),
      address: {
        province: text('province'),
        city: text('city'),
        district: text('district'),
        street: text('street'),
        detail: text('detail'),
      },
    },
    // At most one column of each pair is in a file.
    weightG: Number(units('weight_g') + units('weight_kg')),
    volumeMl: Number(units('volume_ml')),
    goodsValueFen: units('goods_value_fen') + units('goods_value_yuan'),
    goodsDescription: text('goods_description'),
    remark: text('remark'),
    mergedOrderRefs: code('merged_order_refs')
      .split(/[\s,;|、]+/)
      .filter(Boolean),
    parcelCount: Number(units('parcel_count')),
    holdNodeId: code('hold_node_id'),
    addedServices: [
      ...amountService('cod', 'amount_fen', units('cod_fen') + units('cod_yuan')),
      ...amountService('insured', 'value_fen', units('insured_fen') + units('insured_yuan')),
      ...(row.addedServices ?? []),
    ],
  });
  errors.unshift(...missing(row, parcel, errors));
  return errors.length > 0 ? errors : parcel;
}

/** An added service that is asked for by an amount; a row without amount asks for none. */
function amountService(code: string, attribute: string, amount: bigint): AddedService[] {
  if (amount === 0n) return [];
  const attributes = { [attribute]: { value: { case: 'integer' as const, value: amount } } };
  return [create(AddedServiceSchema, { code, attributes })];
}

/** Columns without which no row can become a parcel; the defaults may stand in for two of them. */
export function requiredColumns(defaults: OrderDefaults): Column[] {
  const columns: Column[] = ['order_ref', 'name', 'phone', 'province', 'detail'];
  if (defaults.courierId === undefined) columns.push('courier_id');
  if (defaults.nodeId === undefined) columns.push('node_id');
  return columns;
}

/** Text as it goes on a label: one line, no blanks around it, nothing invisible. */
export function cleanText(cell: string): string {
  return cell
    .replace(INVISIBLE, '')
    .replace(/[\r\n\t]+/g, ' ')
    .trim();
}

/** A code or number: full-width characters and the apostrophe of "this is text" are taken off. */
export function cleanCode(cell: string): string {
  return cleanText(cell.normalize('NFKC')).replace(/^'/, '');
}

function missing(row: Row, parcel: Parcel, errors: RpcError[]): RpcError[] {
  const { consignee } = parcel;
  const given: Partial<Record<Column, string | undefined>> = {
    order_ref: parcel.orderRef,
    courier_id: parcel.courierId,
    node_id: parcel.nodeId,
    name: consignee?.name,
    phone: consignee?.phone,
    province: consignee?.address?.province,
    detail: consignee?.address?.detail,
  };
  return (Object.keys(given) as Column[])
    .filter((column) => given[column] === '')
    .map((column) => cellPlace(column, row.headings[column]))
    .filter((place) => !errors.some((error) => error.field === place.field))
    .map((place) => fileProblem('REQUIRED', place));
}

const QUANTITIES = {
  parcel_no: { digits: 0, min: 0, max: 999 },
  weight_g: { digits: 0, min: 0, max: 1_000_000 },
  weight_kg: { digits: 3, min: 0, max: 1_000_000 },
  volume_ml: { digits: 0, min: 0, max: 10_000_000 },
  goods_value_fen: { digits: 0, min: 0, max: 1_000_000_000 },
  goods_value_yuan: { digits: 2, min: 0, max: 1_000_000_000 },
  parcel_count: { digits: 0, min: 0, max: 999 },
  cod_fen: { digits: 0, min: 0, max: 1_000_000_000 },
  cod_yuan: { digits: 2, min: 0, max: 1_000_000_000 },
  insured_fen: { digits: 0, min: 0, max: 1_000_000_000 },
  insured_yuan: { digits: 2, min: 0, max: 1_000_000_000 },
} satisfies Partial<Record<Column, Quantity>>;

/** Zero-width characters and the direction marks that come with numbers copied from a phone. */
const INVISIBLE = /[\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff]/g;
/** 1.38E+10 or 13800138000.0: what a spreadsheet makes of long digits. */
const SPREADSHEET_NUMBER = /^\d+(?:\.\d+)?e\+\d+$|^\d+\.0+$/i;

export type Row = {
  values: Partial<Record<Column, string>>;
  headings: Partial<Record<Column, string>>;
  /** Those that no column stands for; JSON lines alone have them. */
  addedServices?: AddedService[];
};

export type OrderDefaults = {
  courierId?: string | undefined;
  nodeId?: string | undefined;
  serviceCode?: string | undefined;
};

type QuantityColumn = keyof typeof QUANTITIES;
