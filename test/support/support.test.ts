import { connect } from '@nats-io/transport-node';
import { expect, test } from 'vitest';
import { testDatabase } from './database.ts';
import { startTestNats, testNats } from './nats.ts';

test('gives every caller a database of its own and drops it afterwards', async () => {
  let name = '';
  {
    await using one = await testDatabase();
    await using other = await testDatabase();
    name = one.name;
    await one.query('create table parcel (number text)');
    expect(await other.query(`select to_regclass('parcel') as found`)).toEqual([{ found: null }]);
  }
  await using later = await testDatabase();
  const found = await later.query('select from pg_database where datname = $1', [name]);
  expect(found).toHaveLength(0);
});

test('gives the shared nats-server with JetStream and a name for one test', async () => {
  const { url, prefix } = testNats();
  expect(testNats().prefix).not.toBe(prefix);
  const connection = await connect({ servers: url });
  expect(connection.info?.jetstream).toBe(true);
  await connection.close();
});

test('brings a killed nats-server back on the same port', async () => {
  await using nats = await startTestNats();
  await nats.kill();
  await expect(connect({ servers: nats.url, reconnect: false })).rejects.toThrow();
  await nats.start();
  const connection = await connect({ servers: nats.url });
  await connection.close();
});
