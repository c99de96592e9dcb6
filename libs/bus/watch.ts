import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { AckPolicy, DeliverPolicy } from '@nats-io/jetstream';
import { nanos } from '@nats-io/transport-node';
import type { Logger } from '#libs/log';
import { backoff, sleep } from '#libs/run';
import type { Delivery } from './delivery.ts';
import { type BusEvent, eventOf } from './event.ts';
import { pull } from './pull.ts';
import type { Link, Session } from './session.ts';
import { type StreamName, streamOf } from './streams.ts';

/** How long the server keeps the consumer of a watcher that has vanished; above a pull's 30 s. */
const FORGET_MS = 60_000;
const PREFETCH = 256;

/** Watches on whatever session there is, until disposed of. */
export function startWatch(link: Link, options: WatchOptions, log: Logger): AsyncDisposable {
  const stream = streamOf(options.filter);
  assert(stream !== undefined, `no stream holds ${options.filter}`);
  const stop = new AbortController();
  const ended = keepWatching({ link, options, stream, log, signal: stop.signal });
  return {
    async [Symbol.asyncDispose]() {
      stop.abort();
      await ended;
    },
  };
}

async function keepWatching({ link, options, stream, log, signal }: Keeping): Promise<void> {
  let nextDelayMs = backoff({ firstMs: 250, maxMs: 5_000 });
  let said = '';
  const line = new Line(options, log);
  while (!signal.aborted) {
    const consumer = `watch-${randomUUID()}`;
    let session: Session | undefined;
    try {
      session = await link.next(signal);
      await session.ensure(stream);
      await addConsumer(session, stream, consumer, { ...options, after: line.lastSequence });
      line.begin();
      said = '';
      nextDelayMs = backoff({ firstMs: 250, maxMs: 5_000 });
      const room = () => line.room();
      await pull({ session, stream, consumer, room, onDelivery: line.push, signal });
    } catch (error) {
      if (signal.aborted) break;
      const text = error instanceof Error ? error.message : String(error);
      if (text !== said) log.warn({ stream, err: error }, 'watching stopped; it begins again');
      said = text;
      await sleep(nextDelayMs(), signal).catch(() => undefined);
    } finally {
      // If this fails, the server forgets the consumer by itself.
      if (session?.isOpen) await session.manager.consumers.delete(stream, consumer).catch(() => {});
    }
  }
  await line.end();
}

async function addConsumer(
  session: Session,
  stream: StreamName,
  name: string,
  { filter, from, after }: Pick<WatchOptions, 'filter' | 'from'> & { after: number },
) {
  await session.manager.consumers.add(stream, {
    name,
    filter_subject: filter,
    ...startOf(from, after),
    ack_policy: AckPolicy.None,
    inactive_threshold: nanos(FORGET_MS),
    mem_storage: true,
    num_replicas: 1,
  });
}

/** Where a consumer begins; one that looks back goes on, after a gap, where it was. */
function startOf(from: WatchOptions['from'], after: number) {
  if (from === undefined) return { deliver_policy: DeliverPolicy.New };
  if (after > 0) return { deliver_policy: DeliverPolicy.StartSequence, opt_start_seq: after + 1 };
  if (from === 'start') return { deliver_policy: DeliverPolicy.All };
  return { deliver_policy: DeliverPolicy.StartTime, opt_start_time: from.toISOString() };
}

/** Runs the handlers one after the other, and notices when the server's count has a hole. */
class Line {
  readonly #options: WatchOptions;
  readonly #log: Logger;
  /** Position in the stream of the last event handed on; 0 before the first. */
  lastSequence = 0;
  #waiting = 0;
  #next = 1;
  #tail: Promise<void> = Promise.resolve();

  constructor(options: WatchOptions, log: Logger) {
    this.#options = options;
    this.#log = log;
  }

  /** A new consumer, whose deliveries are counted from 1. */
  begin(): void {
    this.#next = 1;
    this.#reset();
  }

  push = (delivery: Delivery): void => {
    // Sent without acknowledgement: one lost between two servers is noticed here only.
    if (delivery.deliverySequence !== this.#next) this.#reset();
    this.#next = delivery.deliverySequence + 1;
    this.lastSequence = delivery.sequence;
    const event = eventOf(delivery);
    this.#run(async () => {
      try {
        await this.#options.handle(event);
      } catch (error) {
        this.#say(error, 'watcher failed; it forgets what it knows');
        await this.#options.onReset();
      }
    });
  };

  async room(): Promise<number> {
    if (this.#waiting >= PREFETCH) await this.#tail;
    return PREFETCH;
  }

  async end(): Promise<void> {
    await this.#tail;
  }

  #reset(): void {
    this.#run(async () => this.#options.onReset());
  }

  #run(step: () => Promise<void>): void {
    this.#waiting += 1;
    this.#tail = this.#tail.then(async () => {
      await step().catch((error) => this.#say(error, 'watcher failed to reset'));
      this.#waiting -= 1;
    });
  }

  #say(error: unknown, text: string): void {
    this.#log.warn({ filter: this.#options.filter, err: error }, text);
  }
}

export type WatchOptions = {
  /** One subject, "*" standing for any one part: made by `subjects`. */
  filter: string;
  /** Called for each event, one after the other. If it fails, onReset is called. */
  handle: (event: BusEvent) => void | Promise<void>;
  /**
   * Events before this moment may have been missed: forget what is known. Called when watching
   * begins and after every gap, before the events that follow.
   */
  onReset: () => void | Promise<void>;
  /** Also events that the stream still has, since then or all. Default: only those from now on. */
  from?: Date | 'start' | undefined;
};

type Keeping = {
  link: Link;
  options: WatchOptions;
  stream: StreamName;
  log: Logger;
  signal: AbortSignal;
};
