import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { RpcError } from '#libs/errors';
import { createClient } from '#libs/grpc';
import { NetworkService } from '#proto/queqiao/network/v1/network_service';
import { WaybillService } from '#proto/queqiao/waybill/v1/waybill_service';
import { type TestDatabase, testDatabase } from '#test/support/database';
import { testFolder } from '#test/support/folder';
import { parcelOf, type SeededMerchant, seedMerchant } from '#test/support/system';

// An operator's system: the network service in one process, the waybill service in two others, and
// one of those is killed in the middle of the work.

const run = promisify(execFile);
const PROGRAM = 'dist/services/cli/main.js';

let database: TestDatabase;
let folder: Awaited<ReturnType<typeof testFolder>>;
let env: NodeJS.ProcessEnv;
let operatorKey: string;
const processes: Service[] = [];

beforeAll(async () => {
  await run('node', ['deploy/local/install.mjs', '--build']);
  database = await testDatabase();
  folder = await testFolder();
  env = {
    ...process.env,
    QUEQIAO_DATABASE_URL: database.url,
    NATS_URL: inject('natsUrl'),
    QUEQIAO_STATE_DIR: join(folder.path, 'state'),
    QUEQIAO_LISTEN: '127.0.0.1:0',
    QUEQIAO_LOG_LEVEL: 'error',
  };
}, 240_000);

afterAll(async () => {
  for (const service of processes) service.child.kill('SIGTERM');
  await Promise.all(processes.map(({ ended }) => ended));
  await database?.[Symbol.asyncDispose]();
  await folder?.[Symbol.asyncDispose]();
});

describe('services in processes of their own', () => {
  it('refuse to serve a database that is not up to date, and say what to do', async () => {
    await expect(serve('network')).rejects.toThrow(/queqiao migrate/);
    await run('node', [PROGRAM, 'migrate'], { env });
    const { stdout } = await run('node', [PROGRAM, 'bootstrap'], { env });
    operatorKey = stdout.trim();
    expect(operatorKey).toMatch(/^qq_/);
  });

  it('refuse to serve without the address of the network service', async () => {
    await expect(serve('waybill')).rejects.toThrow(/QUEQIAO_NETWORK_ADDRESS/);
    await expect(serve('wybill')).rejects.toThrow(/there are network, waybill/);
  });

  it('draw no number twice and lose none when one is killed under load', async () => {
    const network = await serve('network');
    env = { ...env, QUEQIAO_NETWORK_ADDRESS: network.address };
    const [one, two] = await Promise.all([serve('waybill'), serve('waybill')]);
    using client = createClient(NetworkService, {
      address: network.address,
      credentials: { apiKey: operatorKey },
    });
    const shop = await seedMerchant({ network: () => client });
    const answered = new Map<string, string>();
    const lost = await issueAll([one, two], shop, {
      answered,
      afterBatch: (count) => count === 30 && two.child.kill('SIGKILL'),
    });
    expect(lost).toBeGreaterThan(0);
    // The clients' own log against what the service that is left says: I2, I3.
    const before = new Map(answered);
    await issueAll([one], shop, { answered });
    for (const [orderRef, number] of before) expect(answered.get(orderRef)).toBe(number);
    expect(answered.size).toBe(BATCHES * BATCH);
    expect(new Set(answered.values()).size).toBe(BATCHES * BATCH);
    const rows = await database.query<{ order_ref: string; waybill_number: string }>(
      'select order_ref, waybill_number from waybill.waybill',
    );
    expect(new Map(rows.map((row) => [row.order_ref, row.waybill_number]))).toEqual(answered);
  });
});

const BATCHES = 100;
const BATCH = 20;

/** Every parcel once, alternately at each service; answers how many batches got no answer. */
async function issueAll(
  services: Service[],
  shop: SeededMerchant,
  { answered, afterBatch }: IssueOptions,
): Promise<number> {
  const clients = services.map(({ address }) =>
    createClient(WaybillService, { address, credentials: { apiKey: shop.apiKey } }),
  );
  let lost = 0;
  let next = 0;
  const lane = async () => {
    while (next < BATCHES) {
      const batch = next++;
      const parcels = Array.from({ length: BATCH }, (_, i) => parcelOf(shop, `T-${batch}-${i}`));
      const client = clients[batch % clients.length];
      try {
        const answer = await client?.issueWaybills({ parcels });
        for (const { orderRef, outcome } of answer?.outcomes ?? []) {
          if (outcome.case === 'issued') answered.set(orderRef, outcome.value.waybillNumber);
        }
      } catch (error) {
        if (!(error instanceof RpcError && error.retryable)) throw error;
        lost += 1;
      }
      afterBatch?.(batch);
    }
  };
  await Promise.all(Array.from({ length: 8 }, lane));
  for (const client of clients) client.close();
  return lost;
}

/** Resolves when it serves; rejects with what it said if it ends before. */
async function serve(target: string): Promise<Service> {
  const child = spawn('node', [PROGRAM, 'serve', '--target', target], {
    env,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let stderr = '';
  const ended = once(child, 'close');
  const address = await new Promise<string>((resolve, reject) => {
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
      const [, found] = /serves .* at (\S+)\n/.exec(stderr) ?? [];
      if (found !== undefined) resolve(found);
    });
    ended.then(() => reject(new Error(stderr)));
  });
  const service = { child, address, ended };
  processes.push(service);
  return service;
}

type Service = { child: ChildProcess; address: string; ended: Promise<unknown> };
type IssueOptions = {
  answered: Map<string, string>;
  afterBatch?: (batch: number) => unknown;
};
