import { Command } from 'commander';
import { createClient } from '#libs/grpc';
import { NetworkService } from '#proto/queqiao/network/v1/network_service';
import { type AuditReport, auditPoolOptions, auditWaybills, CHECKS } from '../modules.ts';
import { readClientLog } from './commands/client-log.ts';
import { openCounter } from './commands/counter.ts';
import type { CliContext } from './context.ts';
import { openServers } from './local-state.ts';
import { wholeNumber } from './options.ts';
import {
  type ConnectionOptions,
  connect,
  Exit,
  inLanguage,
  printJson,
  runAction,
  withConnection,
  write,
} from './output.ts';
import { formatTable } from './output-table.ts';

/** `queqiao audit waybill`: whether what must always hold does hold. */
export function auditCommand(context: CliContext): Command {
  const waybill = new Command('waybill')
    .description(
      'Prove that numbers, leases, waybills, outbox and stream agree; changes nothing.\n' +
        'Needs the database (QUEQIAO_DATABASE_URL, else the local one), NATS and an ' +
        "operator's key.",
    )
    .option('--client-log <file>', 'compare what a client was told: a result file, or JSON lines')
    .option('--merchant <id>', 'whose log that is')
    .option('--hours <n>', 'how far back events are compared', wholeNumber({ min: 1, max: 47 }), 47)
    .option('--no-stream', 'leave NATS out')
    .option('--nats <url>', 'server; default $NATS_URL, else the local one')
    .action((options: AuditCommandOptions) =>
      runAction(context, options, () => audit(context, options)),
    );
  return new Command('audit')
    .description('Examine a running system. / 核查运行中的系统。')
    .addCommand(withConnection(waybill));
}

async function audit(context: CliContext, options: AuditCommandOptions): Promise<number> {
  const target = connect(context, options, 'operator');
  const { clientLog, merchant, hours, nats, stream } = options;
  await using servers = await openServers(context, {
    pool: auditPoolOptions,
    natsUrl: stream ? nats : null,
  });
  const { pool, bus } = servers;
  using network = createClient(NetworkService, target);
  using counter = openCounter(context);
  const report = await auditWaybills({
    pool,
    network,
    scan: bus && (() => bus.scan('QUEQIAO_WAYBILL')),
    clientLog: clientLog === undefined ? undefined : readClientLog(clientLog),
    merchantId: merchant,
    hours,
    progress: counter.update,
  });
  counter[Symbol.dispose]();
  if (options.json) await printJson(context, toJson(report));
  else await write(context.stdout, toText(report, context));
  return report.isWell ? Exit.OK : Exit.FAILED;
}

function toJson(report: AuditReport) {
  return {
    well: report.isWell,
    snapshot_time: report.snapshotTime.toISOString(),
    events_since: report.since.toISOString(),
    checks: report.checks.map(({ name, examinedCount, violationCount, examples }) => ({
      ...{ check: name, invariant: CHECKS[name].invariant, claim: CHECKS[name].en },
      ...{ examined: examinedCount, violations: violationCount, examples },
    })),
    events_waiting: report.waitingEventCount,
    events_repeated: report.repeatedEventCount,
    hours: report.hours,
    seconds: Number(report.seconds.toFixed(3)),
  };
}

function toText(report: AuditReport, context: CliContext): string {
  const { env } = context;
  const say = (en: string, zh: string) => inLanguage(env, en, zh);
  const rows = report.checks.map(({ name, examinedCount, violationCount }) => [
    ...[violationCount === 0 ? 'ok' : 'BROKEN', name, CHECKS[name].invariant],
    ...[String(examinedCount), String(violationCount), say(CHECKS[name].en, CHECKS[name].zh)],
  ]);
  const headings = ['', 'check', 'invariant', 'examined', 'violations', 'claim'];
  const lines = [formatTable(headings, rows, context)];
  for (const { name, examples, violationCount } of report.checks) {
    for (const example of examples) lines.push(`${name}: ${example}\n`);
    if (violationCount > examples.length && examples.length > 0) lines.push(`${name}: …\n`);
  }
  const { waitingEventCount: waiting, repeatedEventCount: repeated, seconds } = report;
  lines.push(
    say(
      `${waiting} events wait to be published, ${repeated} are repeated in the stream\n`,
      `${waiting} 个事件待发布,流中有 ${repeated} 个重复\n`,
    ),
    report.isWell
      ? say(`All is well, ${seconds.toFixed(1)} s\n`, `全部正常,${seconds.toFixed(1)} 秒\n`)
      : say(`Something is broken, ${seconds.toFixed(1)} s\n`, `有异常,${seconds.toFixed(1)} 秒\n`),
  );
  return lines.join('');
}

type AuditCommandOptions = ConnectionOptions & {
  clientLog?: string;
  merchant?: string;
  hours: number;
  stream: boolean;
  nats?: string;
};
