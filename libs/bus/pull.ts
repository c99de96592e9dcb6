import { createInbox, type Msg, nanos } from '@nats-io/transport-node';
import { type Delivery, deliveryOf } from './delivery.ts';
import type { Session } from './session.ts';

const EXPIRES_MS = 30_000;
const HEARTBEAT_MS = 5_000;

/**
 * Pulls deliveries of a consumer, never more than `room` says, until the signal is aborted or the
 * session ends; then it returns. Throws if the consumer is gone or silent. When it ends, everything
 * that the server has sent has been handed over: nothing lies in between until ack_wait.
 */
export async function pull(options: PullOptions): Promise<void> {
  const { session, stream, consumer, room, onDelivery, signal } = options;
  const { connection, js } = session;
  const subject = `${js.apiPrefix}.CONSUMER.MSG.NEXT.${stream}.${consumer}`;
  const request = new Request(onDelivery);
  const inbox = createInbox();
  const subscription = connection.subscribe(inbox, {
    callback: (error, message) => (error ? request.end(error) : request.take(message)),
  });
  const onEnd = () => request.end();
  signal.addEventListener('abort', onEnd, { once: true });
  void session.closed.then(onEnd);
  try {
    while (!signal.aborted && session.isOpen) {
      const batch = await room();
      if (signal.aborted || !session.isOpen) break;
      const asked = { batch, expires: nanos(EXPIRES_MS), idle_heartbeat: nanos(HEARTBEAT_MS) };
      const answered = request.begin(batch);
      connection.publish(subject, JSON.stringify(asked), { reply: inbox });
      await answered;
    }
  } finally {
    signal.removeEventListener('abort', onEnd);
    if (session.isOpen) await Promise.race([subscription.drain(), session.closed]);
    // Asking for the consumer makes the server drop the request that nobody listens to any more.
    // Server 2.9 would otherwise take an event given back for delivered to it, and keep the event
    // until ack_wait.
    if (session.isOpen) await session.manager.consumers.info(stream, consumer).catch(() => {});
  }
}

/** One pull request after the other, each ended by its last delivery or by a word of the server. */
class Request {
  readonly #onDelivery: (delivery: Delivery) => void;
  #left = 0;
  #heardMs = 0;
  #settle: ((error?: Error) => void) | undefined;

  constructor(onDelivery: (delivery: Delivery) => void) {
    this.#onDelivery = onDelivery;
  }

  begin(batch: number): Promise<void> {
    this.#left = batch;
    this.#heardMs = performance.now();
    return new Promise((resolve, reject) => {
      const watchdog = setInterval(() => {
        const silentMs = performance.now() - this.#heardMs;
        if (silentMs > 2 * HEARTBEAT_MS) this.end(new Error('the consumer has gone silent'));
      }, HEARTBEAT_MS / 2);
      this.#settle = (error) => {
        clearInterval(watchdog);
        this.#settle = undefined;
        if (error === undefined) resolve();
        else reject(error);
      };
    });
  }

  take(message: Msg): void {
    this.#heardMs = performance.now();
    const delivery = deliveryOf(message);
    if (delivery === undefined) {
      this.#obey(message);
    } else {
      this.#onDelivery(delivery);
      this.#left -= 1;
      if (this.#left === 0) this.end();
    }
  }

  end(error?: Error): void {
    this.#settle?.(error);
  }

  /** https://github.com/nats-io/nats-architecture-and-design/blob/main/adr/ADR-37.md */
  #obey(message: Msg): void {
    const { code = 0, description = '' } = message.headers ?? {};
    if (code === 100) return; // A sign of life while there is nothing to send.
    const isOver = code === 404 || code === 408 || description === 'Batch Completed';
    this.end(isOver ? undefined : new Error(`the consumer is gone: ${code} ${description}`));
  }
}

export type PullOptions = {
  session: Session;
  stream: string;
  consumer: string;
  /** Resolves to how many more may come, at least 1; may wait. */
  room: () => number | Promise<number>;
  onDelivery: (delivery: Delivery) => void;
  signal: AbortSignal;
};
