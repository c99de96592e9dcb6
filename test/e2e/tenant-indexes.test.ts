import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ofMerchant, openPool, type Queryable, roleOf, transaction } from '#libs/db';
import { createLogger } from '#libs/log';
import { type TestSystem, testSystem } from '#test/support/system';
import { selectByKeys } from '../../services/waybill/store/issue.ts';
import { selectChangeable } from '../../services/waybill/store/version.ts';
import { selectByNumbers, selectByParcelKeys } from '../../services/waybill/store/waybill.ts';

const merchantId = 'shop';

let system: TestSystem;

beforeAll(async () => {
  system = await testSystem({ natsUrl: undefined });
});
afterAll(() => system[Symbol.asyncDispose]());

describe('an index behind the wall', () => {
  it.each<[string, (db: Queryable, merchantId: string) => Promise<unknown>]>([
    [
      'selectByKeys',
      (db, merchant_id) =>
        selectByKeys(db, [{ merchant_id, bucket: 1, order_ref: 'A', parcel_no: 1 }]),
    ],
    [
      'selectByParcelKeys',
      (db, merchantId) =>
        selectByParcelKeys(db, { merchantId, setting: ofMerchant(merchantId) }, [
          { bucket: 1, orderRef: 'A', parcelNo: 1 },
        ]),
    ],
    [
      'selectByNumbers',
      (db, merchantId) =>
        selectByNumbers(db, [{ bucket: 1, number: 'A' }], {
          ...{ merchantId, courierId: null, setting: ofMerchant(merchantId) },
        }),
    ],
    [
      'selectChangeable',
      (db, merchant_id) => selectChangeable(db, [{ merchant_id, bucket: 1, number: 'A' }]),
    ],
  ])('is all that %s reads of the waybills it is not asked for', async (_, read) => {
    const log = createLogger({ name: 'test', level: 'silent' });
    const role = roleOf('waybill');
    await using pool = openPool({ url: system.database.url, name: 'plan', role, log });
    const plans: string[] = [];
    const explaining: Queryable = {
      async query(text, values) {
        const rows = await transaction(
          pool,
          async (tx) => {
            await tx.query('set local enable_seqscan = off');
            return tx.query(`explain ${text}`, values);
          },
          { tenant: ofMerchant(merchantId) },
        );
        plans.push(rows.map((row) => Object.values(row)[0]).join('\n'));
        return [];
      },
    };
    await read(explaining, merchantId);
    // All of the key, or a look-up reads the merchant's whole history.
    const conditions = /Index Cond: .*(order_key = .*parcel_no = |waybill_number = )/;
    expect(plans.join()).toMatch(conditions);
  });

  // A condition that may not come before the wall's own is no index condition, and a look-up reads
  // all of the merchant's history.
  it.each([
    [`merchant_id = 'a' and order_key = lower('A')`, ['bucket', 'merchant_id', 'order_key']],
    [`merchant_id = 'a' and (issue_time, waybill_number) < ('infinity', '')`, ['issue_time']],
    [`waybill_number = 'A'`, ['bucket', 'waybill_number']],
  ])('is searched behind the wall by %s', async (condition, columns) => {
    // So many that the planner has a preference.
    await system.database.query(
      `insert into waybill.waybill (bucket, waybill_number, merchant_id, order_ref, parcel_no,
         courier_id, service_code, node_id, issue_time, body, consignee_masked, consignee_sealed,
         data_key_id)
       select 1, 'P' || n, 'planned', 'P' || n, 1, 'c', 's', 'n', now(), '', '', '', 0
       from generate_series(1, 5000) as n
       on conflict do nothing`,
    );
    await system.database.query('analyze waybill.waybill');
    const log = createLogger({ name: 'test', level: 'silent' });
    const role = roleOf('waybill');
    await using pool = openPool({ url: system.database.url, name: 'plan', role, log });
    const options = { tenant: ofMerchant(merchantId) };
    const plan = await transaction(
      pool,
      async (tx) => {
        await tx.query('set local enable_seqscan = off');
        await tx.query('set local enable_bitmapscan = off');
        const text = `explain select waybill_number from waybill.waybill
          where bucket = 1 and ${condition}`;
        const rows = await tx.query(text);
        return rows.map((row) => Object.values(row)[0]).join('\n');
      },
      options,
    );
    const [searched = ''] = /Index Cond: .*/.exec(plan) ?? [];
    for (const column of columns) expect(searched).toContain(column);
  });
});
