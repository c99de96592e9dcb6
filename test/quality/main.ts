import { parseArgs } from 'node:util';
import { stderrNotes } from '#deploy/local/note';
import { qualityAddress } from './address/quality.ts';

// npm run quality -- <subject> [--json] [--failures n] [--part dev|train]
// How often answers are right, on data that other people labelled. With --json the last line is one
// JSON object.

const SUBJECTS: Record<string, (options: QualityOptions) => Promise<Record<string, number>>> = {
  address: qualityAddress,
};

export type QualityOptions = {
  /** How many failures of each kind are shown. They hold other people's data: for the eye alone. */
  failures: number;
  /** Part of a labelled set. */
  part: string;
  say: (line: string) => void;
};

const OPTIONS = {
  failures: { type: 'string', default: '0' },
  part: { type: 'string', default: 'dev' },
  json: { type: 'boolean', default: false },
} as const;

async function main(args: string[]): Promise<number> {
  const [subject = ''] = args.filter((arg) => !arg.startsWith('--'));
  const measure = SUBJECTS[subject];
  if (measure === undefined) {
    stderrNotes.warn(
      `npm run quality -- <subject>; subjects are ${Object.keys(SUBJECTS).join(', ')}`,
    );
    return 2;
  }
  const { values } = parseArgs({ args, options: OPTIONS, allowPositionals: true });
  const say = (line: string) => stderrNotes.info(line);
  const figures = await measure({ failures: Number(values.failures), part: values.part, say });
  const lines = Object.entries(figures).map(([name, value]) => `${name.padEnd(28)} ${value}`);
  const text = values.json ? JSON.stringify(figures) : lines.join('\n');
  process.stdout.write(`${text}\n`);
  return 0;
}

process.exitCode = await main(process.argv.slice(2));
