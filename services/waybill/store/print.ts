import { boolArray, int2Array, type Tx, textArray } from '#libs/db';
import type { State } from '../state.ts';

/**
 * Notes prints of waybills and counts those that were not noted before, of the waybill and of its
 * account. Answers how every one of the waybills stands after it.
 */
export async function notePrints(tx: Tx, prints: Prints): Promise<PrintedRow[]> {
  const keys = [
    int2Array(prints.notices.map((notice) => notice.bucket)),
    textArray(prints.notices.map((notice) => notice.number)),
  ];
  // First and in one order, or two reports of the same waybills would deadlock.
  await tx.query(
    `select from unnest($1::int2[], $2::text[]) as wanted(bucket, waybill_number)
     join waybill.waybill using (bucket, waybill_number)
     order by waybill.bucket, waybill.waybill_number
     for update of waybill`,
    keys,
    { name: 'lock_printed' },
  );
  await tx.query(
    `with noted as (
       insert into waybill.print_notice
         (bucket, waybill_number, request_id, is_reprint, create_time)
       select bucket, waybill_number, $4::uuid, is_reprint, $5::timestamptz
       from unnest($1::int2[], $2::text[], $3::bool[])
         as given(bucket, waybill_number, is_reprint)
       on conflict (bucket, waybill_number, request_id) do nothing
       returning bucket, waybill_number
     ), printed as (
       update waybill.waybill
       set print_count = print_count + 1,
         last_print_time = greatest(last_print_time, $5::timestamptz)
       from noted
       where waybill.bucket = noted.bucket and waybill.waybill_number = noted.waybill_number
       returning merchant_id, courier_id, account_id
     )
     insert into waybill.account_delta (merchant_id, courier_id, account_id, printed_count)
     select merchant_id, courier_id, account_id, count(*)
     from printed
     group by merchant_id, courier_id, account_id`,
    [
      ...keys,
      boolArray(prints.notices.map((notice) => notice.isReprint)),
      prints.requestId,
      prints.time,
    ],
    { name: 'note_prints' },
  );
  return tx.query<PrintedRow>(
    `select bucket, waybill_number, print_count, last_print_time, state, notice.is_reprint
     from unnest($1::int2[], $2::text[]) as wanted(bucket, waybill_number)
     join waybill.waybill using (bucket, waybill_number)
     join waybill.print_notice notice using (bucket, waybill_number)
     where notice.request_id = $3::uuid`,
    [...keys, prints.requestId],
    { name: 'select_printed' },
  );
}

type Prints = {
  requestId: string;
  time: Date;
  notices: { bucket: number; number: string; isReprint: boolean }[];
};

export type PrintedRow = {
  bucket: number;
  waybill_number: string;
  print_count: number;
  last_print_time: Date;
  state: State;
  /** As the notice of this request says that was taken. */
  is_reprint: boolean;
};
