import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runningPid } from '#deploy/local/state';
import { testFolder } from '#test/support/folder';
import { textsOfPdf } from '#test/support/pictures';
import { clientProgram, grpcurlLine } from '../../services/cli/first-steps.ts';

// What a new user does, in the order of the README: npm start, a few commands, Ctrl-C, again.

const run = promisify(execFile);
/** In the package, and where nobody looks for sources. */
const HELLO = 'dist/hello-of-a-test.mjs';

let folder: Awaited<ReturnType<typeof testFolder>>;
let env: NodeJS.ProcessEnv;
let started: Started;

beforeAll(async () => {
  folder = await testFolder();
  env = {
    ...process.env,
    QUEQIAO_STATE_DIR: join(folder.path, 'state'),
    QUEQIAO_LISTEN: '127.0.0.1:0',
    NATS_URL: '',
  };
  started = await npmStart();
}, 240_000);

afterAll(async () => {
  started?.interrupt();
  await started?.ended;
  await rm(HELLO, { force: true });
  await folder[Symbol.asyncDispose]();
}, 60_000);

describe('npm start', () => {
  it('says in one line that it is ready, with the addresses', () => {
    const lines = started.stdout().split('\n');
    expect(lines.filter((line) => line.startsWith('Queqiao is ready'))).toEqual([
      expect.stringMatching(/gRPC 127\.0\.0\.1:\d+ {2}NATS nats:\/\/127\.0\.0\.1:\d+$/),
    ]);
  });

  it('has issued at least 300 sample orders in several cities, each with a number', async () => {
    const { stdout } = await queqiao('waybill', 'list', '--limit', '1000', '--json');
    const waybills = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(waybills.length).toBeGreaterThanOrEqual(300);
    const cities = new Set(waybills.map(({ consignee }) => consignee.city ?? consignee.province));
    expect(cities.size).toBeGreaterThanOrEqual(8);
    const numbers = new Set(waybills.map(({ waybill_number }) => waybill_number));
    expect(numbers.size).toBe(waybills.length);
  });

  it('has printed the labels of the sample orders, and says where they are', async () => {
    const labels = join(folder.path, 'state/demo/labels.pdf');
    expect(started.stdout()).toMatch(/Labels of the sample orders.*demo\/labels\.pdf/);
    const pages = await textsOfPdf(await readFile(labels));
    expect(pages.length).toBeGreaterThanOrEqual(300);
    expect(pages[0]).toMatch(/收 .\*+/);
  });

  it('takes the commands that the README shows, one after the other', async () => {
    const readme = await readFile('README.md', 'utf8');
    const session = /alias queqiao=.*\n([\s\S]*?)```/.exec(readme)?.[1] ?? '';
    const { stdout } = await queqiao('waybill', 'list', '--limit', '1', '--json');
    const number = JSON.parse(stdout).waybill_number;
    const lines = session.split('\n').filter((line) => /^queqiao .*<number>/.test(line));
    expect(lines.length).toBeGreaterThanOrEqual(6);
    for (const line of lines) {
      const command = line
        .replace(/ +#.*/, '')
        .replace('<number>', number)
        .replace('label.pdf', join(folder.path, 'label.pdf'));
      const words = [...command.matchAll(/"([^"]*)"|(\S+)/g)].map(([, a, b]) => a ?? b ?? '');
      await queqiao(...words.slice(1));
    }
    const returned = JSON.parse((await queqiao('waybill', 'get', number, '--json')).stdout);
    expect(returned).toMatchObject({ state: 'STATE_CANCELLED' });
    expect(returned.return_waybill_numbers).toHaveLength(1);
  });

  it('issues a user’s own file, and nothing twice', async () => {
    const readme = await readFile('README.md', 'utf8');
    const csv = /```csv\n([\s\S]*?)```/.exec(readme)?.[1] ?? '';
    const file = join(folder.path, 'orders.csv');
    await writeFile(file, csv);
    const first = JSON.parse((await queqiao('issue', file, '--json')).stdout);
    expect(first).toMatchObject({ issued: 1, already_issued: 0, failed: 0 });
    const again = JSON.parse((await queqiao('issue', file, '--json')).stdout);
    expect(again).toMatchObject({ issued: 0, already_issued: 1, failed: 0 });
    const result = await readFile(`${file}.result.csv`, 'utf8');
    expect(result).toMatch(/A-1001/);
  });

  it('prints a TypeScript client that works, the same that the README shows', async () => {
    const program = clientProgram(started.address);
    expect(program.trim().split('\n')).toHaveLength(5);
    const readme = await readFile('README.md', 'utf8');
    expect(readme).toContain(clientProgram('127.0.0.1:50051'));
    expect(readme).toContain(grpcurlLine('127.0.0.1:50051'));
    const printed = started.stdout().replaceAll(/^ {2}/gm, '');
    expect(printed).toContain(program.trim());
    // Inside the package, where 'queqiao/client' means the package itself.
    await writeFile(HELLO, program);
    const apiKey = await readFile(join(folder.path, 'state/secrets/merchant.api-key'), 'utf8');
    const { stdout } = await run('node', [HELLO], {
      env: { ...env, QUEQIAO_API_KEY: apiKey.trim() },
    });
    expect(stdout.trim().split('\n')).toEqual(Array(3).fill(expect.stringMatching(/^\S+ .\**$/u)));
  });

  it('runs the issuer of the README, and gives the same numbers a second time', async () => {
    const readme = await readFile('README.md', 'utf8');
    const program = /```ts\n([^`]*queqiao\.issuer\(\)[^`]*)```/.exec(readme)?.[1] ?? '';
    await writeFile(HELLO, program.replace('127.0.0.1:50051', started.address));
    const apiKey = await readFile(join(folder.path, 'state/secrets/merchant.api-key'), 'utf8');
    const issue = () => run('node', [HELLO], { env: { ...env, QUEQIAO_API_KEY: apiKey.trim() } });
    const first = (await issue()).stdout.trim().split('\n').sort();
    expect(first).toEqual(['B-1', 'B-2', 'B-3'].map((ref) => expect.stringMatching(`${ref} \\w+`)));
    expect((await issue()).stdout.trim().split('\n').sort()).toEqual(first);
  });

  it('prints a grpcurl line for this address', () => {
    expect(started.stdout()).toContain(grpcurlLine(started.address));
  });

  it('refuses a second start on the same state, naming process and address', async () => {
    const second = npmStart('--exit-when-ready');
    await expect(second).rejects.toThrow(started.address);
  });

  it('stops on Ctrl-C with status 0 and works a second time on the same state', async () => {
    started.interrupt();
    expect(await started.ended).toBe(0);
    const again = await npmStart('--exit-when-ready');
    expect(await again.ended).toBe(0);
    expect(again.stderr()).not.toContain('Issuing waybills');
    started = await npmStart();
    expect(started.stderr()).not.toContain('Loading the demo');
    const { stdout } = await queqiao('waybill', 'list', '--limit', '1', '--json');
    expect(JSON.parse(stdout)).toHaveProperty('waybill_number');
  }, 240_000);
});

function queqiao(...args: string[]): Promise<{ stdout: string; stderr: string }> {
  return run('node', ['dist/services/cli/main.js', ...args], { env });
}

/** Resolves when it is ready; rejects with what it said if it ends before that. */
async function npmStart(...args: string[]): Promise<Started> {
  const child = spawn('npm', ['start', '--silent', '--', ...args], {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  const ended = once(child, 'close').then(([status]) => status as number);
  await new Promise<void>((resolve, reject) => {
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
      if (/^Queqiao is ready.*\n[\s\S]*close\(\);$/m.test(stdout)) resolve();
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    ended.then((status) => reject(new Error(`npm start ended with ${status}: ${stderr}`)));
  });
  const address = /gRPC (\S+)/.exec(stdout)?.[1] ?? '';
  // npm itself does not wait for its child when it gets the signal.
  const pid = await runningPid(env['QUEQIAO_STATE_DIR'] ?? '');
  const interrupt = () => void (pid !== undefined && process.kill(pid, 'SIGINT'));
  return { interrupt, address, ended, stdout: () => stdout, stderr: () => stderr };
}

type Started = {
  /** Ctrl-C. */
  interrupt(): void;
  address: string;
  /** Its exit status. */
  ended: Promise<number>;
  stdout(): string;
  stderr(): string;
};
