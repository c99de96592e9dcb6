import { createRegistry, type DescMessage, fromBinary } from '@bufbuild/protobuf';
import { Command, InvalidArgumentError } from 'commander';
import { type BusEvent, connectBus, STREAMS } from '#libs/bus';
import { createLogger } from '#libs/log';
import { untilSignal } from '#libs/run';
import { ResourceChangedSchema } from '#proto/queqiao/network/v1/event';
import {
  NumberRangeReportedSchema,
  WaybillCancelledSchema,
  WaybillsIssuedSchema,
} from '#proto/queqiao/waybill/v1/event';
import type { CliContext } from '../context.ts';
import { parseMoment, wholeNumber } from '../options.ts';
import { Exit, printJson, runAction, tellWarning, withJson, write } from '../output.ts';
import { republishCommand } from '../republish.ts';
import { type Plain, toPlain } from './network-resource.ts';

/** `queqiao events [filter]`: what is announced on NATS, as it happens. */
export function eventsCommand(context: CliContext): Command {
  const moment = (text: string) => parseMoment(text, context.now());
  const command = new Command('events')
    .description('Follow what is announced on NATS. / 实时查看 NATS 上的事件。')
    .argument(
      '[filter]',
      'subject, "*" for one part and ">" for the rest: "waybill.*.issued"',
      toFilter,
    )
    .option('--since <time>', 'begin then: 30m, 12h, 2026-06-18T08:00', moment)
    .option('--from-start', 'begin with the oldest event that is still there')
    .option('--count <n>', 'end after so many', wholeNumber({ min: 1, max: 1_000_000_000 }))
    .option('--nats <url>', 'server; default $NATS_URL, else the local one')
    .action((filter: string | undefined, options: EventsOptions) =>
      runAction(context, options, () => follow(context, filter, options)),
    );
  return withJson(command).addCommand(republishCommand(context));
}

async function follow(
  context: CliContext,
  filter: string | undefined,
  options: EventsOptions,
): Promise<number> {
  const url = options.nats ?? context.env['NATS_URL'] ?? context.connection().natsUrl;
  if (url === undefined) throw new Error('No NATS is known here; set NATS_URL or give --nats.');
  const end = new AbortController();
  const { untilInterrupt = untilSignal } = context;
  void untilInterrupt(end.signal).then(() => end.abort());
  const log = createLogger({ name: 'queqiao', level: 'silent' });
  await using bus = connectBus({ url, name: 'queqiao-cli', log });
  const connected = bus.whenConnected(end.signal).catch(() => undefined);
  const patience = setTimeout(() => void tellWaiting(context, url), PATIENCE_MS);
  await connected;
  clearTimeout(patience);
  const finished = deferred();
  end.signal.addEventListener('abort', () => finished.resolve());
  if (end.signal.aborted) finished.resolve();
  let left = options.count ?? Number.POSITIVE_INFINITY;
  const handle = async (event: BusEvent) => {
    if (left <= 0) return;
    left -= 1;
    try {
      await show(context, event, options);
    } catch (error) {
      finished.reject(error);
    }
    if (left <= 0) finished.resolve();
  };
  const from = options.fromStart ? 'start' : options.since;
  const onReset = onGap(context, from !== undefined);
  const filters =
    filter === undefined ? Object.values(STREAMS).flatMap((s) => s.subjects) : [filter];
  const watching = filters.map((each) =>
    bus.watch({ filter: each, handle, onReset: onReset(), from }),
  );
  try {
    await finished.promise;
  } finally {
    end.abort();
    for (const watch of watching) await watch[Symbol.asyncDispose]();
  }
  return Exit.OK;
}

async function tellWaiting(context: CliContext, url: string): Promise<void> {
  // The URL may hold a password.
  const { host } = new URL(url);
  await tellWarning(context, {
    textEn: `no NATS answers at ${host}; waiting for it`,
    textZh: `NATS(${host})暂无响应,正在等待`,
  });
}

/** The first reset only says that watching begins; a watcher that looks back fills later gaps. */
function onGap(context: CliContext, looksBack: boolean): () => () => Promise<void> {
  return () => {
    let isFirst = true;
    return async () => {
      if (!isFirst && !looksBack) {
        await tellWarning(context, {
          textEn: 'connection was lost: events may be missing here',
          textZh: '连接曾中断,此处可能缺少事件',
        });
      }
      isFirst = false;
    };
  };
}

async function show(context: CliContext, event: BusEvent, { json }: EventsOptions): Promise<void> {
  const { eventId, subject, type, time } = event;
  const payload = decode(event);
  if (json) {
    const facts = { event_id: eventId, subject, type, time: time.toISOString() };
    return printJson(context, { ...facts, payload });
  }
  const short = subject.replace(SUBJECT_PREFIX, '');
  await write(context.stdout, `${time.toISOString()}  ${short}  ${describe(type, payload)}\n`);
}

/** The payload as JSON; base64 of a type that this program does not know. */
function decode({ type, payload }: BusEvent): Plain {
  const schema: DescMessage | undefined = REGISTRY.getMessage(type);
  const unknown = () => ({ base64: Buffer.from(payload).toString('base64') });
  if (schema === undefined) return unknown();
  try {
    return toPlain(schema, fromBinary(schema, payload));
  } catch {
    return unknown();
  }
}

function describe(type: string, payload: Plain): string {
  switch (type) {
    case WaybillsIssuedSchema.typeName: {
      const parcels = payload['parcels'] as Record<string, string>[];
      const [first] = parcels;
      const more = parcels.length > 1 ? ` and ${parcels.length - 1} more` : '';
      return `${first?.['waybill_number']} for ${first?.['order_ref']}${more}`;
    }
    case WaybillCancelledSchema.typeName:
      return `${payload['waybill_number']} of ${payload['order_ref']}`;
    case NumberRangeReportedSchema.typeName:
      return `${payload['range_id']} has ${payload['remaining_count']} numbers left`;
    case ResourceChangedSchema.typeName:
      return `${payload['kind']} ${payload['id']} version ${payload['version']}`;
    default:
      return JSON.stringify(payload);
  }
}

/** Full subjects and those without `queqiao.v1.` mean the same. */
function toFilter(text: string): string {
  const filter = text.startsWith(SUBJECT_PREFIX) ? text : `${SUBJECT_PREFIX}${text}`;
  const starts = Object.values(STREAMS).flatMap(({ subjects }) => subjects);
  const isHeld = starts.some((all) => filter.startsWith(all.slice(0, -1)));
  const isSubject =
    /^[\w*>-]+(\.[\w*>-]+)*$/.test(filter) && !/>.|[^.]>|[^.]\*|\*[^.]/.test(filter);
  if (isHeld && isSubject) return filter;
  throw new InvalidArgumentError(`It begins with one of ${starts.join(', ')}.`);
}

function deferred() {
  let resolve = () => {};
  let reject = (_: unknown) => {};
  const promise = new Promise<void>((onResolve, onReject) => {
    resolve = onResolve;
    reject = onReject;
  });
  return { promise, resolve, reject };
}

const SUBJECT_PREFIX = 'queqiao.v1.';
const PATIENCE_MS = 2_000;
const REGISTRY = createRegistry(
  WaybillsIssuedSchema,
  WaybillCancelledSchema,
  NumberRangeReportedSchema,
  ResourceChangedSchema,
);

type EventsOptions = {
  json?: boolean;
  since?: Date;
  fromStart?: boolean;
  count?: number;
  nats?: string;
};
