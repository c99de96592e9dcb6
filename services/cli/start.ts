import { existsSync, writeSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { Command } from 'commander';
import { openLogFile } from '#deploy/local/log-file';
import { createClient, KIND_SCOPES } from '#libs/grpc';
import { createLogger } from '#libs/log';
import { untilSignal } from '#libs/run';
import { Subject_Kind } from '#proto/queqiao/network/v1/api_key';
import { NetworkService } from '#proto/queqiao/network/v1/network_service';
import { AccountService } from '#proto/queqiao/waybill/v1/account_service';
import { MODULES } from '../modules.ts';
import { issueCommand } from './commands/issue.ts';
import type { CliContext } from './context.ts';
import { DEMO_MERCHANT_ID, loadDemo, writeDemoOrders } from './demo.ts';
import { whatToTry } from './first-steps.ts';
import { announce, merchantKey, writeMerchantKey } from './local-state.ts';
import { Exit, write } from './output.ts';
import { readSettings, type Settings } from './settings.ts';
import { startSystem } from './system.ts';

/** `npm start`: everything on this machine, with a demo to look at. */
export function startCommand(context: CliContext): Command {
  return new Command('start')
    .description(
      'Run all of Queqiao on this machine, with a demo network and sample orders. / ' +
        '在本机运行全部服务,并载入演示数据。',
    )
    .option('--exit-when-ready', 'end with status 0 as soon as all is up')
    .option('--no-demo', 'leave the demo network and the sample orders out')
    .action(async (options: StartOptions) => {
      context.exitCode = await start(context, options);
    });
}

async function start(context: CliContext, options: StartOptions): Promise<number> {
  const { env, stdout, stderr, now } = context;
  const settings = readSettings(env);
  // The terminal is for sentences and what to try next; JSON lines go to a file.
  await mkdir(settings.stateDir, { recursive: true });
  using logFile = openLogFile(join(settings.stateDir, 'queqiao.log'));
  const destination = { write: (line: string) => void writeSync(logFile.fd, line) };
  const log = createLogger({ name: 'queqiao', level: settings.logLevel, destination });
  const progress = (sentence: string) => void stderr.write(`${sentence}\n`);
  const ended = new AbortController();
  const interrupted = untilSignal(ended.signal);
  const starting = startSystem({ settings, modules: MODULES, log, now, progress });
  starting.catch(() => ended.abort());
  const system = await starting;
  try {
    const operatorKey = await announce(settings.stateDir, system, now);
    const { address, natsUrl, caFile } = system;
    const status = options.demo
      ? await prepareDemo(context, settings, { address, caFile, operatorKey, progress })
      : Exit.OK;
    const nats = natsUrl ?? 'none, events wait in the outbox';
    await write(stdout, `Queqiao is ready  gRPC ${address}  NATS ${nats}\n`);
    const stateDir = relative(process.cwd(), settings.stateDir) || '.';
    const hasLabels = existsSync(demoLabels(stateDir));
    if (options.demo) await write(stdout, whatToTry({ address, stateDir, hasLabels }));
    if (options.exitWhenReady) return status;
    await write(stderr, `The log is ${logFile.file}. Press Ctrl-C to stop.\n`);
    await interrupted;
    progress('Stopping …');
    return Exit.OK;
  } finally {
    ended.abort();
    for (const problem of await system.stop()) log.error({ err: problem }, 'did not stop well');
  }
}

/** Loads what is missing of the demo; its orders are issued once. */
async function prepareDemo(
  context: CliContext,
  { stateDir }: Settings,
  { address, caFile, operatorKey, progress }: DemoDeps,
): Promise<number> {
  const folder = join(stateDir, 'demo');
  const file = join(folder, 'orders.csv');
  const known = await merchantKey(stateDir, { address, caFile });
  if (known !== undefined && existsSync(`${file}.result.csv`)) return Exit.OK;

  progress('Loading the demo network …');
  using network = createClient(NetworkService, {
    address,
    caFile,
    credentials: { apiKey: operatorKey },
  });
  using account = createClient(AccountService, {
    address,
    credentials: { apiKey: operatorKey },
  });
  await loadDemo({ network, account });
  const apiKey = known ?? (await makeMerchantKey(network, context.now()));
  await writeMerchantKey(stateDir, apiKey);
  await mkdir(folder, { recursive: true });
  await writeDemoOrders(file);

  progress('Issuing waybills for the sample orders and printing their labels …');
  // stdout is kept for the line that says it is ready.
  const demo: CliContext = {
    ...context,
    stdout: context.stderr,
    connection: () => ({ address, apiKey, natsUrl: undefined }),
    env: { ...context.env, QUEQIAO_ADDRESS: address, QUEQIAO_API_KEY: apiKey },
  };
  const labels = ['--labels', demoLabels(stateDir)];
  await issueCommand(demo).parseAsync([file, ...labels], { from: 'user' });
  return demo.exitCode ?? Exit.OK;
}

function demoLabels(stateDir: string): string {
  return join(stateDir, 'demo', 'labels.pdf');
}

async function makeMerchantKey(
  network: Parameters<typeof loadDemo>[0]['network'],
  now: Date,
): Promise<string> {
  const { secret } = await network.createApiKey({
    apiKey: {
      // A key whose secret was lost with an earlier state folder keeps its name.
      apiKeyId: `demo-${now.getTime().toString(36)}`,
      subject: { kind: Subject_Kind.MERCHANT, id: DEMO_MERCHANT_ID },
      scopes: [...KIND_SCOPES.merchant],
    },
  });
  return secret;
}

type StartOptions = { exitWhenReady?: boolean; demo: boolean };
type DemoDeps = {
  address: string;
  caFile: string | undefined;
  operatorKey: string;
  progress: (sentence: string) => void;
};
