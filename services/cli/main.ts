#!/usr/bin/env node
import { Command } from 'commander';
import type { CliContext } from './context.ts';
import { connector } from './local-state.ts';
import { migrateCommand } from './migrate.ts';
import { tellError } from './output.ts';
import { serveCommand } from './serve.ts';
import { startCommand } from './start.ts';

/** The `queqiao` command with everything it can do. */
export function program(context: CliContext): Command {
  const queqiao = new Command('queqiao')
    .description('Queqiao 鹊桥: an open social-logistics network. / 开放的社会化物流网络。')
    .showHelpAfterError();
  const commands = [startCommand, serveCommand, migrateCommand];
  for (const make of commands) queqiao.addCommand(make(context));
  return queqiao;
}

async function main(): Promise<void> {
  const { stdin, stdout, stderr, env, argv } = process;
  const connection = await connector(env);
  const context: CliContext = { stdin, stdout, stderr, env, connection, now: () => new Date() };
  try {
    await program(context).parseAsync(argv);
    process.exitCode = context.exitCode ?? 0;
  } catch (error) {
    await tellError(context, error, {});
    process.exitCode = 2;
  }
}

await main();
