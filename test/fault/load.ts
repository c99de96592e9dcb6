import { setTimeout as sleep } from 'node:timers/promises';
import { RpcError } from '#libs/errors';
import type { Client } from '#libs/grpc';
import type { WaybillService } from '#proto/queqiao/waybill/v1/waybill_service';
import type { ClientEntry } from '../../services/waybill/audit.ts';
import { parcelOf } from './shop.ts';

/**
 * Draws waybills in the background until it is stopped. A batch that failed is sent again, with the
 * same keys, until every parcel has its number; only then is it noted as told.
 */
export function startLoad(options: LoadOptions): Load {
  const { waybill, told, lanes = 4, batch = 20, tag = 'L' } = options;
  const stats = { failedCalls: 0, answeredMs: performance.now(), longestGapMs: 0, batches: 0 };
  let isStopping = false;
  let next = 0;
  let failure: unknown;
  const lane = async () => {
    while (!isStopping && failure === undefined) {
      const refs = Array.from({ length: batch }, () => `${tag}-${next++}`);
      try {
        await draw({ waybill, told, stats }, refs);
        stats.batches += 1;
        const nowMs = performance.now();
        stats.longestGapMs = Math.max(stats.longestGapMs, nowMs - stats.answeredMs);
        stats.answeredMs = nowMs;
      } catch (error) {
        failure = error;
      }
    }
  };
  const ended = Promise.all(Array.from({ length: lanes }, lane));
  return {
    stats,
    async more(count = 1) {
      // A batch that is settled now may have been begun before: those of each lane do not count.
      const goal = stats.batches + lanes + count;
      while (stats.batches < goal) {
        if (failure !== undefined) throw failure;
        await sleep(5);
      }
    },
    async stop() {
      isStopping = true;
      await ended;
      if (failure !== undefined) throw failure;
      return told.length;
    },
  };
}

/** Until all of them have a number, or a minute has passed, or one is refused for good. */
export async function draw(options: DrawOptions, refs: string[]): Promise<void> {
  const { waybill, told, stats, settledMs = SETTLED_MS } = options;
  const parcels = refs.map(parcelOf);
  const endMs = performance.now() + settledMs;
  for (let pauseMs = 20; ; pauseMs = Math.min(pauseMs * 2, 500)) {
    try {
      const { outcomes } = await waybill.issueWaybills({ parcels });
      const errors = outcomes.flatMap(({ outcome }) =>
        outcome.case === 'error' ? [outcome.value] : [],
      );
      const refused = errors.find(({ retryable }) => !retryable);
      if (refused !== undefined) throw new Error(`refused: ${refused.textEn}`);
      if (errors.length === 0) {
        for (const [i, { outcome }] of outcomes.entries()) {
          if (outcome.case !== 'issued') throw new Error('an answer without outcome');
          const number = outcome.value.waybillNumber;
          told.push({ line: told.length + 1, orderRef: refs[i] ?? '', parcelNo: 1, number });
        }
        return;
      }
    } catch (error) {
      if (!(error instanceof RpcError) || !error.retryable) throw error;
      if (performance.now() > endMs) throw error;
    }
    if (stats) stats.failedCalls += 1;
    if (performance.now() > endMs) throw new Error('not settled in time');
    await sleep(pauseMs);
  }
}

const SETTLED_MS = 60_000;

type DrawOptions = {
  waybill: Pick<Client<typeof WaybillService>, 'issueWaybills'>;
  told: ClientEntry[];
  stats?: { failedCalls: number };
  /** How long it asks again; a minute by default. */
  settledMs?: number;
};

export type LoadOptions = Omit<DrawOptions, 'stats'> & {
  lanes?: number;
  batch?: number;
  /** Order numbers begin so. */
  tag?: string;
};

export type Load = {
  readonly stats: { failedCalls: number; longestGapMs: number; batches: number };
  /** Resolves after `count` batches that were begun from now on. */
  more(count?: number): Promise<void>;
  /** Lets what is under way be settled; answers how many lines the log has. */
  stop(): Promise<number>;
};
