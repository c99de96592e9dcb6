import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { readState } from '#deploy/local/state';
import { projectFile } from '#libs/run';

/** All services as an operator runs them, with the demo network, in a process of their own. */
export async function startBenchServer(options: BenchServerOptions): Promise<BenchServer> {
  const { profile } = options;
  // The demo is made by a process of its own: what that needs, no server keeps in memory.
  const preparing = spawnStart(options, ['--exit-when-ready']);
  preparing.stdout?.resume();
  await once(preparing, 'close');
  const child = spawnStart(options, [], profile ? ['--cpu-prof', `--cpu-prof-dir=${profile}`] : []);
  const { stateDir } = options;
  const ended = once(child, 'close');
  const address = await readyAddress(child);
  const apiKey = await readFile(join(stateDir, 'secrets', 'merchant.api-key'), 'utf8');
  const { databaseUrl = '' } = (await readState(stateDir)) ?? {};
  const pid = child.pid as number;
  let rssMaxMb = 0;
  const sampling = setInterval(async () => {
    rssMaxMb = Math.max(rssMaxMb, await rssMbOf(pid));
  }, 500);
  return {
    address,
    apiKey: apiKey.trim(),
    databaseUrl,
    rssMb: () => rssMbOf(pid),
    rssMaxMb: () => rssMaxMb,
    async cpuMs() {
      const postmaster = await readFile(
        join(stateDir, 'postgres', 'cluster', 'postmaster.pid'),
        'utf8',
      );
      return { server: await cpuMsOf(pid), postgres: await cpuMsOfAll(parseInt(postmaster, 10)) };
    },
    async stop() {
      clearInterval(sampling);
      child.kill('SIGTERM');
      await ended;
    },
  };
}

function spawnStart(
  { stateDir, env }: BenchServerOptions,
  options: string[],
  ofNode: string[] = [],
): ChildProcess {
  const program = projectFile('dist/services/cli/main.js');
  return spawn(
    process.execPath,
    ['--max-semi-space-size=64', ...ofNode, program, 'start', ...options],
    {
      env: {
        ...process.env,
        QUEQIAO_STATE_DIR: stateDir,
        QUEQIAO_LISTEN: '127.0.0.1:0',
        QUEQIAO_LOG_LEVEL: 'warn',
        // One key stands for all callers of a machine here.
        QUEQIAO_CALLS_PER_S: '1000000',
        QUEQIAO_BURST_COUNT: '1000000',
        ...env,
      },
      stdio: ['ignore', 'pipe', 'ignore'],
    },
  );
}

async function readyAddress(child: ChildProcess): Promise<string> {
  for await (const line of createInterface(child.stdout as NodeJS.ReadableStream)) {
    const [, address] = /^Queqiao is ready {2}gRPC (\S+)/.exec(line) ?? [];
    if (address !== undefined) return address;
  }
  throw new Error('the server did not start');
}

async function rssMbOf(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '');
  const [, kb = '0'] = /VmRSS:\s+(\d+)/.exec(status) ?? [];
  return Number(kb) / 1_024;
}

/** Of the process and the children it has waited for. */
async function cpuMsOf(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  // The name in parentheses may hold blanks; what follows it begins with the third field.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const ticks = [11, 12, 13, 14].reduce((sum, i) => sum + Number(fields[i] ?? 0), 0);
  return ticks * TICK_MS;
}

/** Of a Postgres server: its first process and the one of each connection. */
async function cpuMsOfAll(parent: number): Promise<number> {
  let sum = await cpuMsOf(parent);
  for (const name of await readdir('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const stat = await readFile(`/proc/${name}/stat`, 'utf8').catch(() => '');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (Number(fields[1]) === parent) sum += await cpuMsOf(Number(name));
  }
  return sum;
}

const TICK_MS = 10;

type BenchServerOptions = {
  stateDir: string;
  /** Folder for a CPU profile. */
  profile?: string | undefined;
  env?: NodeJS.ProcessEnv;
};

export type BenchServer = {
  address: string;
  /** Of the demo's merchant. */
  apiKey: string;
  databaseUrl: string;
  rssMb(): Promise<number>;
  rssMaxMb(): number;
  /** Processor time used so far. */
  cpuMs(): Promise<CpuMs>;
  stop(): Promise<void>;
};

export type CpuMs = { server: number; postgres: number };
