import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import { readClientLog } from '../../services/cli/commands/client-log.ts';
import { type FaultSystem, faultsOf } from './harness.ts';

/**
 * The promise as a whole: `queqiao issue` draws waybills for a file of `count` orders while the
 * service is killed and started again `kills` times. Then the result file, the database and the
 * stream are compared to the last number.
 */
export async function issueThroughKills(
  system: FaultSystem,
  { count, kills, tell = () => undefined }: StoryOptions,
): Promise<StoryEnd> {
  const startMs = performance.now();
  const file = join(system.folder, `orders-${count}.csv`);
  const resultFile = `${file}.result.csv`;
  await writeOrders(file, count);
  const issuing = startIssue(system, file);
  for (let kill = 1; kill <= kills; kill++) {
    const rows = Math.floor((count * kill) / (kills + 1));
    await untilResult(`${resultFile}.part`, rows, issuing.isRunning);
    await system.service.kill();
    tell(`kill ${kill} of ${kills}, after about ${rows} rows`);
    await system.service.start();
  }
  const { exit, summary } = await issuing.ended;
  const issuedSeconds = (performance.now() - startMs) / 1_000;
  tell('audit');
  const report = await system.audit(readClientLog(resultFile));
  const [row] = await system.sql<{ count: string }>(
    'select count(*) as count from waybill.waybill',
  );
  return {
    exit,
    summary,
    kills,
    resultRows: await countRows(resultFile),
    waybills: Number(row?.count),
    announced: report.checks.find(({ name }) => name === 'issued-announced')?.examinedCount ?? 0,
    compared: report.checks.find(({ name }) => name === 'client-log')?.examinedCount ?? 0,
    faults: faultsOf(report),
    issuedSeconds,
    auditSeconds: report.seconds,
  };
}

function startIssue(system: FaultSystem, file: string) {
  const program = 'dist/services/cli/main.js';
  const child = spawn(process.execPath, [program, 'issue', file, '--json'], {
    env: { ...process.env, QUEQIAO_ADDRESS: system.address, QUEQIAO_API_KEY: system.apiKey },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const said = text(child.stdout);
  const ended = once(child, 'exit').then(async ([exit]) => ({
    exit: exit as number | null,
    summary: JSON.parse((await said) || '{}') as Record<string, unknown>,
  }));
  return { ended, isRunning: () => child.exitCode === null && child.signalCode === null };
}

/** Until the result file tells of about so many rows, by its size. */
async function untilResult(file: string, rows: number, isRunning: () => boolean): Promise<void> {
  while (isRunning()) {
    const size = (await stat(file).catch(() => undefined))?.size ?? 0;
    if (size >= rows * ROW_BYTES) return;
    await sleep(20);
  }
  throw new Error(`queqiao issue ended before it had ${rows} rows`);
}

async function writeOrders(file: string, count: number): Promise<void> {
  await using handle = await open(file, 'w');
  await handle.write(
    'order_ref,name,phone,province,city,district,detail,weight_g,courier_id,node_id\n',
  );
  const place = '李雷,13800001234,浙江省,杭州市,西湖区,文三路100号2幢301室,800';
  for (let from = 0; from < count; from += 10_000) {
    const size = Math.min(10_000, count - from);
    const rows = Array.from({ length: size }, (_, i) => {
      const ref = `M-${String(from + i).padStart(9, '0')}`;
      return `${ref},${place},${COURIERS[(from + i) % COURIERS.length]},hangzhou-cang\n`;
    });
    await handle.write(rows.join(''));
  }
}

async function countRows(file: string): Promise<number> {
  let count = -1;
  for await (const _ of createInterface({ input: createReadStream(file) })) count += 1;
  return count;
}

/** `99999,M-000099998,1,issued,26000001012345,,,,,` and the end of the line. */
const ROW_BYTES = 46;
const COURIERS = ['lingque', 'qianxing', 'yundu'];

export type StoryOptions = { count: number; kills: number; tell?: (sentence: string) => void };

export type StoryEnd = {
  exit: number | null;
  /** What the command printed. */
  summary: Record<string, unknown>;
  kills: number;
  resultRows: number;
  waybills: number;
  /** Waybills that were looked for in the events. */
  announced: number;
  /** Lines of the result file that were looked for in the database. */
  compared: number;
  /** Empty when all agree. */
  faults: string[];
  issuedSeconds: number;
  auditSeconds: number;
};
