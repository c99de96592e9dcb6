import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import * as grpc from '@grpc/grpc-js';
import { Client as Postgres } from 'pg';
import { readState } from '#deploy/local/state';
import { createClient } from '#libs/grpc';
import { projectFile } from '#libs/run';
import { WaybillService } from '#proto/queqiao/waybill/v1/waybill_service';
import { demoOrders } from '../../services/cli/demo.ts';
import { ECHO } from './echo-server.ts';
import { type LoadFigures, load } from './load.ts';
import type { BenchOptions } from './main.ts';

/**
 * Issuing end to end: a client process, the server in a process of its own, and its Postgres and
 * NATS, all on this machine. Beside it the two limits: Postgres' binary COPY of the same rows with
 * primary key and one unique key, and the calls of a bare grpc-js echo.
 */
export async function benchIssue(options: BenchOptions): Promise<Record<string, number>> {
  const { seconds, say } = options;
  const folder = await mkdtemp(join(tmpdir(), 'queqiao-bench-'));
  await chmod(folder, 0o711);
  const stateDir = join(folder, 'state');
  const server = await startServer(stateDir, options.profile);
  try {
    const echo = await benchEcho(seconds);
    say(`echo × 64        ${told(echo)}`);
    const apiKey = (await readFile(join(stateDir, 'secrets', 'merchant.api-key'), 'utf8')).trim();
    using client = createClient(WaybillService, {
      address: server.address,
      credentials: { apiKey },
      deadlineMs: 30_000,
    });
    const parcels = parcelSource();
    const batch = await load({
      lanes: 8,
      seconds,
      call: async () => issued((await client.issueWaybills({ parcels: parcels(100) })).outcomes),
    });
    say(`batch 100 × 8    ${told(batch)}`);
    const unary = await load({
      lanes: 64,
      seconds,
      call: async () => {
        const [parcel] = parcels(1);
        if (parcel === undefined) throw new Error('no parcel');
        await client.issueWaybill({ parcel });
        return 1;
      },
    });
    say(`unary × 64       ${told(unary)}`);
    const copyRows = await benchCopy((await readState(stateDir))?.databaseUrl ?? '');
    say(`COPY binary      ${Math.round(copyRows)} rows/s`);
    return figuresOf({ echo, batch, unary, copyRows, rssMb: server.rssMaxMb() });
  } finally {
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

function figuresOf({ echo, batch, unary, copyRows, rssMb }: Measured): Record<string, number> {
  const round = (value: number, digits = 0) => Number(value.toFixed(digits));
  return {
    copy_rows_per_s: round(copyRows),
    echo_calls_per_s: round(echo.itemsPerS),
    batch_items_per_s: round(batch.itemsPerS),
    batch_p50_ms: round(batch.p50Ms, 1),
    batch_p99_ms: round(batch.p99Ms, 1),
    unary_calls_per_s: round(unary.itemsPerS),
    unary_p50_ms: round(unary.p50Ms, 1),
    unary_p99_ms: round(unary.p99Ms, 1),
    batch_over_copy: round(batch.itemsPerS / copyRows, 3),
    unary_over_echo: round(unary.itemsPerS / echo.itemsPerS, 3),
    rss_max_mb: round(rssMb),
  };
}

/** Believable parcels without end, each with a key of its own. */
function parcelSource() {
  const orders = demoOrders(360);
  let next = 0;
  return (count: number) =>
    Array.from({ length: count }, () => {
      const order = orders[next % orders.length] as (typeof orders)[number];
      const orderRef = `BENCH-${next++}`;
      return {
        orderRef,
        // The range with room for ten thousand million.
        courierId: 'qianxing',
        nodeId: order.nodeId,
        consignee: {
          name: order.name,
          phone: order.phone,
          address: {
            province: order.province,
            city: order.city,
            district: order.district,
            street: order.street,
            detail: order.detail,
          },
        },
        weightG: 800 + (next % 5_000),
        goodsDescription: order.goodsDescription,
        remark: order.remark,
      };
    });
}

function issued(outcomes: { outcome: { case?: string | undefined } }[]): number {
  if (outcomes.some(({ outcome }) => outcome.case !== 'issued')) throw new Error('was refused');
  return outcomes.length;
}

async function benchEcho(seconds: number): Promise<LoadFigures> {
  const child = spawn(process.execPath, [projectFile('dist/test/bench/echo-server.js'), 'serve'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [port] = (await once(createInterface(child.stdout), 'line')) as [string];
  const client = new grpc.Client(`127.0.0.1:${port}`, grpc.credentials.createInsecure());
  const { echo } = ECHO;
  const bytes = Buffer.alloc(400, 'q');
  try {
    return await load({
      lanes: 64,
      seconds,
      call: () =>
        new Promise<number>((resolve, reject) => {
          const { path, requestSerialize, responseDeserialize } = echo as grpc.MethodDefinition<
            Buffer,
            Buffer
          >;
          client.makeUnaryRequest(path, requestSerialize, responseDeserialize, bytes, (error) =>
            error ? reject(error) : resolve(1),
          );
        }),
    });
  } finally {
    client.close();
    child.kill('SIGTERM');
  }
}

/** The rows just issued, written out by Postgres itself and read in again. */
async function benchCopy(databaseUrl: string): Promise<number> {
  const postgres = new Postgres({ connectionString: databaseUrl });
  await postgres.connect();
  try {
    const file = `copy-${Date.now()}.bin`;
    await postgres.query(
      `copy (select * from waybill.waybill limit 200000) to program 'cat > /tmp/${file}' binary`,
    );
    await postgres.query(
      `create table copy_target (like waybill.waybill including defaults including constraints);
       alter table copy_target add primary key (bucket, waybill_number);
       create unique index on copy_target (bucket, merchant_id, lower(order_ref), parcel_no)`,
    );
    const startMs = performance.now();
    const { rowCount } = await postgres.query(`copy copy_target from '/tmp/${file}' binary`);
    const seconds = (performance.now() - startMs) / 1_000;
    await postgres.query(`copy (select 1) to program 'rm -f /tmp/${file}'; drop table copy_target`);
    return (rowCount ?? 0) / seconds;
  } finally {
    await postgres.end();
  }
}

/** All services as an operator runs them, with the demo network. */
async function startServer(stateDir: string, profile?: string): Promise<Server> {
  const profiling = profile ? ['--cpu-prof', `--cpu-prof-dir=${profile}`] : [];
  const child: ChildProcess = spawn(
    process.execPath,
    ['--max-semi-space-size=64', ...profiling, projectFile('dist/services/cli/main.js'), 'start'],
    {
      env: {
        ...process.env,
        QUEQIAO_STATE_DIR: stateDir,
        QUEQIAO_LISTEN: '127.0.0.1:0',
        QUEQIAO_LOG_LEVEL: 'warn',
      },
      stdio: ['ignore', 'pipe', 'ignore'],
    },
  );
  const ended = once(child, 'close');
  let address = '';
  for await (const line of createInterface(child.stdout as NodeJS.ReadableStream)) {
    [, address = ''] = /^Queqiao is ready {2}gRPC (\S+)/.exec(line) ?? [];
    if (address !== '') break;
  }
  if (address === '') throw new Error('the server did not start');
  let rssMaxMb = 0;
  const sampling = setInterval(async () => {
    const status = await readFile(`/proc/${child.pid}/status`, 'utf8').catch(() => '');
    const [, kb = '0'] = /VmRSS:\s+(\d+)/.exec(status) ?? [];
    rssMaxMb = Math.max(rssMaxMb, Number(kb) / 1024);
  }, 500);
  return {
    address,
    rssMaxMb: () => rssMaxMb,
    async stop() {
      clearInterval(sampling);
      child.kill('SIGTERM');
      await ended;
    },
  };
}

function told({ itemsPerS, p50Ms, p99Ms }: LoadFigures): string {
  const rate = `${Math.round(itemsPerS)}/s`.padStart(9);
  return `${rate}  p50 ${p50Ms.toFixed(1)} ms  p99 ${p99Ms.toFixed(1)} ms`;
}

type Measured = {
  echo: LoadFigures;
  batch: LoadFigures;
  unary: LoadFigures;
  copyRows: number;
  rssMb: number;
};

type Server = { address: string; rssMaxMb(): number; stop(): Promise<void> };
