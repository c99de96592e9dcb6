import { parseArgs } from 'node:util';
import { stderrNotes } from '#deploy/local/note';
import { benchAddress } from './address.ts';
import { benchIssue } from './issue.ts';
import { benchLabels } from './labels.ts';
import { benchOverload } from './overload.ts';
import { benchRoutes } from './routes.ts';

// npm run bench -- <subject> [--seconds n] [--waybills n] [--json] [--profile folder]
// Rates of one run, each beside the limit it is measured against. With --json the last line is one
// JSON object; --profile keeps a CPU profile of the server.

const SUBJECTS: Record<string, (options: BenchOptions) => Promise<Record<string, number>>> = {
  address: benchAddress,
  issue: benchIssue,
  labels: benchLabels,
  overload: benchOverload,
  routes: benchRoutes,
};

export type BenchOptions = {
  /** How long each part is measured. */
  seconds: number;
  /** How many waybills a run issues in all, to see whether memory stays flat. */
  waybills: number;
  say: (line: string) => void;
  /** Folder for a CPU profile of the server. */
  profile?: string | undefined;
};

const OPTIONS = {
  seconds: { type: 'string', default: '8' },
  waybills: { type: 'string', default: '2000000' },
  profile: { type: 'string' },
  json: { type: 'boolean', default: false },
} as const;

async function main(args: string[]): Promise<number> {
  const [subject = ''] = args.filter((arg) => !arg.startsWith('--'));
  const bench = SUBJECTS[subject];
  if (bench === undefined) {
    stderrNotes.warn(
      `npm run bench -- <subject>; subjects are ${Object.keys(SUBJECTS).join(', ')}`,
    );
    return 2;
  }
  const { values } = parseArgs({ args, options: OPTIONS, allowPositionals: true });
  const seconds = Number(values.seconds);
  const waybills = Number(values.waybills);
  const { profile } = values;
  const say = (line: string) => stderrNotes.info(line);
  const figures = await bench({ seconds, waybills, profile, say });
  const lines = Object.entries(figures).map(([name, value]) => `${name.padEnd(24)} ${value}`);
  const text = values.json ? JSON.stringify(figures) : lines.join('\n');
  process.stdout.write(`${text}\n`);
  return 0;
}

process.exitCode = await main(process.argv.slice(2));
