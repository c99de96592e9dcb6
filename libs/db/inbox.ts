import { quoteName } from './name.ts';
import type { Tx } from './transaction.ts';

/**
 * Notes in the transaction of its effect that a consumer takes an event. False if it has taken it
 * before: then the effect must not happen again. Two at once: the second waits for the first.
 */
export async function inInbox(
  tx: Tx,
  schema: string,
  consumer: string,
  eventId: string,
): Promise<boolean> {
  const rows = await tx.query(
    `insert into ${quoteName(schema)}.inbox (consumer, event_id)
     values ($1::text, $2::uuid)
     on conflict (consumer, event_id) do nothing
     returning event_id`,
    [consumer, eventId],
    { name: `in_inbox_${schema}` },
  );
  return rows.length === 1;
}
