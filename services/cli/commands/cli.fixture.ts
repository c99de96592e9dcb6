// For the tests of this folder: commands run in this process, as a user would run them.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable, Writable } from 'node:stream';
import { Command, CommanderError } from 'commander';
import { parse } from 'csv-parse/sync';
import { inject } from 'vitest';
import type { CliContext } from '../context.ts';

/** Runs one command line: `cli([issueCommand], ['issue', 'orders.csv'], { … })`. */
export async function cli(
  commands: ((context: CliContext) => Command | Command[])[],
  args: string[],
  options: CliOptions = {},
): Promise<CliRun> {
  const { address = '127.0.0.1:1', apiKey = 'none', isTTY = false, untilInterrupt } = options;
  const out = collector(isTTY);
  const err = collector(isTTY);
  const context: CliContext = {
    stdin: Readable.from(options.stdin ?? []),
    stdout: out.stream,
    stderr: err.stream,
    env: { LANG: 'en_US.UTF-8', NO_COLOR: '1', ...options.env },
    connection: () => ({ address, apiKey, natsUrl: inject('natsUrl') }),
    now: () => new Date(),
    // Never the process's own signals: they belong to the test runner.
    untilInterrupt: untilInterrupt ?? untilAborted,
  };
  const program = new Command('queqiao').exitOverride().configureOutput({
    writeOut: (text) => void out.stream.write(text),
    writeErr: (text) => void err.stream.write(text),
  });
  for (const command of commands.flatMap((make) => make(context))) {
    program.addCommand(inheritingFrom(program, command));
  }
  let exit = 0;
  try {
    await program.parseAsync(args, { from: 'user' });
    exit = context.exitCode ?? 0;
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    exit = 2;
  }
  const stdout = out.text();
  const lines = () => stdout.split('\n').filter(Boolean);
  return {
    exit,
    stdout,
    stderr: err.text(),
    json: () => lines().map((line) => JSON.parse(line)),
  };
}

export function untilAborted(end: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    end.addEventListener('abort', () => resolve());
  });
}

/** A folder of its own, removed with all that is in it. */
export async function testFolder(): Promise<AsyncDisposable & { path(name: string): string }> {
  const folder = await mkdtemp(join(tmpdir(), 'queqiao-cli-'));
  return {
    path: (name) => join(folder, name),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}

/** Rows of a result file by heading. */
export function parseResult(text: string): Record<string, string>[] {
  return parse(text, { columns: true, bom: true });
}

/** Sub-commands do not take over how their parent ends and writes. */
function inheritingFrom(parent: Command, command: Command): Command {
  command.copyInheritedSettings(parent);
  for (const each of command.commands) inheritingFrom(parent, each as Command);
  return command;
}

function collector(isTTY: boolean) {
  const parts: string[] = [];
  const stream = new Writable({
    decodeStrings: false,
    write(part: string, _encoding, done) {
      parts.push(String(part));
      done();
    },
  });
  return { stream: Object.assign(stream, { isTTY, columns: 80 }), text: () => parts.join('') };
}

export type CliOptions = {
  address?: string;
  apiKey?: string;
  stdin?: Iterable<Uint8Array>;
  isTTY?: boolean;
  env?: Record<string, string>;
  untilInterrupt?: CliContext['untilInterrupt'];
};

export type CliRun = {
  exit: number;
  stdout: string;
  stderr: string;
  /** Every line of stdout as JSON. */
  json(): Record<string, unknown>[];
};
