import { crc32 } from 'node:zlib';
import type { AuditedEvent } from '../store/audit.ts';
import { Check } from './check.ts';
import { type Hash, HashTable } from './hash.ts';

/**
 * I14: outbox and stream hold the same events. The stream may repeat an event and may be ahead of
 * the snapshot; what the relay has seen stored must be there, and nothing that no outbox knows.
 */
export class OutboxStream {
  readonly inStream = new Check('outbox-in-stream');
  readonly inOutbox = new Check('stream-in-outbox');
  /** Events of the snapshot that the relay has yet to publish. */
  waitingCount = 0;
  /** Repeats in the stream: harmless, and told for information. */
  repeatedCount = 0;
  /** By the first half of the id; the other half, checksum, minute, flags. */
  readonly #events = new HashTable(5);
  readonly #sinceMinute: number;
  readonly #known: (eventIds: string[]) => Promise<Set<string>>;
  #strangers: string[] = [];

  /** `known` says which of some events are in the outbox at this moment. */
  constructor(since: Date, known: (eventIds: string[]) => Promise<Set<string>>) {
    this.#sinceMinute = Math.ceil(since.getTime() / 60_000);
    this.#known = known;
  }

  event({ event_id, subject, payload, create_minute, is_published }: AuditedEvent): void {
    const { key, rest } = split(event_id);
    const flags = is_published ? PUBLISHED : 0;
    if (!is_published) this.waitingCount += 1;
    this.#events.add(key).set([...rest, sumOf(subject, payload), create_minute, flags]);
  }

  /** A message of the stream, in any order. */
  async message({ eventId, subject, payload, time }: StreamedEvent): Promise<void> {
    if (time.getTime() < this.#sinceMinute * 60_000) return;
    const found = UUID.test(eventId) ? this.#events.find(split(eventId).key) : undefined;
    if (found === undefined) {
      this.#strangers.push(eventId);
      if (this.#strangers.length >= STRANGERS_MAX) await this.#judgeStrangers();
      return;
    }
    if (isSeen(found)) this.repeatedCount += 1;
    else this.inOutbox.examinedCount += 1;
    if (found[SUM] === sumOf(subject, payload)) found[FLAGS] = (found[FLAGS] ?? 0) | SEEN;
    else this.inOutbox.violate(`${eventId} has other contents than in the outbox`);
  }

  async settle(): Promise<void> {
    await this.#judgeStrangers();
    for (const { key, values } of this.#events) {
      if (!this.#isExpected(values)) continue;
      this.inStream.examinedCount += 1;
      if (!isSeen(values)) this.inStream.violate(join(key, values));
    }
  }

  /** After the stream was read: whether it lacks this event, so that it must be published again. */
  lacks(eventId: string): boolean {
    const found = this.#events.find(split(eventId).key);
    return found !== undefined && this.#isExpected(found) && !isSeen(found);
  }

  /** Both sides by hour: published events, and those of them that the stream has. */
  hours(): HourRow[] {
    const hours = new Map<number, HourRow>();
    for (const { key, values } of this.#events) {
      if (!this.#isExpected(values)) continue;
      const hourMs = Math.floor((values[MINUTE] ?? 0) / 60) * 3_600_000;
      const row = hours.get(hourMs) ?? newHour(hourMs);
      hours.set(hourMs, row);
      const hash = (key[0] ^ key[1] ^ (values[SUM] ?? 0)) >>> 0;
      row.outbox_count += 1;
      row.outbox_hash = (row.outbox_hash ^ hash) >>> 0;
      if (!isSeen(values)) continue;
      row.stream_count += 1;
      row.stream_hash = (row.stream_hash ^ hash) >>> 0;
    }
    return [...hours.values()].sort((a, b) => a.hour.localeCompare(b.hour));
  }

  #isExpected(values: Uint32Array): boolean {
    return isPublished(values) && (values[MINUTE] ?? 0) >= this.#sinceMinute;
  }

  /** What the snapshot does not know was written since then, or never. */
  async #judgeStrangers(): Promise<void> {
    const ids = this.#strangers;
    this.#strangers = [];
    if (ids.length === 0) return;
    const known = await this.#known(ids);
    for (const id of ids) {
      if (known.has(id)) continue;
      this.inOutbox.examinedCount += 1;
      this.inOutbox.violate(`${id} is in no outbox`);
    }
  }
}

function isPublished(values: Uint32Array): boolean {
  return ((values[FLAGS] ?? 0) & PUBLISHED) !== 0;
}

function isSeen(values: Uint32Array): boolean {
  return ((values[FLAGS] ?? 0) & SEEN) !== 0;
}

function newHour(hourMs: number): HourRow {
  const zero = { outbox_count: 0, outbox_hash: 0, stream_count: 0, stream_hash: 0 };
  return { hour: new Date(hourMs).toISOString(), ...zero };
}

function sumOf(subject: string, payload: Uint8Array): number {
  return crc32(payload, crc32(subject));
}

/** A UUID as four numbers. */
function split(eventId: string): { key: Hash; rest: [number, number] } {
  const hex = eventId.replaceAll('-', '');
  const part = (i: number) => Number.parseInt(hex.slice(i * 8, i * 8 + 8), 16);
  return { key: [part(0), part(1)], rest: [part(2), part(3)] };
}

function join(key: Hash, values: Uint32Array): string {
  const hex = [...key, values[0] ?? 0, values[1] ?? 0]
    .map((part) => part.toString(16).padStart(8, '0'))
    .join('');
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
const STRANGERS_MAX = 10_000;
const SUM = 2;
const MINUTE = 3;
const FLAGS = 4;
const PUBLISHED = 1;
const SEEN = 2;

/** An event as the bus hands it out. */
export type StreamedEvent = { eventId: string; subject: string; payload: Uint8Array; time: Date };

export type HourRow = {
  hour: string;
  outbox_count: number;
  outbox_hash: number;
  stream_count: number;
  stream_hash: number;
};
