import { join } from 'node:path';
import { Command } from 'commander';
import { startPostgres } from '#deploy/local/postgres';
import { createLogger } from '#libs/log';
import { MODULES } from '../modules.ts';
import { migrateAll } from '../run.ts';
import type { CliContext } from './context.ts';
import { readSettings } from './settings.ts';

export function migrateCommand({ env, stderr }: CliContext): Command {
  return new Command('migrate')
    .description(
      'Bring the database up to date: QUEQIAO_DATABASE_URL, else the one in the state folder.',
    )
    .action(async () => {
      const settings = readSettings(env);
      const log = createLogger({ name: 'queqiao', level: settings.logLevel });
      if (settings.databaseUrl !== undefined) {
        await migrateAll(MODULES, settings.databaseUrl, log);
      } else {
        await using local = await startPostgres({ dataDir: join(settings.stateDir, 'postgres') });
        await migrateAll(MODULES, local.url, log);
      }
      stderr.write('The database is up to date.\n');
    });
}
