import { setTimeout as delay } from 'node:timers/promises';
import type { Server } from '@grpc/grpc-js';
import { HealthImplementation } from 'grpc-health-check';
import type { Logger } from '#libs/log';
import { background, sleep } from '#libs/run';

/**
 * `grpc.health.v1` for the named services and, under the empty name, for all of them together.
 * Starts as NOT_SERVING; `poll` asks each service's check once, `start` goes on asking.
 */
export class Health {
  readonly #options: HealthOptions;
  readonly #statuses = new Map<string, boolean>();
  readonly #health = new HealthImplementation();
  #isStopped = false;
  #polling: AsyncDisposable | undefined;

  constructor(options: HealthOptions) {
    this.#options = options;
    for (const service of ['', ...options.services]) this.#health.setStatus(service, 'NOT_SERVING');
  }

  addToServer(server: Server): void {
    this.#health.addToServer(server);
  }

  start(): void {
    const { log, intervalMs } = this.#options;
    const loop = async (signal: AbortSignal) => {
      while (!signal.aborted) {
        await sleep(intervalMs, signal);
        await this.poll();
      }
    };
    this.#polling = background('health', loop, { log });
  }

  async poll(): Promise<void> {
    const { services } = this.#options;
    const answers = await Promise.all(services.map((service) => this.#ask(service)));
    services.forEach((service, index) => {
      this.#set(service, answers[index] === true);
    });
    this.#set(
      '',
      answers.every((isServing) => isServing),
    );
  }

  /** Everything is NOT_SERVING from here on. */
  async stop(): Promise<void> {
    // Meant, so nothing to warn of.
    this.#isStopped = true;
    for (const service of ['', ...this.#options.services]) {
      this.#health.setStatus(service, 'NOT_SERVING');
    }
    await this.#polling?.[Symbol.asyncDispose]();
  }

  /** A check that fails or takes longer than the interval counts as false. */
  async #ask(service: string): Promise<boolean> {
    const timer = new AbortController();
    const tooLate = delay(this.#options.intervalMs, false, { signal: timer.signal });
    tooLate.catch(() => undefined);
    try {
      return await Promise.race([this.#options.check(service), tooLate]);
    } catch {
      return false;
    } finally {
      timer.abort();
    }
  }

  /** Logs changes only: a line per poll would drown what matters. */
  #set(service: string, isServing: boolean): void {
    if (this.#isStopped || this.#statuses.get(service) === isServing) return;
    this.#statuses.set(service, isServing);
    const status = isServing ? 'SERVING' : 'NOT_SERVING';
    this.#health.setStatus(service, status);
    const level = isServing ? 'info' : 'warn';
    this.#options.log[level]({ service: service || 'all', status }, 'health changed');
  }
}

export type HealthOptions = {
  /** Full names of the services. */
  readonly services: readonly string[];
  readonly check: HealthCheck;
  readonly intervalMs: number;
  readonly log: Logger;
};

/** Whether a service can do its work now: its database answers, say. */
export type HealthCheck = (service: string) => Promise<boolean>;
