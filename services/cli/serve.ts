import { Command, InvalidArgumentError } from 'commander';
import { createLogger } from '#libs/log';
import { armCrashpoint, CRASHPOINTS, untilSignal } from '#libs/run';
import type { Module } from '../module.ts';
import { MODULES } from '../modules.ts';
import type { CliContext } from './context.ts';
import { announce } from './local-state.ts';
import { readSettings } from './settings.ts';
import { startSystem } from './system.ts';

export function serveCommand({ env, stderr, now }: CliContext): Command {
  return new Command('serve')
    .description('Run the services, all in one process or those named by --target.')
    .option(
      '--target <names>',
      `services to run, with commas between: ${MODULES.map(({ name }) => name).join(', ')} or all`,
      parseTargets,
      [...MODULES],
    )
    .action(async ({ target }: { target: Module[] }) => {
      const settings = readSettings(env);
      if (settings.crashAt !== undefined) arm(settings.crashAt);
      const isPart = target.length < MODULES.length;
      if (isPart && settings.databaseUrl === undefined) {
        throw new Error(
          'A process that runs only some services needs a database that the others share: ' +
            'set QUEQIAO_DATABASE_URL and NATS_URL.',
        );
      }
      if (!target.some(({ name }) => name === 'network') && !settings.networkAddress) {
        throw new Error('Set QUEQIAO_NETWORK_ADDRESS to host:port of the network service.');
      }
      const log = createLogger({ name: 'queqiao', level: settings.logLevel });
      const progress = (sentence: string) => log.info(sentence);
      const system = await startSystem({ settings, modules: target, log, now, progress });
      if (!isPart) await announce(settings.stateDir, system, now);
      stderr.write(
        `Queqiao serves ${target.map(({ name }) => name).join(', ')} at ${system.address}\n`,
      );
      const signal = await untilSignal();
      log.info({ signal }, 'stopping');
      for (const problem of await system.stop()) log.error({ err: problem }, 'did not stop well');
    });
}

/** `point`, or `point:3` for the third time that it is passed. */
function arm(crashAt: string): void {
  const [name, passes = '1'] = crashAt.split(':');
  const point = CRASHPOINTS.find((each) => each === name);
  if (point === undefined) throw new Error(`QUEQIAO_CRASH_AT: there is no point "${name}".`);
  armCrashpoint(point, Number(passes));
}

function parseTargets(value: string): Module[] {
  const names = value.split(',').map((name) => name.trim());
  if (names.includes('all')) return [...MODULES];
  return names.map((name) => {
    const module = MODULES.find((candidate) => candidate.name === name);
    if (module === undefined) {
      const known = MODULES.map((candidate) => candidate.name).join(', ');
      throw new InvalidArgumentError(`There is no service "${name}"; there are ${known}.`);
    }
    return module;
  });
}
