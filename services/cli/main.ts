import { Command } from 'commander';
import { RpcError } from '#libs/errors';
import type { CliContext } from './context.ts';
import { connectionFrom } from './local-state.ts';
import { migrateCommand } from './migrate.ts';
import { serveCommand } from './serve.ts';
import { startCommand } from './start.ts';

/** The `queqiao` command. */
export function program(context: CliContext): Command {
  const queqiao = new Command('queqiao')
    .description('Queqiao 鹊桥: an open social-logistics network. / 开放的社会化物流网络。')
    .showHelpAfterError();
  queqiao.addCommand(startCommand(context));
  queqiao.addCommand(serveCommand(context));
  queqiao.addCommand(migrateCommand(context));
  return queqiao;
}
