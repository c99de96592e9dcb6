import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RpcError, toItemError } from '#libs/errors';
import { parseResult, testFolder, untilAborted } from './cli.fixture.ts';
import { HEADER, type Issuing, row, startIssuing } from './issue.fixture.ts';

let issuing: Issuing;

beforeAll(async () => {
  issuing = await startIssuing();
});

afterAll(async () => {
  await issuing?.[Symbol.asyncDispose]();
});

/** `queqiao issue` in a process of its own, from the sources. */
const CHILD = `
  import { runnerImport } from 'vite';
  const conditions = ['source', 'node'];
  const { module } = await runnerImport('./services/cli/commands/issue.ts', {
    configFile: false,
    logLevel: 'error',
    environments: { inline: { resolve: { conditions } } },
    oxc: { target: 'es2022' },
  });
  const { stdin, stdout, stderr, env } = process;
  const connection = () => ({ address: env.QQ_ADDRESS, apiKey: 'none', natsUrl: undefined });
  const context = { stdin, stdout, stderr, env, connection, now: () => new Date() };
  await module.issueCommand(context).parseAsync([env.QQ_FILE], { from: 'user' });
`;

describe('queqiao issue, when things break', () => {
  it('issues each parcel once although answers get lost and items ask to come again', async () => {
    const attempts = new Map<string, number>();
    await using server = await issuing.behind(async (request, real) => {
      const orderRef = request.parcels[0]?.orderRef ?? '';
      const attempt = (attempts.get(orderRef) ?? 0) + 1;
      attempts.set(orderRef, attempt);
      const answer = await real(request);
      // The numbers are drawn, and the caller is not told.
      if (attempt === 1) throw new RpcError('OVERLOADED', { retryAfterMs: 2 });
      if (attempt === 2) {
        for (const each of answer.outcomes.slice(0, 40)) {
          const value = toItemError(new RpcError('DEPENDENCY_DOWN'));
          each.outcome = { case: 'error', value };
        }
      }
      return answer;
    });
    await using folder = await testFolder();
    const file = folder.path('orders.csv');
    const rows = Array.from({ length: 950 }, (_, i) => row(`LOST-${i}`));
    await writeFile(file, `${[HEADER, ...rows].join('\n')}\n`);
    const run = await issuing.issue([file, '--json'], { address: server.address });
    expect(run.exit).toBe(0);
    expect(run.json()).toMatchObject([{ rows: 950, failed: 0 }]);
    const results = parseResult(await readFile(`${file}.result.csv`, 'utf8'));
    expect(results.map(({ order_ref }) => order_ref)).toEqual(rows.map((_, i) => `LOST-${i}`));
    expect(await issuing.countIssued('LOST')).toBe(950);
    expect([...attempts.values()]).toEqual(Array(10).fill(3));
  });

  it('stops at Ctrl-C with what is known, and goes on when run again', async () => {
    let interrupt = () => {};
    const interrupted = new Promise<void>((resolve) => {
      interrupt = resolve;
    });
    let callCount = 0;
    await using server = await issuing.behind(async (request, real) => {
      callCount += 1;
      if (callCount === 3) interrupt();
      return real(request);
    });
    await using folder = await testFolder();
    const file = folder.path('orders.csv');
    const rows = Array.from({ length: 3_000 }, (_, i) => row(`STOP-${i}`));
    await writeFile(file, `${[HEADER, ...rows].join('\n')}\n`);
    const untilInterrupt = (end: AbortSignal) => Promise.race([interrupted, untilAborted(end)]);
    const run = await issuing.issue([file, '--json'], { address: server.address, untilInterrupt });
    expect(run.exit).toBe(130);
    const [summary] = run.json();
    expect(summary).toMatchObject({ complete: false, result_file: `${file}.result.csv.part` });
    const known = parseResult(await readFile(`${file}.result.csv.part`, 'utf8'));
    expect(known.length).toBe(await issuing.countIssued('STOP'));
    expect(known.length).toBeLessThan(3_000);
    expect(existsSync(`${file}.result.csv`)).toBe(false);

    const again = await issuing.issue([file, '--json']);
    expect(again.json()).toMatchObject([
      { issued: 3_000 - known.length, already_issued: known.length, complete: true },
    ]);
    expect(await issuing.countIssued('STOP')).toBe(3_000);
    const whole = parseResult(await readFile(`${file}.result.csv`, 'utf8'));
    expect(whole.map(({ line }) => Number(line))).toEqual(rows.map((_, i) => i + 2));
  });

  it('may be killed at any moment: run again, it completes the file', async () => {
    let callCount = 0;
    let child: ChildProcess | undefined;
    await using server = await issuing.behind(async (request, real) => {
      callCount += 1;
      if (callCount === 5 && child !== undefined) {
        child.kill('SIGKILL');
        await once(child, 'exit');
      }
      return real(request);
    });
    try {
      await using folder = await testFolder();
      const file = folder.path('orders.csv');
      const rows = Array.from({ length: 1_500 }, (_, i) => row(`KILL-${i}`));
      await writeFile(file, `${[HEADER, ...rows].join('\n')}\n`);
      child = spawn(process.execPath, ['--input-type=module', '-e', CHILD], {
        env: { ...process.env, QQ_ADDRESS: server.address, QQ_FILE: file },
        stdio: ['ignore', 'ignore', 'inherit'],
      });
      const [, signal] = await once(child, 'exit');
      expect(signal).toBe('SIGKILL');
      expect(existsSync(`${file}.result.csv`)).toBe(false);

      const again = await issuing.issue([file, '--json']);
      expect(again.exit).toBe(0);
      const [summary] = again.json();
      expect(Number(summary?.['already_issued'])).toBeGreaterThan(0);
      expect(Number(summary?.['issued'])).toBeGreaterThan(0);
      const whole = parseResult(await readFile(`${file}.result.csv`, 'utf8'));
      expect(whole.map(({ line }) => Number(line))).toEqual(rows.map((_, i) => i + 2));
      expect(new Set(whole.map((result) => result['waybill_number'])).size).toBe(1_500);
      expect(await issuing.countIssued('KILL')).toBe(1_500);
    } finally {
      child?.kill('SIGKILL');
    }
  });

  it('would be seen to double: the same orders under other keys are other waybills', async () => {
    await using folder = await testFolder();
    const file = folder.path('orders.csv');
    for (const no of ['1', '2']) {
      const rows = Array.from({ length: 30 }, (_, i) => row(`TWIN-${i}`, { no }));
      await writeFile(file, `${[HEADER, ...rows].join('\n')}\n`);
      await issuing.issue([file]);
    }
    expect(await issuing.countIssued('TWIN')).toBe(60);
  });
});
