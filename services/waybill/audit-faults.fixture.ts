// For audit.test.ts: the corruptions that each check is shown, and how to take them back.
import type { Audited } from './audit.fixture.ts';

const ROW = 'update waybill.waybill';
const LEASE = 'update waybill.number_lease';
const HOLDS = `span @> (lpad(length($1)::text, 2, '0') || $1) collate "C"`;

const COLUMNS = `merchant_id, parcel_no, courier_id, service_code, node_id, issue_time, body,
  consignee_masked, consignee_sealed, data_key_id`;
const COPY = `insert into waybill.waybill (bucket, waybill_number, order_ref, ${COLUMNS})
  select bucket, $2, $3, ${COLUMNS} from waybill.waybill where waybill_number = $1`;

const ADD_KEY = `alter table waybill.waybill add primary key (bucket, waybill_number)`;

export const DATABASE_FAULTS: Fault[] = [
  {
    what: 'a number given out twice',
    plant: async (a) => {
      await a.sql('alter table waybill.waybill drop constraint waybill_pkey cascade');
      await a.sql(COPY, [a.beside, a.beside, 'B-TWIN']);
    },
    undo: async (a) => {
      await a.sql(`delete from waybill.waybill where order_ref = 'B-TWIN'`);
      await a.sql(ADD_KEY);
    },
    broken: ['numbers-unique', 'issued-announced'],
    example: (a) => a.beside,
  },
  {
    what: 'a parcel with two numbers, its key in other letters',
    plant: async (a) => {
      await a.sql(
        `create table public.aside as select pg_get_indexdef('waybill.waybill_parcel_key'::regclass)
         as definition`,
      );
      await a.sql('drop index waybill.waybill_parcel_key');
      await a.sql(COPY, [a.beside, await a.unusedNumber(), 'b-10']);
    },
    undo: async (a) => {
      await a.sql(`delete from waybill.waybill where order_ref = 'b-10'`);
      await a.sql(`do $$ begin execute (select definition from public.aside); end $$`);
      await a.sql('drop table public.aside');
    },
    broken: ['parcel-keys-unique', 'issued-announced'],
    example: (a) => a.beside,
  },
  {
    what: 'a waybill in a bucket that its key does not lead to',
    plant: (a) =>
      a.sql(`${ROW} set bucket = (bucket + 100) % 256 where waybill_number = $1`, [a.one]),
    undo: (a) =>
      a.sql(`${ROW} set bucket = (bucket + 156) % 256 where waybill_number = $1`, [a.one]),
    broken: ['parcel-in-bucket', 'number-in-lease'],
    example: (a) => a.one,
  },
  {
    what: 'a used lease that is free to be taken again',
    plant: (a) => a.sql(`${LEASE} set bucket = null, range_id = range_id where ${HOLDS}`, [a.one]),
    undo: (a) =>
      a.sql(
        `${LEASE} set bucket = (select bucket from waybill.waybill where waybill_number = $1)
         where ${HOLDS}`,
        [a.one],
      ),
    broken: ['number-in-lease'],
  },
  {
    what: 'a lease whose serials were shifted under its span',
    plant: (a) => a.sql(`${LEASE} set first_serial = first_serial - 1 where ${HOLDS}`, [a.one]),
    undo: (a) => a.sql(`${LEASE} set first_serial = first_serial + 1 where ${HOLDS}`, [a.one]),
    broken: ['leases-in-range'],
  },
  {
    what: 'two leases that share numbers',
    plant: async (a) => {
      await a.sql('alter table waybill.number_lease drop constraint number_lease_span_excl');
      await a.sql(
        `insert into waybill.number_lease
           (range_id, bucket, first_serial, last_serial, span, lease_time)
         select range_id, (bucket + 1) % 256, first_serial, last_serial, span, now()
         from waybill.number_lease where ${HOLDS}`,
        [a.one],
      );
    },
    undo: async (a) => {
      await a.sql(
        `delete from waybill.number_lease
         where lease_id = (select max(lease_id) from waybill.number_lease)`,
      );
      await a.sql('alter table waybill.number_lease add exclude using gist (span with &&)');
    },
    broken: ['leases-disjoint'],
    example: () => /^leases \d+ and \d+$/,
  },
  {
    what: 'a lease beyond its range',
    plant: (a) =>
      a.sql(`${LEASE} set last_serial = last_serial + 1000000000000 where ${HOLDS}`, [a.one]),
    undo: (a) =>
      a.sql(`${LEASE} set last_serial = last_serial - 1000000000000 where ${HOLDS}`, [a.one]),
    broken: ['leases-in-range', 'cursor-beyond-leases'],
  },
  {
    what: 'a cursor that was set back',
    plant: (a) => a.sql('update waybill.number_cursor set next_serial = next_serial - 1'),
    undo: (a) => a.sql('update waybill.number_cursor set next_serial = next_serial + 1'),
    broken: ['cursor-beyond-leases'],
  },
  {
    what: 'a wrong check digit',
    plant: (a) =>
      a.sql(`${ROW} set waybill_number = $2 where waybill_number = $1`, [a.one, wrong(a.one)]),
    undo: (a) =>
      a.sql(`${ROW} set waybill_number = $1 where waybill_number = $2`, [a.one, wrong(a.one)]),
    broken: ['check-digit', 'issued-announced', 'client-log'],
    example: (a) => wrong(a.one),
  },
  {
    what: "a number of another courier's",
    plant: (a) =>
      a.sql(`${ROW} set courier_id = $2 where waybill_number = $1`, [a.one, a.other.courierId]),
    undo: (a) =>
      a.sql(`${ROW} set courier_id = $2 where waybill_number = $1`, [a.one, a.shop.courierId]),
    broken: ['number-in-range', 'issued-announced'],
    example: (a) => new RegExp(`^${a.one} of courier`),
  },
  {
    what: 'a cancelled number in use again',
    plant: (a) =>
      a.sql(`${ROW} set state = 'issued', cancel_time = null where waybill_number = $1`, [
        a.numberAt(0),
      ]),
    undo: async (a) => {
      await a.sql(
        `${ROW} set state = 'cancelled', cancel_time = (
           select cancel_time from waybill.waybill where waybill_number = $2
         ) where waybill_number = $1`,
        [a.numberAt(0), a.numberAt(1)],
      );
    },
    broken: ['cancelled-final'],
    example: (a) => new RegExp(`^${a.numberAt(0)}: an event says cancelled`),
  },
  {
    what: 'a data key that is gone',
    plant: (a) =>
      a.sql(`${ROW} set data_key_id = data_key_id + 9999 where waybill_number = $1`, [a.one]),
    undo: (a) =>
      a.sql(`${ROW} set data_key_id = data_key_id - 9999 where waybill_number = $1`, [a.one]),
    broken: ['data-key-present'],
    example: (a) => new RegExp(`^${a.one}: data key \\d+ is gone$`),
  },
  {
    what: 'a waybill that is gone',
    plant: async (a) => {
      await a.sql(
        `create table public.aside as
         select * from waybill.waybill where waybill_number = '${a.one}'`,
      );
      await a.sql('delete from waybill.waybill where waybill_number = $1', [a.one]);
    },
    undo: async (a) => {
      await a.sql(
        `insert into waybill.waybill (bucket, waybill_number, order_ref, ${COLUMNS})
         select bucket, waybill_number, order_ref, ${COLUMNS} from public.aside`,
      );
      await a.sql('drop table public.aside');
    },
    broken: ['issued-announced', 'client-log'],
    example: (a) => new RegExp(`^${a.one}: an event says issued too often$`),
  },
  {
    what: 'an outbox row that is gone',
    plant: async (a) => {
      await a.sql(
        `create table public.aside as
         select * from waybill.outbox where subject like '%.issued' order by id limit 1`,
      );
      await a.sql(
        'delete from waybill.outbox where event_id in (select event_id from public.aside)',
      );
    },
    undo: async (a) => {
      await a.sql('insert into waybill.outbox select * from public.aside');
      await a.sql('drop table public.aside');
    },
    broken: ['issued-announced', 'stream-in-outbox'],
  },
  {
    what: 'an event in which a waybill stands twice',
    plant: (a) =>
      a.sql(`update waybill.outbox set payload = payload || payload
           where id = (select max(id) from waybill.outbox where subject like '%.issued')`),
    undo: (a) =>
      a.sql(`update waybill.outbox set payload = substr(payload, 1, octet_length(payload) / 2)
           where id = (select max(id) from waybill.outbox where subject like '%.issued')`),
    broken: ['issued-announced', 'outbox-in-stream', 'stream-in-outbox'],
  },
  {
    what: 'a relay position beyond what was published',
    plant: async (a) => {
      await a.sql(
        `insert into waybill.outbox (event_id, subject, type, payload, xid)
         values (gen_random_uuid(), 'queqiao.v1.waybill.abc.range_reported', 'x', '', '1')`,
      );
    },
    undo: (a) => a.sql(`delete from waybill.outbox where type = 'x'`),
    broken: ['outbox-in-stream'],
  },
];

/** The last digit is the check digit. */
function wrong(number: string): string {
  return number.slice(0, -1) + ((Number(number.slice(-1)) + 1) % 10);
}

type Fault = {
  what: string;
  plant(a: Audited): Promise<void>;
  undo(a: Audited): Promise<void>;
  broken: string[];
  /** Among the examples of the first broken check. */
  example?: (a: Audited) => string | RegExp;
};
