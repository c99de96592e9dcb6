import assert from 'node:assert/strict';
import { RpcError } from '#libs/errors';
import type { Logger } from '#libs/log';
import { type ConsumeOptions, startConsumer } from './consume.ts';
import type { BusEvent, OutgoingEvent } from './event.ts';
import { publishAll } from './publish.ts';
import { scanStream } from './scan.ts';
import { Link, type LinkOptions, type Session } from './session.ts';
import { identityOf, type StreamIdentity, type StreamName } from './streams.ts';
import { startWatch, type WatchOptions } from './watch.ts';

/**
 * Connects in the background, for ever: a server that is away is no error, and everything goes on
 * by itself when it comes. Throws only for a URL that is none. Disposing ends consumers and
 * watchers first (what they have in hand is finished) and then the connection.
 */
export function connectBus(options: BusOptions): Bus {
  const { name, log } = options;
  const link = new Link(options);
  const source = `/queqiao/${name}`;
  const parts = new Set<AsyncDisposable>();
  const stop = new AbortController();
  const keep = (part: AsyncDisposable): AsyncDisposable => {
    parts.add(part);
    return {
      async [Symbol.asyncDispose]() {
        await part[Symbol.asyncDispose]();
        parts.delete(part);
      },
    };
  };
  const assertOpen = () => assert(!stop.signal.aborted, 'the bus is closed');

  return {
    get connected() {
      return link.session !== undefined;
    },
    get serverVersion() {
      return link.serverVersion;
    },
    async whenConnected(signal) {
      await link.next(signal ? AbortSignal.any([signal, stop.signal]) : stop.signal);
    },
    publish: (events, { window } = {}) =>
      publishAll(link.session, events, window ? { source, window } : { source }),
    consume(consumeOptions) {
      assertOpen();
      return keep(startConsumer(link, consumeOptions, log));
    },
    watch(watchOptions) {
      assertOpen();
      return keep(startWatch(link, watchOptions, log));
    },
    scan(stream) {
      assertOpen();
      return scanStream(sessionOf(link), stream);
    },
    streamIdentity: (stream) => streamIdentity(link, stream),
    async [Symbol.asyncDispose]() {
      stop.abort();
      await Promise.all([...parts].map((part) => part[Symbol.asyncDispose]()));
      await link[Symbol.asyncDispose]();
    },
  };
}

async function streamIdentity(link: Link, name: StreamName): Promise<StreamIdentity | undefined> {
  const session = sessionOf(link);
  try {
    return await identityOf(session.manager, name);
  } catch (cause) {
    throw new RpcError('DEPENDENCY_DOWN', { cause });
  }
}

function sessionOf({ session }: Link): Session {
  if (session === undefined) throw new RpcError('DEPENDENCY_DOWN', { cause: new Error('no NATS') });
  return session;
}

export type BusOptions = LinkOptions & {
  /** Also the CloudEvents source, as /queqiao/<name>: the service that speaks. */
  name: string;
  log: Logger;
};

export type Bus = AsyncDisposable & {
  /** True while there is a connection with all streams in place. */
  readonly connected: boolean;
  /** Of the server last connected to. */
  readonly serverVersion: string | undefined;
  /** Resolves as soon as `connected`; rejects when the signal is aborted or the bus disposed of. */
  whenConnected(signal?: AbortSignal): Promise<void>;
  /**
   * Publishes all and waits until all are acknowledged, `window` (256) in flight. Rejects with
   * DEPENDENCY_DOWN if one is not: publish all of them again. LIMIT_EXCEEDED if a payload has more
   * than MESSAGE_BYTES_MAX bytes; then nothing was sent. Answers how many of them the stream
   * dropped, because it was given them before, within the last two minutes.
   */
  publish(events: readonly OutgoingEvent[], options?: { window?: number }): Promise<number>;
  /**
   * Hands every event of the filter to one process of those that share `durable`, at least once,
   * also those published while no process ran. Does not wait for the server.
   */
  consume(options: ConsumeOptions): AsyncDisposable;
  /** Hands every event of the filter to this process, from onReset on. Does not wait either. */
  watch(options: WatchOptions): AsyncDisposable;
  /**
   * Every event that the stream holds now, oldest first, repeats included. For audits: a reader
   * costs the server about as much as a consumer that catches up.
   */
  scan(stream: StreamName): AsyncIterable<BusEvent>;
  /** Tells a stream made anew, or one that lost its end; undefined if there is none now. */
  streamIdentity(stream: StreamName): Promise<StreamIdentity | undefined>;
};
