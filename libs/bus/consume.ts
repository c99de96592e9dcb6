import assert from 'node:assert/strict';
import {
  AckPolicy,
  type ConsumerInfo,
  DeliverPolicy,
  JetStreamApiCodes,
  JetStreamApiError,
} from '@nats-io/jetstream';
import { nanos } from '@nats-io/transport-node';
import type { Logger } from '#libs/log';
import { backoff, sleep } from '#libs/run';
import type { BusEvent } from './event.ts';
import { pull } from './pull.ts';
import type { Link, Session } from './session.ts';
import { type StreamName, streamOf } from './streams.ts';
import { Worker } from './worker.ts';

const ACK_WAIT_MS = 30_000;
/** Of the server, for all processes together; what one takes ahead stays far below it. */
const ACK_PENDING_MAX = 1_000;
const PREFETCH = 64;

/** Keeps a durable consumer going on whatever session there is, until disposed of. */
export function startConsumer(link: Link, options: ConsumeOptions, log: Logger): AsyncDisposable {
  const { stream, durable, filter, concurrency = 1, prefetch = PREFETCH } = options;
  assert(/^[a-z0-9_-]{1,64}$/.test(durable), `no name for a consumer: ${durable}`);
  assert(streamOf(filter) === stream, `stream ${stream} does not hold ${filter}`);
  assert(concurrency >= 1 && prefetch >= concurrency && prefetch <= ACK_PENDING_MAX / 2);
  const stop = new AbortController();
  const worker = new Worker({
    ...options,
    concurrency,
    prefetch,
    ackWaitMs: options.ackWaitMs ?? ACK_WAIT_MS,
    link,
    log,
  });
  const ended = keepPulling({ link, options, worker, log, signal: stop.signal });
  return {
    async [Symbol.asyncDispose]() {
      stop.abort();
      worker.stop();
      await ended;
      await worker[Symbol.asyncDispose]();
    },
  };
}

async function keepPulling({ link, options, worker, log, signal }: Keeping): Promise<void> {
  const { stream, durable } = options;
  let nextDelayMs = backoff({ firstMs: 250, maxMs: 5_000 });
  let said = '';
  while (!signal.aborted) {
    try {
      const session = await link.next(signal);
      const { created } = await ensureConsumer(session, options);
      worker.enter(created);
      if (said !== '') log.info({ consumer: durable, stream }, 'consumer is back');
      said = '';
      nextDelayMs = backoff({ firstMs: 250, maxMs: 5_000 });
      const room = () => worker.room();
      const onDelivery = worker.take;
      await pull({ session, stream, consumer: durable, room, onDelivery, signal });
    } catch (error) {
      if (signal.aborted) return;
      const text = error instanceof Error ? error.message : String(error);
      if (text !== said) {
        log.warn({ consumer: durable, stream, err: error }, 'consumer stopped; it is made again');
      }
      said = text;
      await sleep(nextDelayMs(), signal).catch(() => undefined);
    }
  }
}

/** Makes the stream and the consumer, or changes the consumer to what the options say. */
async function ensureConsumer(session: Session, options: ConsumeOptions): Promise<ConsumerInfo> {
  const { stream, durable, filter, ackWaitMs = ACK_WAIT_MS } = options;
  const { consumers } = session.manager;
  await session.ensure(stream);
  const wanted = {
    filter_subject: filter,
    ack_wait: nanos(ackWaitMs),
    max_ack_pending: ACK_PENDING_MAX,
    // Never given up by the server, which would drop the event without a word.
    max_deliver: -1,
  };
  const found = await consumers.info(stream, durable).catch(undefinedIfMissing);
  if (found === undefined) {
    return consumers.add(stream, {
      ...wanted,
      durable_name: durable,
      ack_policy: AckPolicy.Explicit,
      // A new consumer, or one whose stream was lost, sees all that is kept.
      deliver_policy: DeliverPolicy.All,
    });
  }
  const known: Record<string, unknown> = { ...found.config };
  const isSame = Object.entries(wanted).every(([key, value]) => known[key] === value);
  if (isSame) return found;
  return consumers.update(stream, durable, wanted);
}

function undefinedIfMissing(error: unknown): undefined {
  const { ConsumerNotFound } = JetStreamApiCodes;
  if (error instanceof JetStreamApiError && error.code === ConsumerNotFound) return undefined;
  throw error;
}

export type ConsumeOptions = {
  stream: StreamName;
  /** Names the consumer at the server: processes with the same name share its events. */
  durable: string;
  /** One subject, "*" standing for any one part: made by `subjects`. */
  filter: string;
  /** An event that has failed so often goes to deadLetter. */
  maxDeliver: number;
  /**
   * Has an effect and resolves, or rejects to be called again later. Must keep an inbox: an event
   * may come twice. While it rejects with DEPENDENCY_DOWN, it is called again without counting.
   */
  handle: (event: BusEvent) => Promise<void>;
  /** Puts an event that cannot be handled where people find it; if it rejects, once more later. */
  deadLetter: (event: BusEvent, error: unknown) => Promise<void>;
  /** Events handled at once; default 1, which keeps their order but for repeats. */
  concurrency?: number;
  /** Events taken ahead; default 64. */
  prefetch?: number;
  /** After how long the server gives an event to another process; handling may take longer. */
  ackWaitMs?: number;
  /** Delay of the next attempt: firstMs after the first failure, doubling to maxMs. */
  retry?: { firstMs: number; maxMs: number };
};

type Keeping = {
  link: Link;
  options: ConsumeOptions;
  worker: Worker;
  log: Logger;
  signal: AbortSignal;
};
