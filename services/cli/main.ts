#!/usr/bin/env node
import { CommanderError } from 'commander';
import type { CliContext } from './context.ts';
import { connector } from './local-state.ts';
import { Exit, tellError } from './output.ts';
import { program } from './program.ts';

async function main(): Promise<void> {
  const { stdin, stdout, stderr, env, argv } = process;
  const connection = await connector(env);
  const context: CliContext = { stdin, stdout, stderr, env, connection, now: () => new Date() };
  try {
    await program(context).parseAsync(argv);
    process.exitCode = context.exitCode ?? 0;
  } catch (error) {
    // Commander has told what is wrong with the arguments, or shown the help that was asked for.
    const isTold = error instanceof CommanderError;
    if (!isTold) await tellError(context, error, {});
    process.exitCode = isTold && error.exitCode === 0 ? Exit.OK : Exit.COULD_NOT_RUN;
  }
}

await main();
