import { randomUUID } from 'node:crypto';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fromBinary } from '@bufbuild/protobuf';
import { createClient } from '#libs/grpc';
import { LabelFormat, LabelService } from '#proto/queqiao/waybill/v1/label_service';
import { IssueWaybillsResponseSchema } from '#proto/queqiao/waybill/v1/waybill_service';
import type { BenchOptions } from './main.ts';
import { requestSource } from './parcels.ts';
import { type BenchServer, startBenchServer } from './server.ts';
import { benchSortCodes } from './sort-codes.ts';
import { openUnary } from './unary.ts';

/**
 * What printing does to those who issue meanwhile: latency of IssueWaybill, called at a fixed pace
 * whatever the answers, alone and while one caller prints.
 */
export async function benchLabelLoad({
  seconds,
  profile,
  say,
}: BenchOptions): Promise<Record<string, number>> {
  const folder = await mkdtemp(join(tmpdir(), 'queqiao-bench-'));
  await chmod(folder, 0o711);
  const env = { QUEQIAO_LABEL_PRINTS_MAX: '1000' };
  const server = await startBenchServer({ stateDir: join(folder, 'state'), profile, env });
  try {
    const numbers = await issueMany(server, NUMBERS);
    const figures: Record<string, number> = {};
    for (const [name, format] of LOADS) {
      const { labelsPerS, p50Ms, p99Ms, maxMs } = await measure(server, {
        numbers,
        format,
        seconds,
      });
      const told = [p50Ms, p99Ms, maxMs].map((ms) => ms.toFixed(1));
      say(
        `issuing, ${name.padEnd(12)} p50 ${told[0]} ms  p99 ${told[1]} ms  longest ${told[2]} ms`,
      );
      figures[`issue_p50_ms_${name}`] = Number(p50Ms.toFixed(1));
      figures[`issue_p99_ms_${name}`] = Number(p99Ms.toFixed(1));
      if (format !== undefined) figures[`labels_per_s_${name}`] = Math.round(labelsPerS);
    }
    const sortFigures = await benchSortCodes(server);
    for (const [name, us] of Object.entries(sortFigures)) say(`${name.padEnd(21)} ${us}`);
    return { ...figures, ...sortFigures, server_rss_max_mb: Math.round(server.rssMaxMb()) };
  } finally {
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

async function measure(server: BenchServer, load: Load): Promise<LoadFigures> {
  const printing = new AbortController();
  const printed = { labels: 0 };
  const printer = print(server, load, { printed, signal: printing.signal });
  // Fonts are read, statements prepared.
  await paced(server, Math.min(2, load.seconds / 4));
  const before = printed.labels;
  const latenciesMs = await paced(server, load.seconds);
  const labelsPerS = (printed.labels - before) / load.seconds;
  printing.abort();
  await printer;
  latenciesMs.sort((a, b) => a - b);
  const at = (share: number) => latenciesMs[Math.floor(latenciesMs.length * share)] ?? 0;
  return { labelsPerS, p50Ms: at(0.5), p99Ms: at(0.99), maxMs: latenciesMs.at(-1) ?? 0 };
}

/** Prints the numbers again and again until it is told to stop. */
async function print(
  { address, apiKey }: BenchServer,
  { numbers, format }: Load,
  { printed, signal }: { printed: { labels: number }; signal: AbortSignal },
): Promise<void> {
  if (format === undefined) return;
  using client = createClient(LabelService, { address, credentials: { apiKey } });
  const max = format === LabelFormat.PDF ? numbers.length : 1_000;
  const items = numbers.slice(0, max).map((waybillNumber) => ({ waybillNumber }));
  while (!signal.aborted) {
    for await (const { part } of client.renderLabels({ requestId: randomUUID(), items, format })) {
      if (part.case === 'outcome' && part.value.outcome.case === 'print') printed.labels += 1;
      if (signal.aborted) break;
    }
  }
}

/** Latencies of calls that are sent at a fixed pace. */
async function paced(server: BenchServer, seconds: number): Promise<number[]> {
  const next = requestSource(1);
  using issue = openUnary(server, `${SERVICE}/IssueWaybill`);
  const latenciesMs: number[] = [];
  const errors: Error[] = [];
  const open = new Set<Promise<void>>();
  const startMs = performance.now();
  for (let sent = 0; sent < seconds * CALLS_PER_S; sent += 1) {
    const dueMs = startMs + (sent * 1_000) / CALLS_PER_S;
    // Measured from when it was due, so that nothing is hidden by a client that comes late.
    await sleep(Math.max(0, dueMs - performance.now()));
    const call: Promise<void> = issue
      .call(next())
      .then(() => void latenciesMs.push(performance.now() - dueMs))
      .catch((error) => void errors.push(error))
      .finally(() => open.delete(call));
    open.add(call);
  }
  await Promise.all(open);
  if (errors.length > 0) throw new AggregateError(errors, `${errors.length} calls failed`);
  return latenciesMs;
}

async function issueMany(server: BenchServer, count: number): Promise<string[]> {
  const next = requestSource(100);
  using issue = openUnary(server, `${SERVICE}/IssueWaybills`);
  const numbers: string[] = [];
  while (numbers.length < count) {
    const { outcomes } = fromBinary(IssueWaybillsResponseSchema, await issue.call(next()));
    for (const { outcome } of outcomes) {
      if (outcome.case === 'issued') numbers.push(outcome.value.waybillNumber);
    }
  }
  return numbers;
}

const SERVICE = 'queqiao.waybill.v1.WaybillService';
const NUMBERS = 10_000;
/** Far from what the server can do: what is late has waited for something else. */
const CALLS_PER_S = 50;
const LOADS: [name: string, format: LabelFormat | undefined][] = [
  ['alone', undefined],
  ['while_pdf', LabelFormat.PDF],
  ['while_png', LabelFormat.PNG],
  ['while_zpl', LabelFormat.ZPL],
];

type Load = { numbers: string[]; format: LabelFormat | undefined; seconds: number };
type LoadFigures = { labelsPerS: number; p50Ms: number; p99Ms: number; maxMs: number };
