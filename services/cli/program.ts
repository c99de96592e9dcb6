import { Command } from 'commander';
import { auditCommand } from './audit.ts';
import { bootstrapCommand } from './bootstrap.ts';
import { certCommand } from './cert.ts';
import { accountCommand } from './commands/account.ts';
import { addressCommand } from './commands/address.ts';
import { areaCommand } from './commands/area.ts';
import { eventsCommand } from './commands/events.ts';
import { issueCommand } from './commands/issue.ts';
import { keyCommand } from './commands/key.ts';
import { labelCommand } from './commands/label.ts';
import { networkCommands } from './commands/network.ts';
import { sortCommand } from './commands/sort.ts';
import { vaultCommand } from './commands/vault.ts';
import { waybillCommand } from './commands/waybill.ts';
import type { CliContext } from './context.ts';
import { migrateCommand } from './migrate.ts';
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
    certCommand(context),
    issueCommand(context),
    waybillCommand(context),
    labelCommand(context),
    addressCommand(context),
    vaultCommand(context),
    ...networkCommands(context),
    areaCommand(context),
    sortCommand(context),
    accountCommand(context),
    keyCommand(context),
    eventsCommand(context),
    auditCommand(context),
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
