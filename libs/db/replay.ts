import type { Pool } from './pool.ts';
import {
  countRange,
  type RangeMark,
  type RelayedEvent,
  selectRange,
  type TimeRange,
  toEvent,
} from './relay-store.ts';

/**
 * Publishes the kept events created in [from, to) once more, published before or not, in the order
 * of their creation. Consumers drop what they took by its id; the stream drops by itself what it
 * was given within its window of de-duplication, two minutes. Needs no lease: it may run beside
 * the relay, and twice. `mark` tells how far it came, to go on after it.
 */
export async function replayEvents(
  { pool, schema, publish }: ReplaySource,
  range: TimeRange,
  { after = BEGIN, only, onProgress }: ReplayOptions = {},
): Promise<Replay> {
  let mark = after;
  let count = 0;
  for (;;) {
    const rows = await selectRange(pool, schema, { ...range, after: mark });
    const last = rows.at(-1);
    if (last === undefined) return { count, mark };
    const wanted = only === undefined ? rows : rows.filter(({ event_id }) => only(event_id));
    if (wanted.length > 0) await publish(wanted.map(toEvent));
    count += wanted.length;
    mark = { mark_time: last.mark_time, id: last.id };
    onProgress?.({ count, mark });
  }
}

/** How many events `replayEvents` would look at. */
export function countEvents(
  { pool, schema }: Pick<ReplaySource, 'pool' | 'schema'>,
  range: TimeRange,
  after: RangeMark = BEGIN,
): Promise<number> {
  return countRange(pool, schema, { ...range, after });
}

const BEGIN: RangeMark = { mark_time: '-infinity', id: '0' };

type ReplaySource = {
  pool: Pool;
  schema: string;
  /** Resolves when all are stored. */
  publish: (events: RelayedEvent[]) => Promise<void>;
};

export type ReplayOptions = {
  /** Go on after this event. */
  after?: RangeMark | undefined;
  /** Only events with these ids. */
  only?: ((eventId: string) => boolean) | undefined;
  /** Told after each 256 events. */
  onProgress?: ((done: Replay) => void) | undefined;
};

/** How many were published, and the last one that was looked at. */
export type Replay = { count: number; mark: RangeMark };
