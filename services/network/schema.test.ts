import { expect, test } from 'vitest';
import { Area_State } from '#proto/queqiao/network/v1/area';
import { Courier_State } from '#proto/queqiao/network/v1/courier';
import { CourierAccount_State } from '#proto/queqiao/network/v1/courier_account';
import { Merchant_State } from '#proto/queqiao/network/v1/merchant';
import { Node_State } from '#proto/queqiao/network/v1/node';
import { NumberRange_State } from '#proto/queqiao/network/v1/number_range';
import { testDatabase } from '#test/support/database';
import { SUBJECT_KINDS } from './api-key.ts';
import { KINDS as AREA_KINDS } from './area.ts';
import { BILLINGS } from './courier-account.ts';
import { STATES } from './message.ts';
import { DATUMS, KINDS } from './node.ts';
import { SCHEMES } from './number-range.ts';

test('the database allows exactly the words that the service knows', async () => {
  await using db = await testDatabase({ schemas: { network: ['services/network/migrations'] } });
  const rows = await db.query<{ name: string; definition: string }>(
    `select conname as name, pg_get_constraintdef(oid) as definition from pg_constraint
     where connamespace = 'network'::regnamespace`,
  );
  const allowedBy = (name: string) => {
    const definition = rows.find((row) => row.name === name)?.definition ?? '';
    return [...definition.matchAll(/'([a-z0-9_]+)'/g)].map(([, word]) => word);
  };
  expect(allowedBy('state_check')).toEqual(Object.keys(STATES));
  expect(allowedBy('node_kind_check')).toEqual(Object.keys(KINDS));
  expect(allowedBy('node_datum_check')).toEqual(Object.keys(DATUMS));
  expect(allowedBy('number_range_check_digit_scheme_check')).toEqual(Object.keys(SCHEMES));
  expect(allowedBy('courier_account_billing_check')).toEqual(Object.keys(BILLINGS));
  expect(allowedBy('area_kind_check')).toEqual(Object.keys(AREA_KINDS));
  expect(allowedBy('api_key_subject_kind_check')).toEqual(Object.keys(SUBJECT_KINDS));
});

test('the enums of states agree', () => {
  const { UNSPECIFIED: _, ...states } = Merchant_State;
  expect(states).toEqual({ ACTIVE: STATES.active, DISABLED: STATES.disabled });
  for (const other of [
    Area_State,
    Courier_State,
    CourierAccount_State,
    Node_State,
    NumberRange_State,
  ]) {
    expect(other).toEqual(Merchant_State);
  }
});

test('the database keeps the low-water time in step with the count', async () => {
  await using db = await testDatabase({ schemas: { network: ['services/network/migrations'] } });
  await db.query(
    `insert into network.courier
       (courier_id, display_name, state, services, create_time, update_time)
     values ('swift', 'Swift', 'active', '[{}]', now(), now())`,
  );
  const insert = (lowWaterTime: Date | null) =>
    db.query(
      `insert into network.number_range
         (range_id, courier_id, prefix, serial_width, first_serial, last_serial,
          check_digit_scheme, suffix, low_water_count, state, remaining_count,
          low_water_time, create_time, update_time)
       values ('qq', 'swift', 'QQ', 8, 0, 99, 'none', '', 50, 'active', 50, $1, now(), now())`,
      [lowWaterTime],
    );
  await expect(insert(null)).rejects.toMatchObject({ code: '23514' });
  await insert(new Date());
});
