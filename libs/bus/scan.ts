import { randomUUID } from 'node:crypto';
import { AckPolicy, DeliverPolicy } from '@nats-io/jetstream';
import { nanos } from '@nats-io/transport-node';
import { RpcError } from '#libs/errors';
import type { Delivery } from './delivery.ts';
import { type BusEvent, eventOf } from './event.ts';
import { pull } from './pull.ts';
import type { Session } from './session.ts';
import type { StreamName } from './streams.ts';

/** How long the server keeps the consumer of a scan that has vanished; above a pull's 30 s. */
const FORGET_MS = 60_000;
const PREFETCH = 1_000;

/**
 * Every event that a stream holds when it begins, oldest first, repeats included. Changes nothing
 * for anybody else. Rejects with DEPENDENCY_DOWN when the connection ends before the stream does.
 */
export async function* scanStream(session: Session, stream: StreamName): AsyncGenerator<BusEvent> {
  const { state } = await session.manager.streams.info(stream);
  if (state.messages === 0) return;
  const consumer = `scan-${randomUUID()}`;
  await session.manager.consumers.add(stream, {
    name: consumer,
    deliver_policy: DeliverPolicy.All,
    ack_policy: AckPolicy.None,
    inactive_threshold: nanos(FORGET_MS),
    mem_storage: true,
    num_replicas: 1,
  });
  const stop = new AbortController();
  const belt = new Belt();
  const pulling = pull({
    session,
    stream,
    consumer,
    room: () => belt.room(),
    onDelivery: (delivery) => belt.put(delivery),
    signal: stop.signal,
  });
  // Over before the stream's end: the connection is gone.
  const ended = pulling.then(
    () => belt.close(new Error('no NATS')),
    (error) => belt.close(error),
  );
  try {
    for (;;) {
      const delivery = await belt.take();
      yield eventOf(delivery);
      if (delivery.sequence >= state.last_seq || delivery.pendingCount === 0) return;
    }
  } catch (cause) {
    throw new RpcError('DEPENDENCY_DOWN', { cause });
  } finally {
    stop.abort();
    belt.close(new Error('the scan is over'));
    await ended;
    if (session.isOpen) await session.manager.consumers.delete(stream, consumer).catch(() => {});
  }
}

/** Between the server, which pushes, and the reader, which pulls; holds at most two requests. */
class Belt {
  #items: Delivery[] = [];
  #end: Error | undefined;
  #changed = new Signal();

  put(delivery: Delivery): void {
    this.#items.push(delivery);
    this.#changed.ring();
  }

  async take(): Promise<Delivery> {
    for (;;) {
      const item = this.#items.shift();
      if (item !== undefined) {
        this.#changed.ring();
        return item;
      }
      if (this.#end !== undefined) throw this.#end;
      await this.#changed.next();
    }
  }

  async room(): Promise<number> {
    while (this.#items.length >= PREFETCH && this.#end === undefined) await this.#changed.next();
    return PREFETCH;
  }

  close(reason: Error): void {
    this.#end ??= reason;
    this.#changed.ring();
  }
}

class Signal {
  #waiting: (() => void)[] = [];

  next(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
    });
  }

  ring(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }
}
