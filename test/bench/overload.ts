import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { openHttp2Calls, Status } from './http2-calls.ts';
import { load } from './load.ts';
import type { BenchOptions } from './main.ts';
import { requestSource } from './parcels.ts';
import { startBenchServer } from './server.ts';

/**
 * Twice as many calls as the server can serve, coming at their own pace whether it answers or not.
 * Capacity is what 64 callers that wait for their answers get, before and after it; goodput is
 * what is answered well and in time during the overload; recovery is the time from its end until,
 * at half of capacity, every call of a quarter of a second is answered well again.
 */
export async function benchOverload({
  seconds,
  profile,
  say,
}: BenchOptions): Promise<Record<string, number>> {
  const folder = await mkdtemp(join(tmpdir(), 'queqiao-bench-'));
  await chmod(folder, 0o711);
  const server = await startBenchServer({ stateDir: join(folder, 'state'), profile });
  try {
    const next = requestSource(PARCELS);
    using issue = openHttp2Calls(server, METHOD, CONNECTIONS);
    const capacityOf = async () => {
      const call = async () => {
        const status = await issue.call(next(), DEADLINE_MS);
        if (status !== Status.OK) throw new Error(`was refused with status ${status}`);
        return 1;
      };
      return (await load({ lanes: 64, seconds, call })).itemsPerS;
    };
    const before = await capacityOf();
    say(`capacity before  ${Math.round(before * PARCELS)} items/s`);
    const overload = await flood(issue, next, { callsPerS: before * 2, seconds });
    const goodPerS = (overload.good * PARCELS) / seconds;
    say(`goodput at 2×    ${Math.round(goodPerS)} items/s, ${overload.shed} calls shed`);
    const recoveryS = await recovery(issue, next, before / 2);
    say(`recovery         ${recoveryS.toFixed(2)} s`);
    const after = await capacityOf();
    say(`capacity after   ${Math.round(after * PARCELS)} items/s`);
    // A machine that others use as well is not the same for a minute.
    const capacity = (before + after) / 2;
    return {
      capacity_items_per_s: Math.round(capacity * PARCELS),
      offered_items_per_s: Math.round((overload.sent * PARCELS) / seconds),
      goodput_items_per_s: Math.round(goodPerS),
      goodput_over_capacity: Number((goodPerS / (capacity * PARCELS)).toFixed(3)),
      shed_calls: overload.shed,
      late_calls: overload.late,
      other_failures: overload.failed,
      goodput_p99_ms: Math.round(overload.p99Ms),
      recovery_s: Number(recoveryS.toFixed(2)),
      rss_max_mb: Math.round(server.rssMaxMb()),
    };
  } finally {
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  }
}

/** Sends calls at a fixed pace for so long, then waits until each has ended. */
async function flood(
  issue: Calls,
  next: () => Buffer,
  { callsPerS, seconds }: Flood,
): Promise<FloodFigures> {
  const figures = { sent: 0, good: 0, shed: 0, late: 0, failed: 0, p99Ms: 0 };
  const latenciesMs: number[] = [];
  const startMs = performance.now();
  const endMs = startMs + seconds * 1_000;
  const open = new Set<Promise<void>>();
  const send = async () => {
    const sentMs = performance.now();
    const status = await issue.call(next(), DEADLINE_MS);
    const doneMs = performance.now();
    if (status === Status.RESOURCE_EXHAUSTED) figures.shed += 1;
    else if (status === Status.DEADLINE_EXCEEDED) figures.late += 1;
    else if (status !== Status.OK) figures.failed += 1;
    else if (doneMs <= endMs) {
      figures.good += 1;
      latenciesMs.push(doneMs - sentMs);
    }
  };
  while (performance.now() < endMs) {
    const due = ((performance.now() - startMs) / 1_000) * callsPerS;
    for (; figures.sent < due; figures.sent++) {
      const call: Promise<void> = send().finally(() => open.delete(call));
      open.add(call);
    }
    await sleep(1);
  }
  await Promise.all(open);
  latenciesMs.sort((a, b) => a - b);
  return { ...figures, p99Ms: latenciesMs[Math.floor(latenciesMs.length * 0.99)] ?? 0 };
}

/** How long it takes until a whole slice of the load is answered well. */
async function recovery(issue: Calls, next: () => Buffer, callsPerS: number): Promise<number> {
  const startMs = performance.now();
  for (;;) {
    const sliceMs = performance.now();
    const slice = await flood(issue, next, { callsPerS, seconds: SLICE_S });
    if (slice.shed + slice.late + slice.failed === 0) return (sliceMs - startMs) / 1_000;
    if (performance.now() - startMs > RECOVERY_MAX_MS) return Number.POSITIVE_INFINITY;
  }
}

const METHOD = 'queqiao.waybill.v1.WaybillService/IssueWaybills';
/** As of many warehouses: on one, the client itself would hold back what is over its window. */
const CONNECTIONS = 16;
const PARCELS = 20;
const DEADLINE_MS = 2_000;
const SLICE_S = 0.25;
const RECOVERY_MAX_MS = 60_000;

type Calls = ReturnType<typeof openHttp2Calls>;
type Flood = { callsPerS: number; seconds: number };
type FloodFigures = {
  sent: number;
  /** Answered well before the flood's end. */
  good: number;
  shed: number;
  late: number;
  failed: number;
  p99Ms: number;
};
