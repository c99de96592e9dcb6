import { context } from '@opentelemetry/api';
import { toRpcError } from '#libs/errors';
import type { Logger } from '#libs/log';
import { sleep } from '#libs/run';
import { ANSWERS, type Delivery } from './delivery.ts';
import { type BusEvent, eventOf, traceOf } from './event.ts';
import type { Link } from './session.ts';

const RETRY = { firstMs: 1_000, maxMs: 60_000 };

/** Hands deliveries to a handler and answers the server for each. Holds a bounded number. */
export class Worker implements AsyncDisposable {
  readonly #options: WorkerOptions;
  readonly #held = new Set<Held>();
  readonly #queue: Held[] = [];
  readonly #stop = new AbortController();
  readonly #heartbeat: NodeJS.Timeout;
  #running = 0;
  /** Which consumer deliveries come from; another value after it was made anew. */
  #origin = '';
  #isDependencyAway = false;
  #onChange: () => void = () => {};

  constructor(options: WorkerOptions) {
    this.#options = options;
    // Also for those still waiting here: their ack_wait runs as well.
    this.#heartbeat = setInterval(() => this.#keepHeld(), options.ackWaitMs / 3);
  }

  /** Deliveries from now on belong to the consumer made at `origin`. */
  enter(origin: string): void {
    if (origin === this.#origin) return;
    this.#origin = origin;
    // The new consumer delivers them again; an answer to the old one could hit another event.
    for (const held of this.#queue.splice(0)) this.#held.delete(held);
  }

  /** How many more may be taken; waits until that is worth a request. */
  async room(): Promise<number> {
    const { prefetch } = this.#options;
    while (this.#held.size > prefetch * 0.75 && !this.#stop.signal.aborted) {
      await new Promise<void>((resolve) => {
        this.#onChange = resolve;
      });
    }
    return Math.max(1, prefetch - this.#held.size);
  }

  take = (delivery: Delivery): void => {
    const held = { delivery, origin: this.#origin };
    this.#held.add(held);
    this.#queue.push(held);
    this.#advance();
  };

  /** Begins nothing more; what is begun goes on. */
  stop(): void {
    this.#stop.abort();
    this.#onChange();
  }

  /**
   * Gives back what is not begun, at once, for other processes, and resolves when everything in
   * hand is finished and answered. Only after pulling has ended: an open request of this process
   * would get back what it gives back.
   */
  async [Symbol.asyncDispose](): Promise<void> {
    this.stop();
    for (const held of this.#queue.splice(0)) this.#release(held, ANSWERS.again(0));
    while (this.#held.size > 0) {
      await new Promise<void>((resolve) => {
        this.#onChange = resolve;
      });
    }
    clearInterval(this.#heartbeat);
    const { session } = this.#options.link;
    if (session) await Promise.race([session.connection.flush(), session.closed]).catch(() => {});
  }

  #advance(): void {
    while (this.#running < this.#options.concurrency && !this.#stop.signal.aborted) {
      const held = this.#queue.shift();
      if (held === undefined) return;
      this.#running += 1;
      void this.#process(held).finally(() => {
        this.#running -= 1;
        this.#advance();
      });
    }
  }

  async #process(held: Held): Promise<void> {
    const { delivery } = held;
    const event = eventOf(delivery);
    try {
      if (event.type === '') throw new NotAnEvent(`${event.subject} lacks the CloudEvents headers`);
      await context.with(traceOf(delivery), () => this.#handle(event));
      this.#release(held, ANSWERS.done());
    } catch (error) {
      this.#release(held, await this.#afterFailure(event, error));
    }
  }

  /** Handles in place again while a dependency is away: that says nothing about the event. */
  async #handle(event: BusEvent): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        await this.#options.handle(event);
        this.#isDependencyAway = false;
        return;
      } catch (error) {
        if (this.#stop.signal.aborted || !isDependencyAway(error)) throw error;
        if (!this.#isDependencyAway) this.#say(event, error, 'consumer waits for a dependency');
        this.#isDependencyAway = true;
        await sleep(this.#delayMs(attempt), this.#stop.signal).catch(() => undefined);
      }
    }
  }

  /** What to answer for an event that failed. */
  async #afterFailure(event: BusEvent, error: unknown): Promise<string> {
    if (this.#stop.signal.aborted && isDependencyAway(error)) return ANSWERS.again(0);
    const again = ANSWERS.again(this.#delayMs(event.deliveryCount));
    const isLast = event.deliveryCount >= this.#options.maxDeliver || error instanceof NotAnEvent;
    if (!isLast) {
      this.#say(event, error, 'event failed; it comes again');
      return again;
    }
    try {
      await this.#options.deadLetter(event, error);
      this.#say(event, error, 'event given up; it is among the dead letters');
      return ANSWERS.dead();
    } catch (deadLetterError) {
      this.#say(event, deadLetterError, 'dead letter could not be stored; it comes again');
      return again;
    }
  }

  #release(held: Held, answer: string): void {
    this.#held.delete(held);
    this.#answer(held, answer);
    this.#onChange();
  }

  /**
   * On whatever session there is now: an answer does not depend on the one that brought the event.
   * If there is none, the server gives the event out again, and the inbox drops it.
   */
  #answer({ delivery, origin }: Held, answer: string): void {
    const { session } = this.#options.link;
    if (session === undefined || origin !== this.#origin) return;
    try {
      session.connection.publish(delivery.reply, answer);
    } catch {
      // The connection closed between the look and the publish: as if there were no session.
    }
  }

  #keepHeld(): void {
    for (const held of this.#held) this.#answer(held, ANSWERS.working());
  }

  #delayMs(attempt: number): number {
    const { firstMs, maxMs } = this.#options.retry ?? RETRY;
    const delayMs = Math.min(maxMs, firstMs * 2 ** Math.min(30, attempt - 1));
    return Math.round(delayMs * (0.75 + Math.random() / 4));
  }

  #say({ eventId, subject, deliveryCount }: BusEvent, error: unknown, text: string): void {
    const { durable, log } = this.#options;
    const fields = { consumer: durable, event_id: eventId, subject, delivery_count: deliveryCount };
    log.warn({ ...fields, err: error }, text);
  }
}

/** Trying again does not help a message that is no event. */
class NotAnEvent extends Error {
  override readonly name = 'NotAnEvent';
}

function isDependencyAway(error: unknown): boolean {
  return toRpcError(error).reason === 'DEPENDENCY_DOWN';
}

export type WorkerOptions = {
  link: Link;
  log: Logger;
  durable: string;
  concurrency: number;
  prefetch: number;
  ackWaitMs: number;
  maxDeliver: number;
  retry?: { firstMs: number; maxMs: number };
  handle: (event: BusEvent) => Promise<void>;
  deadLetter: (event: BusEvent, error: unknown) => Promise<void>;
};

type Held = { delivery: Delivery; origin: string };
