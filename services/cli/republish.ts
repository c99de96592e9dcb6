import { Command, InvalidArgumentError } from 'commander';
import type { Bus, STREAMS } from '#libs/bus';
import { countEvents, type Pool, type RangeMark, replayEvents, type TimeRange } from '#libs/db';
import { untilSignal } from '#libs/run';
import { auditPoolOptions, type MissingEvents, MODULES, missingEvents } from '../modules.ts';
import { openCounter } from './commands/counter.ts';
import type { CliContext } from './context.ts';
import { openServers } from './local-state.ts';
import { oneOf, parseMoment, wholeNumber } from './options.ts';
import { Exit, inLanguage, printJson, runAction, withJson, write } from './output.ts';

/** `queqiao events republish`: what the outbox keeps goes out once more. */
export function republishCommand(context: CliContext): Command {
  const moment = (text: string) => parseMoment(text, context.now());
  const services = Object.fromEntries(MODULES.map(({ name }) => [name, name]));
  const command = new Command('republish')
    .description(
      'Publish kept events once more; consumers drop what they took before.\n' +
        'The stream itself drops what it was given within the last two minutes.',
    )
    .option('--service <name>', 'whose events', oneOf(services), 'waybill')
    .option('--from <time>', 'created then or later: 2026-06-18T08:00, 3h', moment)
    .option('--to <time>', 'created before then; default now', moment)
    .option('--last <hours>', 'the last so many hours', wholeNumber({ min: 1, max: 54 }))
    .option('--missing', 'only events that the stream lacks (service waybill)')
    .option('--after <mark>', 'go on where a stopped run was', parseMark)
    .option('--dry-run', 'only count')
    .option('--nats <url>', 'server; default $NATS_URL, else the local one')
    .action((_: unknown, self: Command) => {
      // The parent has options of the same names, and takes those for its own.
      const options = self.optsWithGlobals<RepublishOptions>();
      return runAction(context, options, () => republish(context, options));
    });
  return withJson(command);
}

async function republish(context: CliContext, options: RepublishOptions): Promise<number> {
  const range = rangeOf(options, context.now());
  const needsStream = options.missing || !options.dryRun;
  const natsUrl = needsStream ? options.nats : null;
  await using servers = await openServers(context, { pool: auditPoolOptions, natsUrl });
  using counter = openCounter(context);
  const { pool, bus } = servers;
  const lacking = options.missing && (await findMissing(pool, bus as Bus, options, counter.update));
  const only = lacking && ((id: string) => lacking.has(id));
  const source = { pool, schema: options.service };
  if (options.dryRun) {
    const count = lacking ? lacking.count : await countEvents(source, range, options.after);
    return tell(context, options, { count, repeatCount: 0, isWhole: true, mark: undefined });
  }
  const stop = new AbortController();
  const { untilInterrupt = untilSignal } = context;
  void untilInterrupt(stop.signal).then(() => stop.abort());
  let repeatCount = 0;
  let done = { count: 0, mark: options.after };
  try {
    const publish = async (events: Parameters<Bus['publish']>[0]) => {
      stop.signal.throwIfAborted();
      repeatCount += await (bus as Bus).publish(events);
    };
    const out = { ...source, publish: (events: Kept[]) => publish(events.map(toOutgoing)) };
    await replayEvents(out, range, {
      after: options.after,
      only: only || undefined,
      onProgress(progress) {
        done = progress;
        counter.update('events', progress.count);
      },
    });
    return await tell(context, options, { ...done, repeatCount, isWhole: true });
  } catch (error) {
    await tell(context, options, { ...done, repeatCount, isWhole: false });
    if (stop.signal.aborted) return Exit.INTERRUPTED;
    throw error;
  } finally {
    stop.abort();
  }
}

async function findMissing(
  pool: Pool,
  bus: Bus,
  { service }: RepublishOptions,
  progress: (what: string, count: number) => void,
): Promise<MissingEvents> {
  if (service !== 'waybill') throw new Error('--missing is for the service waybill only.');
  const scan = () => bus.scan('QUEQIAO_WAYBILL' satisfies keyof typeof STREAMS);
  return missingEvents({ pool, scan, progress });
}

async function tell(
  context: CliContext,
  { json, dryRun = false, service }: RepublishOptions,
  { count, repeatCount, isWhole, mark }: Outcome,
): Promise<number> {
  const after = isWhole || mark === undefined ? undefined : `${mark.mark_time}/${mark.id}`;
  if (json) {
    const facts = { service, dry_run: dryRun, events: count, dropped_as_repeats: repeatCount };
    await printJson(context, { ...facts, complete: isWhole, ...(after && { after }) });
    return Exit.OK;
  }
  const say = (en: string, zh: string) => inLanguage(context.env, en, zh);
  const text = dryRun
    ? say(`${count} events would be published`, `将发布 ${count} 个事件`)
    : say(
        `${count} events published, ${repeatCount} of them dropped as repeats`,
        `已发布 ${count} 个事件,其中 ${repeatCount} 个被流去重`,
      );
  await write(context.stdout, `${text}\n`);
  if (after !== undefined) await write(context.stdout, `--after "${after}"\n`);
  return Exit.OK;
}

function rangeOf({ from, to, last, missing }: RepublishOptions, now: Date): TimeRange {
  if (last !== undefined) {
    if (from !== undefined || to !== undefined) throw new Error('Give --last, or --from and --to.');
    return { from: new Date(now.getTime() - last * 3_600_000), to: END };
  }
  if (from === undefined && !missing) {
    throw new Error('Say which events: --from (and --to), --last, or --missing.');
  }
  return { from: from ?? new Date(0), to: to ?? END };
}

/** As `--after` is printed: a time in the database's own form, "/", an event's place. */
function parseMark(text: string): RangeMark {
  const [, mark_time, id] = /^(\d{4}-[\d:.+ -]+)\/(\d+)$/.exec(text) ?? [];
  if (mark_time === undefined || id === undefined) {
    throw new InvalidArgumentError('It is what a stopped run has printed.');
  }
  return { mark_time, id };
}

function toOutgoing({ createTime, ...event }: Kept) {
  return { ...event, time: createTime };
}

/** The database's clock may be ahead of this one. */
const END = new Date('9999-01-01T00:00:00Z');

type Kept = Parameters<Parameters<typeof replayEvents>[0]['publish']>[0][number];
type Outcome = {
  count: number;
  repeatCount: number;
  isWhole: boolean;
  mark: RangeMark | undefined;
};

type RepublishOptions = {
  json?: boolean;
  service: string;
  from?: Date;
  to?: Date;
  last?: number;
  missing?: boolean;
  after?: RangeMark;
  dryRun?: boolean;
  nats?: string;
};
