import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { RpcError } from '#libs/errors';
import { createClient } from '#libs/grpc';
import { NetworkService } from '#proto/queqiao/network/v1/network_service';
import { type TestDatabase, testDatabase } from '#test/support/database';
import { testFolder } from '#test/support/folder';
import { parcelOf, type SeededMerchant, seedMerchant } from '#test/support/system';
import { connect, type QueqiaoClient } from '../../libs/client/index.ts';

// A merchant's program draws through an issuer while the server is killed and started again: the
// program's own log and the database must agree to the last number.

const run = promisify(execFile);
const PROGRAM = 'dist/services/cli/main.js';
const PARCELS = 6_000;
const KILLS = 3;

let database: TestDatabase;
let folder: Awaited<ReturnType<typeof testFolder>>;
let env: NodeJS.ProcessEnv;
let server: Served | undefined;

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
  await run('node', [PROGRAM, 'migrate'], { env });
}, 240_000);

afterAll(async () => {
  server?.child.kill('SIGTERM');
  await server?.ended;
  await database?.[Symbol.asyncDispose]();
  await folder?.[Symbol.asyncDispose]();
});

describe('an issuer, while its server is killed', () => {
  it('answers every parcel once, with the number that is stored', async () => {
    const { stdout } = await run('node', [PROGRAM, 'bootstrap'], { env });
    server = await serve();
    // Whoever comes back comes back to the same address.
    env = { ...env, QUEQIAO_LISTEN: server.address };
    const shop = await seedShop(server.address, stdout.trim());
    const queqiao = connect(server.address, shop.apiKey);
    const plain = new PlainCaller(queqiao, shop);
    let killCount = 0;
    const answers = await drawAll(queqiao, shop, async (answeredCount) => {
      if (answeredCount !== Math.floor((PARCELS / (KILLS + 1)) * (killCount + 1))) return;
      if (killCount === KILLS) return;
      killCount += 1;
      server?.child.kill('SIGKILL');
      await server?.ended;
      server = await serve();
    });
    const lostCount = await plain.stop();
    queqiao.close();
    expect(killCount).toBe(KILLS);
    expect(answers.size).toBe(PARCELS);
    expect(await stored('DRAWN-')).toEqual(answers);
    // The kills did hit: who does not send again is left without answers.
    expect(lostCount).toBeGreaterThan(0);
    expect(plain.answers.size).toBe(plain.sentCount - lostCount);
  }, 120_000);
});

/** The numbers by order, as they were answered. */
async function drawAll(
  queqiao: QueqiaoClient,
  shop: SeededMerchant,
  onAnswer: (answeredCount: number) => Promise<void>,
): Promise<Map<string, string>> {
  await using issuer = queqiao.issuer({ window: 500 });
  const answers = new Map<string, string>();
  const calls: Promise<void>[] = [];
  for (let i = 0; i < PARCELS; i++) {
    await issuer.ready();
    const orderRef = `DRAWN-${i}`;
    const call = issuer.issue(parcelOf(shop, orderRef)).then(({ waybillNumber }) => {
      answers.set(orderRef, waybillNumber);
      return onAnswer(answers.size);
    });
    calls.push(call);
  }
  await Promise.all(calls);
  return answers;
}

/** Calls that are made once each and not again: the broken twin of the issuer. */
class PlainCaller {
  readonly answers = new Map<string, string>();
  sentCount = 0;
  #lostCount = 0;
  #isStopped = false;
  readonly #lanes: Promise<void>[];

  constructor({ waybill }: QueqiaoClient, shop: SeededMerchant) {
    this.#lanes = Array.from({ length: 8 }, async () => {
      while (!this.#isStopped) {
        const orderRef = `PLAIN-${this.sentCount++}`;
        try {
          const { issued } = await waybill.issueWaybill({ parcel: parcelOf(shop, orderRef) });
          this.answers.set(orderRef, issued?.waybillNumber ?? '');
        } catch (error) {
          if (!(error instanceof RpcError && error.retryable)) throw error;
          this.#lostCount += 1;
        }
      }
    });
  }

  async stop(): Promise<number> {
    this.#isStopped = true;
    await Promise.all(this.#lanes);
    return this.#lostCount;
  }
}

async function seedShop(address: string, operatorKey: string): Promise<SeededMerchant> {
  using client = createClient(NetworkService, { address, credentials: { apiKey: operatorKey } });
  return await seedMerchant({ network: () => client });
}

async function stored(prefix: string): Promise<Map<string, string>> {
  const rows = await database.query<{ order_ref: string; waybill_number: string }>(
    'select order_ref, waybill_number from waybill.waybill where starts_with(order_ref, $1)',
    [prefix],
  );
  const numbers = new Map(rows.map((row) => [row.order_ref, row.waybill_number]));
  expect(numbers.size).toBe(rows.length);
  return numbers;
}

/** Resolves when it serves; rejects with what it said if it ends before. */
async function serve(): Promise<Served> {
  const child = spawn('node', [PROGRAM, 'serve'], { env, stdio: ['ignore', 'ignore', 'pipe'] });
  const ended = once(child, 'close');
  let stderr = '';
  const address = await new Promise<string>((resolve, reject) => {
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
      const [, found] = /serves .* at (\S+)\n/.exec(stderr) ?? [];
      if (found !== undefined) resolve(found);
    });
    ended.then(() => reject(new Error(stderr)));
  });
  return { child, ended, address };
}

type Served = { child: ChildProcess; ended: Promise<unknown>; address: string };
