import { expect, it } from 'vitest';
import { testDatabase } from '#test/support/database';
import { SEALED_TABLES } from './store/erase.ts';

/** What erasing overwrites in each of its tables; another column needs code of its own. */
const KNOWN_COLUMNS = ['consignee_masked', 'consignee_sealed', 'sender_masked', 'sender_sealed'];

it('erasing reaches every table and column that holds a consignee', async () => {
  await using database = await testDatabase({
    schemas: { waybill: ['services/waybill/migrations'] },
  });
  const holders = async () => {
    const rows = await database.query<{ table_name: string; column_name: string }>(
      `select table_name, column_name from information_schema.columns
       where table_schema = 'waybill' and column_name ~ '_(sealed|masked)$'`,
    );
    return {
      tables: [...new Set(rows.map((row) => `waybill.${row.table_name}`))].toSorted(),
      columns: [...new Set(rows.map((row) => row.column_name))].toSorted(),
    };
  };
  const known = {
    tables: SEALED_TABLES.map(({ name }) => name as string).toSorted(),
    columns: KNOWN_COLUMNS,
  };
  expect(await holders()).toEqual(known);
  // The check bites: a new table and a new column are noticed.
  await database.query('create table waybill.copy (payer_sealed bytea)');
  expect(await holders()).not.toEqual(known);
});
