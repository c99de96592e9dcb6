import { Command } from 'commander';
import { openPool } from '#libs/db';
import { createLogger } from '#libs/log';
import { createOperatorKey } from '../modules.ts';
import type { CliContext } from './context.ts';
import { printJson, runAction, withJson, write } from './output.ts';
import { openSecrets } from './secrets.ts';
import { readSettings } from './settings.ts';

/** `queqiao bootstrap`: the first operator's key, which no other key can ask for. */
export function bootstrapCommand(context: CliContext): Command {
  const command = new Command('bootstrap')
    .description(
      "Make an operator's API key straight in the database: the first, or when all are lost.\n" +
        'Needs QUEQIAO_DATABASE_URL and the API key pepper; the key is shown once.',
    )
    .action((options: { json?: boolean }) =>
      runAction(context, options, () => make(context, options)),
    );
  return withJson(command);
}

async function make(context: CliContext, { json }: { json?: boolean }): Promise<number> {
  const settings = readSettings(context.env);
  if (settings.databaseUrl === undefined) {
    throw new Error(
      'Set QUEQIAO_DATABASE_URL; a local system makes its own key at the first start.',
    );
  }
  const { apiKeyPepper } = await openSecrets(settings);
  const log = createLogger({ name: 'queqiao', level: settings.logLevel });
  await using pool = openPool({ url: settings.databaseUrl, name: 'queqiao-bootstrap', log });
  const secret = await createOperatorKey({ pool, pepper: apiKeyPepper, now: context.now });
  if (json) await printJson(context, { secret });
  else await write(context.stdout, `${secret}\n`);
  return 0;
}
