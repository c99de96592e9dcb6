import type { Queryable } from '#libs/db';

/** Keeps an event that could not be handled; a second report of the same one changes nothing. */
export async function insertDeadLetter(db: Queryable, letter: DeadLetter): Promise<void> {
  await db.query(
    `insert into network.dead_letter (consumer, event_id, subject, payload, error, create_time)
     values ($1::text, $2::text, $3::text, $4::bytea, $5::text, $6::timestamptz)
     on conflict (consumer, event_id) do nothing`,
    [
      letter.consumer,
      letter.eventId,
      letter.subject,
      letter.payload,
      letter.error,
      letter.createTime,
    ],
  );
}

export type DeadLetter = {
  consumer: string;
  eventId: string;
  subject: string;
  payload: Uint8Array;
  error: string;
  createTime: Date;
};
