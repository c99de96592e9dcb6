import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createClient } from '#libs/grpc';
import { WaybillService } from '#proto/queqiao/waybill/v1/waybill_service';
import { type FaultSystem, faultsOf, openFaultSystem } from './harness.ts';
import {
  type Attack,
  declareGiant,
  halfOpenStreams,
  hugeMetadata,
  malformed,
  nested,
  notText,
  oversized,
  rapidReset,
  silentSockets,
  slowLoris,
} from './hostile.ts';
import { draw } from './load.ts';
import { scaled } from './scale.ts';

// Who means harm gets no service for it, and takes none from others: while each attack runs, an
// honest caller is served within a second, and the process stays small.

const PROBE_MS = 1_000;
const GROWTH_BYTES_MAX = 150_000_000;

let system: FaultSystem;
let restBytes: number;
let probes = 0;

beforeAll(async () => {
  system = await openFaultSystem();
  for (let i = 0; i < 20; i++) await probe();
  restBytes = rssOf(system.service.pid);
});

afterAll(async () => {
  await system?.[Symbol.asyncDispose]();
});

const COUNT = scaled(1, 10);

const ATTACKS: [string, () => Attack][] = [
  ['sockets that say nothing', () => silentSockets(200 * COUNT)],
  ['sockets that speak a byte at a time', () => slowLoris(100 * COUNT)],
  ['streams that are never finished', () => halfOpenStreams(2 * COUNT, 500)],
  ['streams that are reset at once', () => rapidReset(2 * COUNT, 1_000)],
  ['a message that is said to have 4 GiB', () => declareGiant(10 * COUNT)],
  ['messages over the limit', () => oversized(5 * COUNT, 6_000_000)],
  ['metadata of 60 kB', () => hugeMetadata(20 * COUNT)],
  ['bytes that are no message', () => malformed(50 * COUNT)],
  ['a message nested 10,000 deep', () => nested(10 * COUNT)],
  ['texts that are no UTF-8', () => notText(50 * COUNT)],
];

describe('a server', () => {
  it.each(ATTACKS)('under %s serves an honest caller', async (_, open) => {
    await using attack = await open()({ address: system.address, apiKey: system.apiKey });
    const slowest = Math.max(await probe(), await probe(), await probe());
    expect(slowest).toBeLessThan(PROBE_MS);
    const answers = await attack.answers();
    // Refused, each by its own status; never served, and never the server's own fault.
    for (const { status } of answers) expect([3, 8]).toContain(status);
    expect(rssOf(system.service.pid) - restBytes).toBeLessThan(GROWTH_BYTES_MAX);
    expect(system.service.isRunning).toBe(true);
  });

  it('has issued what honest callers asked for, and nothing else', async () => {
    expect(faultsOf(await system.audit())).toEqual([]);
    const [row] = await system.sql<{ count: string }>(
      'select count(*) as count from waybill.waybill',
    );
    expect(Number(row?.count)).toBe(probes * 5);
  });

  // The twins: a server that does not answer, and a process that grows.
  it('would be found out if it did not answer', async () => {
    process.kill(system.service.pid, 'SIGSTOP');
    const slow = probe(PROBE_MS);
    await expect(slow).rejects.toThrow();
    process.kill(system.service.pid, 'SIGCONT');
    await probe(30_000);
  });

  it('would be found out if it grew', async () => {
    const hoard = `globalThis.kept = Buffer.alloc(400_000_000, 1); process.stdout.write('.');
      process.stdin.resume();`;
    const child = spawn(process.execPath, ['-e', hoard], { stdio: ['pipe', 'pipe', 'inherit'] });
    await once(child.stdout, 'data');
    expect(rssOf(child.pid ?? 0) - restBytes).toBeGreaterThan(GROWTH_BYTES_MAX);
    child.kill();
  });
});

/** Draws five waybills on a connection of its own; answers how long that took. */
async function probe(deadlineMs = 10_000): Promise<number> {
  const refs = Array.from({ length: 5 }, (_, i) => `PROBE-${probes * 5 + i}`);
  const startMs = performance.now();
  using waybill = createClient(WaybillService, {
    address: system.address,
    credentials: { apiKey: system.apiKey },
    deadlineMs,
  });
  if (deadlineMs < 10_000) {
    await waybill.getWaybill({ waybillNumber: String(system.told[0]?.number) });
    return performance.now() - startMs;
  }
  await draw({ waybill, told: system.told }, refs);
  probes += 1;
  return performance.now() - startMs;
}

function rssOf(pid: number): number {
  const [, kilobytes] = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kilobytes) * 1_024;
}
