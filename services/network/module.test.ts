import { randomUUID } from 'node:crypto';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import { expect, test, vi } from 'vitest';
import { connectBus, subjects } from '#libs/bus';
import { openPool, roleOf } from '#libs/db';
import { createClient } from '#libs/grpc';
import { createLogger } from '#libs/log';
import { Courier_State } from '#proto/queqiao/network/v1/courier';
import { ResourceChangedSchema } from '#proto/queqiao/network/v1/event';
import { NetworkService } from '#proto/queqiao/network/v1/network_service';
import { NumberRangeReportedSchema } from '#proto/queqiao/waybill/v1/event';
import { testDatabase } from '#test/support/database';
import { startTestNats } from '#test/support/nats';
import type { Secrets } from '../module.ts';
import { runServices } from '../run.ts';
import { createOperatorKey } from './bootstrap.ts';
import { network } from './module.ts';
import { courier, range } from './test-network.ts';

test('announces on the bus what changed, in order', async () => {
  await using system = await startSystem();
  const { client } = system;
  const { courier: made } = await client.createCourier({ courier: courier('swift') });
  const change = { state: Courier_State.DISABLED, etag: made?.etag ?? '' };
  await client.updateCourier({ courier: courier('swift', change) });
  const seen = system.watch();
  await vi.waitFor(() => expect(seen).toHaveLength(2), WAIT);
  const type = 'queqiao.network.v1.ResourceChanged';
  expect(seen).toEqual([`${type} courier swift 1`, `${type} courier swift 2`]);
});

test('works on without NATS and announces when it is back', async () => {
  await using system = await startSystem();
  await system.nats.stop();
  await system.client.createCourier({ courier: courier('swift') });
  await system.nats.start();
  const seen = system.watch();
  await vi.waitFor(() => expect(seen).toHaveLength(1), WAIT);
});

test('takes range reports from the bus and sets aside what makes no sense', async () => {
  await using system = await startSystem();
  const { client, db } = system;
  await client.createCourier({ courier: courier('swift') });
  await client.createNumberRange({ numberRange: range('qq') });
  await system.report(Buffer.from('no report'));
  await system.report(reportOf(42n));
  await vi.waitFor(async () => {
    const { numberRange } = await client.getNumberRange({ rangeId: 'qq' });
    expect(numberRange?.remainingCount).toBe(42n);
    expect(numberRange?.lowWaterTime).toBeDefined();
  }, WAIT);
  await vi.waitFor(async () => {
    const letters = await db.query('select consumer, subject, payload from network.dead_letter');
    expect(letters).toEqual([
      {
        consumer: 'network-range-report',
        subject: 'queqiao.v1.waybill.swift.range_reported',
        payload: Buffer.from('no report'),
      },
    ]);
  }, WAIT);
});

function reportOf(remainingCount: bigint): Uint8Array {
  const reportTime = timestampFromDate(new Date());
  const report = { rangeId: 'qq', courierId: 'swift', remainingCount, reportTime };
  return toBinary(NumberRangeReportedSchema, create(NumberRangeReportedSchema, report));
}

/** The service alone, as a process runs it, on a NATS of its own: durables have fixed names. */
async function startSystem() {
  const nats = await startTestNats();
  const db = await testDatabase({ schemas: { network: [...network.migrations] } });
  const log = createLogger({ name: 'test', level: 'silent' });
  const now = () => new Date();
  const apiKeyPepper = Buffer.from('pepper');
  // The master key is for other services.
  const secrets = { apiKeyPepper, serviceSecret: 'a secret of services' } as Secrets;
  const services = await runServices({
    modules: [network],
    databaseUrl: db.url,
    natsUrl: nats.url,
    listen: '127.0.0.1:0',
    secrets,
    settings: { labelPrintsMax: 10, cancelRatio: { percent: 20, freeCount: 500 } },
    reflection: false,
    log,
    now,
  });
  const pool = openPool({ url: db.url, name: 'network-test', role: roleOf('network'), log });
  const apiKey = await createOperatorKey({ pool, pepper: apiKeyPepper, now });
  await pool[Symbol.asyncDispose]();
  const client = createClient(NetworkService, {
    address: services.address,
    credentials: { apiKey },
  });
  const bus = connectBus({ url: nats.url, name: 'network-test', log });
  return {
    nats,
    db,
    client,
    /** Fills up with every change of a courier since the beginning. */
    watch() {
      const seen: string[] = [];
      const handle = ({ type, payload }: { type: string; payload: Uint8Array }) => {
        const { kind, id, version } = fromBinary(ResourceChangedSchema, payload);
        seen.push(`${type} ${kind} ${id} ${version}`);
      };
      const onReset = () => {
        seen.length = 0;
      };
      bus.watch({ filter: subjects.networkChanged('courier'), from: 'start', handle, onReset });
      return seen;
    },
    async report(payload: Uint8Array) {
      await bus.whenConnected();
      const type = NumberRangeReportedSchema.typeName;
      const subject = subjects.rangeReported('swift');
      await bus.publish([{ eventId: randomUUID(), subject, type, payload }]);
    },
    async [Symbol.asyncDispose]() {
      client.close();
      await bus[Symbol.asyncDispose]();
      await services.stop(5_000);
      await nats[Symbol.asyncDispose]();
      await db[Symbol.asyncDispose]();
    },
  };
}

const WAIT = { timeout: 25_000, interval: 50 };
