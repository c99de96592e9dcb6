import {
  byteaArray,
  int2Array,
  int4Array,
  OF_EVERYBODY,
  ofMerchant,
  ofOwners,
  type Queryable,
  type Tx,
  textArray,
} from '#libs/db';
import type { RowName } from './version.ts';

const PRINT = `print_id, bucket, waybill_number, merchant_id, request_id, contents_hash,
  print_count, nonce, key_id, print_time, caller_kind, caller_id, api_key_id`;

/** What a request printed of these waybills before. */
export async function selectPrintsOf(
  db: Queryable,
  requestId: string,
  numbers: RowName[],
): Promise<LabelPrintRow[]> {
  if (numbers.length === 0) return [];
  return db.query<LabelPrintRow>(
    `select ${PRINT}
     from unnest($1::int2[], $2::text[]) as wanted(bucket, waybill_number)
     join waybill.label_print using (bucket, waybill_number)
     where request_id = $3::uuid`,
    [
      int2Array(numbers.map((each) => each.bucket)),
      textArray(numbers.map((each) => each.number)),
      requestId,
    ],
    { name: 'select_prints_of', tenant: ofOwners(numbers) },
  );
}

/** Writes down prints of one call; answers them with their ids. */
export async function insertLabelPrints(
  tx: Tx,
  rows: NewLabelPrintRow[],
): Promise<LabelPrintRow[]> {
  const [first] = rows;
  if (first === undefined) return [];
  return await tx.query<LabelPrintRow>(
    `insert into waybill.label_print (
       request_id, key_id, print_time, caller_kind, caller_id, api_key_id,
       bucket, waybill_number, merchant_id, contents_hash, print_count, nonce
     )
     select $1::uuid, $2, $3::timestamptz, $4, $5, $6,
       bucket, waybill_number, merchant_id, contents_hash, print_count, nonce
     from unnest($7::int2[], $8::text[], $9::text[], $10::bytea[], $11::int4[], $12::bytea[])
       as printed(bucket, waybill_number, merchant_id, contents_hash, print_count, nonce)
     returning ${PRINT}`,
    [
      ...[first.request_id, first.key_id, first.print_time],
      ...[first.caller_kind, first.caller_id, first.api_key_id],
      int2Array(rows.map((row) => row.bucket)),
      textArray(rows.map((row) => row.waybill_number)),
      textArray(rows.map((row) => row.merchant_id)),
      byteaArray(rows.map((row) => row.contents_hash)),
      int4Array(rows.map((row) => row.print_count)),
      byteaArray(rows.map((row) => row.nonce)),
    ],
    { name: 'insert_label_prints', tenant: ofOwners(rows) },
  );
}

/** Newest first, those before `beforeId`; null leaves a column free. */
export function selectLabelPrints(db: Queryable, page: LabelPrintPage): Promise<LabelPrintRow[]> {
  return db.query<LabelPrintRow>(
    `select ${PRINT}
     from waybill.label_print
     where ($1::text is null or merchant_id = $1)
       and ($2::text is null or waybill_number = $2)
       and ($3::int8 is null or print_id < $3)
     order by print_id desc
     limit $4::int4`,
    [page.merchantId, page.waybillNumber, page.beforeId, page.limit],
    { tenant: page.merchantId === null ? OF_EVERYBODY : ofMerchant(page.merchantId) },
  );
}

/** Undefined if the merchant has a template of that id. */
export async function insertTemplate(
  tx: Tx,
  row: LabelTemplateRow,
): Promise<LabelTemplateRow | undefined> {
  const rows = await tx.query<LabelTemplateRow>(
    `insert into waybill.label_template (merchant_id, template_id, body, create_time)
     values ($1, $2, $3::bytea, $4::timestamptz)
     on conflict (merchant_id, template_id) do nothing
     returning merchant_id, template_id, body, create_time`,
    [row.merchant_id, row.template_id, row.body, row.create_time],
    { tenant: ofMerchant(row.merchant_id) },
  );
  return rows[0];
}

export async function selectTemplate(
  db: Queryable,
  merchantId: string,
  templateId: string,
): Promise<LabelTemplateRow | undefined> {
  const rows = await db.query<LabelTemplateRow>(
    `select merchant_id, template_id, body, create_time
     from waybill.label_template
     where merchant_id = $1 and template_id = $2`,
    [merchantId, templateId],
    { tenant: ofMerchant(merchantId) },
  );
  return rows[0];
}

/** In order of template_id, those after `after`. */
export function selectTemplates(
  db: Queryable,
  { merchantId, after, limit }: { merchantId: string; after: string; limit: number },
): Promise<LabelTemplateRow[]> {
  return db.query<LabelTemplateRow>(
    `select merchant_id, template_id, body, create_time
     from waybill.label_template
     where merchant_id = $1 and template_id > $2 collate "C"
     order by template_id
     limit $3::int4`,
    [merchantId, after, limit],
    { tenant: ofMerchant(merchantId) },
  );
}

export type NewLabelPrintRow = {
  bucket: number;
  waybill_number: string;
  merchant_id: string;
  request_id: string;
  contents_hash: Buffer;
  print_count: number;
  nonce: Buffer;
  key_id: string;
  print_time: Date;
  caller_kind: string;
  caller_id: string;
  api_key_id: string;
};

export type LabelPrintRow = NewLabelPrintRow & { print_id: string };

export type LabelPrintPage = {
  merchantId: string | null;
  waybillNumber: string | null;
  beforeId: string | null;
  limit: number;
};

export type LabelTemplateRow = {
  merchant_id: string;
  template_id: string;
  body: Buffer;
  create_time: Date;
};
