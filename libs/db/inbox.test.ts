import { randomUUID } from 'node:crypto';
import { expect, it, vi } from 'vitest';
import { testDatabase } from '#test/support/database';
import { inInbox } from './inbox.ts';
import { openPool } from './pool.ts';
import { transaction } from './transaction.ts';

async function setUp() {
  const db = await testDatabase({ schemas: { demo: [] } });
  const pool = openPool({ url: db.url, name: 'test', log: { warn: vi.fn() } });
  const take = (consumer: string, eventId: string) =>
    transaction(pool, (tx) => inInbox(tx, 'demo', consumer, eventId));
  return {
    pool,
    take,
    async [Symbol.asyncDispose]() {
      await pool[Symbol.asyncDispose]();
      await db[Symbol.asyncDispose]();
    },
  };
}

it('takes an event once for each consumer', async () => {
  await using inbox = await setUp();
  const eventId = randomUUID();
  expect(await inbox.take('labels', eventId)).toBe(true);
  expect(await inbox.take('labels', eventId)).toBe(false);
  expect(await inbox.take('billing', eventId)).toBe(true);
});

it('takes an event again when the transaction of its effect was rolled back', async () => {
  await using inbox = await setUp();
  const eventId = randomUUID();
  const failed = transaction(inbox.pool, async (tx) => {
    expect(await inInbox(tx, 'demo', 'labels', eventId)).toBe(true);
    throw new Error('no');
  });
  await expect(failed).rejects.toThrow('no');
  expect(await inbox.take('labels', eventId)).toBe(true);
});

it('lets one of many at once take it', async () => {
  await using inbox = await setUp();
  const eventId = randomUUID();
  const taken = await Promise.all([1, 2, 3, 4].map(() => inbox.take('labels', eventId)));
  expect(taken.filter(Boolean)).toHaveLength(1);
});
