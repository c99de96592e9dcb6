#!/usr/bin/env node
import { Command, CommanderError } from 'commander';
import { bootstrapCommand } from './bootstrap.ts';
import { eventsCommand } from './commands/events.ts';
import { issueCommand } from './commands/issue.ts';
import { keyCommand } from './commands/key.ts';
import { networkCommands } from './commands/network.ts';
import { waybillCommand } from './commands/waybill.ts';
import type { CliContext } from './context.ts';
import { connector } from './local-state.ts';
import { migrateCommand } from './migrate.ts';
import { Exit, tellError } from './output.ts';
import { serveCommand } from './serve.ts';
import { startCommand } from './start.ts';

/** The `queqiao` command with everything it can do. */
export function program(context: CliContext): Command {
  const queqiao = new Command('queqiao')
    .description('Queqiao 鹊桥: an open social-logistics network. / 开放的社会化物流网络。')
    .showHelpAfterError();
  const commands = [
    startCommand(context),
    serveCommand(context),
    migrateCommand(context),
    bootstrapCommand(context),
    issueCommand(context),
    waybillCommand(context),
    ...networkCommands(context),
    keyCommand(context),
    eventsCommand(context),
  ];
  for (const command of commands) queqiao.addCommand(command);
  throwing(queqiao);
  return queqiao;
}

/** Makes wrong use an error instead of the end of the process; addCommand does not pass it on. */
function throwing(command: Command): void {
  command.exitOverride();
  for (const part of command.commands) throwing(part);
}

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
