import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Code } from '#libs/errors';
import { createClient } from '#libs/grpc';
import { WaybillService } from '#proto/queqiao/waybill/v1/waybill_service';
import { type FaultSystem, faultsOf, openFaultSystem } from './harness.ts';
import type { ATTACKS } from './hostile.ts';
import { draw } from './load.ts';
import { scaled } from './scale.ts';

// Who means harm gets no service for it, and takes none from others: while each attack runs, an
// honest caller is served within seconds, and the process stays small.

const DEADLINE_MS = 10_000;
/** However busy the machine is. An attack with a caller's own key uses up that caller's rate. */
const SETTLED_MS = 20_000;
const STOPPED_MS = 3_000;
/** What waits to be collected varies with the machine by 100 MB. */
const GROWTH_BYTES_MAX = 250_000_000;

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
const RESET = -1;
const { INVALID_ARGUMENT, RESOURCE_EXHAUSTED } = Code;

const UNDER: [what: string, attack: keyof typeof ATTACKS, count: number][] = [
  ['sockets that say nothing', 'silent-sockets', 200 * COUNT],
  ['sockets that speak a byte at a time', 'slow-loris', 100 * COUNT],
  ['streams that are never finished', 'half-open-streams', 1],
  ['streams that are reset at once', 'rapid-reset', 2 * COUNT],
  ['messages that are said to have 4 GiB', 'giant-prefix', 10 * COUNT],
  ['messages over the limit', 'oversized', 5 * COUNT],
  ['metadata of 60 kB', 'huge-metadata', 20 * COUNT],
  ['bytes that are no message', 'malformed', 50 * COUNT],
  ['messages nested 10,000 deep', 'nested', 10 * COUNT],
  ['texts that are no UTF-8', 'not-text', 50 * COUNT],
];

describe('a server', () => {
  it.each(UNDER)('under %s serves an honest caller', async (_, attack, count) => {
    await using hostile = await startAttack(attack, count);
    for (let i = 0; i < 3; i++) await probe();
    const refusals = [RESET, INVALID_ARGUMENT, RESOURCE_EXHAUSTED];
    for (const status of await hostile.answers()) expect(refusals).toContain(status);
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
    const slow = probe(STOPPED_MS);
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

/** In a process of its own; resolves when it is under way. */
async function startAttack(attack: string, count: number): Promise<Hostile> {
  const args = ['dist/test/fault/hostile.js', attack, String(count), system.address];
  const env = { ...process.env, QUEQIAO_API_KEY: system.apiKey };
  const child = spawn(process.execPath, args, { env, stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  expect((await lines.next()).value).toBe('under way');
  return {
    answers: async () => JSON.parse((await lines.next()).value ?? '[]'),
    async [Symbol.asyncDispose]() {
      child.stdin.end();
      if (child.exitCode === null) await once(child, 'exit');
    },
  };
}

/** Draws five waybills on a connection of its own; answers how long that took. */
async function probe(deadlineMs = DEADLINE_MS): Promise<void> {
  const refs = Array.from({ length: 5 }, (_, i) => `PROBE-${probes * 5 + i}`);
  using waybill = createClient(WaybillService, {
    address: system.address,
    credentials: { apiKey: system.apiKey },
    deadlineMs,
  });
  if (deadlineMs < DEADLINE_MS) {
    await waybill.getWaybill({ waybillNumber: String(system.told[0]?.number) });
    return;
  }
  await draw({ waybill, told: system.told, settledMs: SETTLED_MS }, refs);
  probes += 1;
}

function rssOf(pid: number): number {
  const [, kilobytes] = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kilobytes) * 1_024;
}

type Hostile = AsyncDisposable & { answers(): Promise<number[]> };
