import { byteaArray, textArray, uuidArray } from './arrays.ts';
import { quoteName } from './name.ts';
import type { Tx } from './transaction.ts';

/**
 * Inserts events in the transaction of their cause; the schema's relay publishes them in this
 * order after the commit. Throws on an event that the bus would refuse for ever, which would hold
 * up all events after it.
 */
export async function enqueue(
  tx: Tx,
  schema: string,
  events: readonly OutboxEvent[],
): Promise<void> {
  if (events.length === 0) return;
  for (const event of events) assertPublishable(event);
  await tx.query(
    `insert into ${quoteName(schema)}.outbox (event_id, subject, type, payload)
     select event_id, subject, type, payload
     from unnest($1::uuid[], $2::text[], $3::text[], $4::bytea[])
       as event (event_id, subject, type, payload)`,
    [
      uuidArray(events.map(({ eventId }) => eventId)),
      textArray(events.map(({ subject }) => subject)),
      textArray(events.map(({ type }) => type)),
      byteaArray(events.map(({ payload }) => payload)),
    ],
    { name: `enqueue_${schema}` },
  );
}

function assertPublishable({ subject, type, payload }: OutboxEvent): void {
  if (!PRINTABLE.test(subject) || !TOKENS.test(subject)) {
    throw new Error(`not a subject to publish to: "${subject}"`);
  }
  if (!PRINTABLE.test(type)) throw new Error(`not an event type: "${type}"`);
  if (payload.byteLength > PAYLOAD_BYTES_MAX) {
    throw new Error(`event ${type} of ${payload.byteLength} bytes, at most ${PAYLOAD_BYTES_MAX}`);
  }
}

/** The type travels as a header; the subject in a protocol line. */
const PRINTABLE = /^[!-~]+$/;
/** One or more, between dots, without wildcards. */
const TOKENS = /^[^.*>]+(\.[^.*>]+)*$/;
/** NATS takes 1 MiB by default, headers included. */
const PAYLOAD_BYTES_MAX = 1_000_000;

export type OutboxEvent = {
  /** A UUID, new for each event: consumers take an event once by it. */
  eventId: string;
  subject: string;
  type: string;
  /** At most 1,000,000 bytes. Never a name, a phone or an address. */
  payload: Uint8Array;
};
