import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fromBinary } from '@bufbuild/protobuf';
import { projectFile } from '#libs/run';
import {
  IssueWaybillResponseSchema,
  IssueWaybillsResponseSchema,
} from '#proto/queqiao/waybill/v1/waybill_service';
import { benchCopy } from './copy.ts';
import { type LoadFigures, load } from './load.ts';
import type { BenchOptions } from './main.ts';
import { requestSource } from './parcels.ts';
import { type BenchServer, startBenchServer } from './server.ts';
import { benchStream } from './stream.ts';
import { openUnary, type UnaryCall } from './unary.ts';

/**
 * Issuing end to end: a client process, the server in a process of its own, and its Postgres and
 * NATS, all on this machine. Beside it the two limits: Postgres' binary COPY of the same rows with
 * primary key and one unique key, and the calls of a bare grpc-js echo. Load and echo come from the
 * same bare client.
 */
export async function benchIssue(options: BenchOptions): Promise<Record<string, number>> {
  const { seconds, waybills, say, profile } = options;
  const folder = await mkdtemp(join(tmpdir(), 'queqiao-bench-'));
  await chmod(folder, 0o711);
  const server = await startBenchServer({ stateDir: join(folder, 'state'), profile });
  try {
    const echo = await benchEcho(seconds);
    say(`echo × 64        ${told(echo)}`);
    const batch = await measured(server, () => benchBatch(server, seconds));
    say(`batch 100 × 8    ${told(batch)}`);
    const bidi = await measured(server, () => benchStream(server, { seconds, isSingle: false }));
    say(`bidi 256         ${told(bidi)}`);
    const single = await measured(server, () => benchStream(server, { seconds, isSingle: true }));
    say(`bidi 256, by one ${told(single)}`);
    const unary = await measured(server, () => benchUnary(server, seconds));
    say(`unary × 64       ${told(unary)}`);
    const copyRows = await benchCopy(server.databaseUrl);
    say(`COPY binary      ${Math.round(copyRows)} rows/s`);
    const loads = [batch, bidi, single, unary];
    const issuedCount = loads.reduce((sum, { itemCount }) => sum + itemCount, 0);
    const memory = await benchMemory(server, waybills - issuedCount, say);
    return { ...figuresOf({ echo, batch, bidi, single, unary, copyRows }), ...memory };
  } finally {
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

function figuresOf(measured: Measured): Record<string, number> {
  const { echo, batch, bidi, single, unary, copyRows } = measured;
  return {
    copy_rows_per_s: rounded(copyRows),
    echo_calls_per_s: rounded(echo.itemsPerS),
    ...loadFigures('batch', 'items', batch),
    ...loadFigures('bidi', 'items', bidi),
    ...loadFigures('bidi_single', 'items', single),
    ...loadFigures('unary', 'calls', unary),
    batch_over_copy: rounded(batch.itemsPerS / copyRows, 3),
    bidi_over_copy: rounded(bidi.itemsPerS / copyRows, 3),
    bidi_single_over_copy: rounded(single.itemsPerS / copyRows, 3),
    unary_over_echo: rounded(unary.itemsPerS / echo.itemsPerS, 3),
  };
}

function loadFigures(name: string, unit: string, load: MeasuredLoad): Record<string, number> {
  return {
    [`${name}_${unit}_per_s`]: rounded(load.itemsPerS),
    [`${name}_p50_ms`]: rounded(load.p50Ms, 1),
    [`${name}_p99_ms`]: rounded(load.p99Ms, 1),
    [`${name}_server_cpu_us`]: rounded(load.serverUs, 1),
    [`${name}_postgres_cpu_us`]: rounded(load.postgresUs, 1),
    [`${name}_client_cpu_us`]: rounded(load.clientUs, 1),
  };
}

function rounded(value: number, digits = 0): number {
  return Number(value.toFixed(digits));
}

async function benchBatch(server: BenchServer, seconds: number): Promise<LoadFigures> {
  const next = requestSource(100);
  using issue = openUnary(server, `${SERVICE}/IssueWaybills`);
  return await load({
    lanes: 8,
    seconds,
    call: async () => {
      const { outcomes } = fromBinary(IssueWaybillsResponseSchema, await issue.call(next()));
      const isGood = outcomes.every(({ outcome }) => outcome.case === 'issued');
      if (!isGood || outcomes.length !== 100) throw new Error('was refused');
      return outcomes.length;
    },
  });
}

async function benchUnary(server: BenchServer, seconds: number): Promise<LoadFigures> {
  const next = requestSource(1);
  using issue = openUnary(server, `${SERVICE}/IssueWaybill`);
  return await load({
    lanes: 64,
    seconds,
    call: async () => {
      const { issued } = fromBinary(IssueWaybillResponseSchema, await issue.call(next()));
      if (issued === undefined) throw new Error('was refused');
      return 1;
    },
  });
}

/**
 * The server's memory while it goes on issuing, `count` more in four quarters: flat if the last two
 * quarters need no more than the first two.
 */
async function benchMemory(
  server: BenchServer,
  count: number,
  say: (line: string) => void,
): Promise<Record<string, number>> {
  const next = requestSource(100);
  using issue = openUnary(server, `${SERVICE}/IssueWaybills`);
  const peaksMb: number[] = [];
  for (let quarter = 0; quarter < 4; quarter++) {
    let rest = Math.max(0, Math.ceil(count / 4 / 100));
    let peakMb = 0;
    const lane = async () => {
      while (rest-- > 0) {
        await issue.call(next());
        if (rest % 250 === 0) peakMb = Math.max(peakMb, await server.rssMb());
      }
    };
    await Promise.all(Array.from({ length: 8 }, lane));
    peaksMb.push(Math.max(peakMb, await server.rssMb()));
    say(`memory           ${Math.round(peaksMb.at(-1) ?? 0)} MB in quarter ${quarter + 1}`);
  }
  const [first = 0, second = 0, third = 0, fourth = 0] = peaksMb;
  return {
    rss_growth_mb: Math.round(Math.max(third, fourth) - Math.max(first, second)),
    rss_max_mb: Math.round(server.rssMaxMb()),
  };
}

/** The figures of a load, with the processor time that each item cost, by process. */
async function measured(
  server: BenchServer,
  run: () => Promise<LoadFigures>,
): Promise<MeasuredLoad> {
  const before = await server.cpuMs();
  const client = process.cpuUsage();
  const figures = await run();
  const { user, system } = process.cpuUsage(client);
  const after = await server.cpuMs();
  const { itemCount } = figures;
  return {
    ...figures,
    serverUs: ((after.server - before.server) * 1_000) / itemCount,
    postgresUs: ((after.postgres - before.postgres) * 1_000) / itemCount,
    clientUs: (user + system) / itemCount,
  };
}

async function benchEcho(seconds: number): Promise<LoadFigures> {
  const child = spawn(process.execPath, [projectFile('dist/test/bench/echo-server.js'), 'serve'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [port] = (await once(createInterface(child.stdout), 'line')) as [string];
  using echo: UnaryCall = openUnary({ address: `127.0.0.1:${port}` }, 'bench.Echo/Echo');
  const next = requestSource(1);
  try {
    return await load({
      lanes: 64,
      seconds,
      call: async () => {
        await echo.call(next());
        return 1;
      },
    });
  } finally {
    child.kill('SIGTERM');
  }
}

function told({ itemsPerS, p50Ms, p99Ms }: LoadFigures): string {
  const rate = `${Math.round(itemsPerS)}/s`.padStart(9);
  return `${rate}  p50 ${p50Ms.toFixed(1)} ms  p99 ${p99Ms.toFixed(1)} ms`;
}

const SERVICE = 'queqiao.waybill.v1.WaybillService';

type MeasuredLoad = LoadFigures & { serverUs: number; postgresUs: number; clientUs: number };

type Measured = {
  echo: LoadFigures;
  batch: MeasuredLoad;
  bidi: MeasuredLoad;
  single: MeasuredLoad;
  unary: MeasuredLoad;
  copyRows: number;
};
