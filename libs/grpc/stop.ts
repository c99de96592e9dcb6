import type { Server } from '@grpc/grpc-js';
import { sleep } from '#libs/run';
import type { InFlight } from './admission.ts';
import type { Health } from './health.ts';
import type { OpenStreams } from './open-streams.ts';

const DEFAULT_GRACE_MS = 15_000;
/** For connections that have been cut to be gone. */
const CUT_MS = 500;

/** A server that listens, with the one way to end it. */
export function openRunning(parts: Parts): RunningServer {
  let stopped: Promise<void> | undefined;
  const stop = ({ graceMs }: { graceMs: number }) => {
    stopped ??= stopInOrder(parts, graceMs);
    return stopped;
  };
  return {
    address: parts.address,
    stop,
    [Symbol.asyncDispose]: () => stop({ graceMs: DEFAULT_GRACE_MS }),
  };
}

/**
 * NOT_SERVING first, so that nobody new is sent here; then no new calls; then what runs may finish
 * for `graceMs`; then every connection is cut. `tryShutdown` alone waits for ever on a stream that
 * its client leaves open, and `forceShutdown` finds no connections while channelz is off. `drain`
 * does, but only those that nothing else has begun to close: so it comes first.
 */
async function stopInOrder(parts: Parts, graceMs: number): Promise<void> {
  const { server, address, health, inFlight, streams } = parts;
  await health?.stop();
  server.drain(address, graceMs);
  const closed = new Promise<void>((resolve) => server.tryShutdown(() => resolve()));
  // They never leave by themselves.
  streams.retireAll();
  await atMost(graceMs, Promise.all([closed, inFlight.untilIdle()]));
  // For a connection that was being opened when the rest was drained.
  server.drain(address, 0);
  await atMost(CUT_MS, closed);
  server.forceShutdown();
}

async function atMost(durationMs: number, awaited: Promise<unknown>): Promise<void> {
  const timer = new AbortController();
  const outOfTime = sleep(durationMs, timer.signal).catch(() => undefined);
  await Promise.race([awaited, outOfTime]);
  timer.abort();
}

type Parts = {
  readonly server: Server;
  readonly address: string;
  readonly health: Health | undefined;
  readonly inFlight: InFlight;
  readonly streams: OpenStreams;
};

export interface RunningServer extends AsyncDisposable {
  /** Host and port it listens on. */
  readonly address: string;
  /**
   * Stops in order; resolves within about `graceMs`, also when calls are still open. Handlers that
   * have not returned by then run on, unheard. Disposing is a stop with 15 s.
   */
  stop(options: { graceMs: number }): Promise<void>;
}
