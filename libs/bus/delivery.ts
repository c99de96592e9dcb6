import type { Msg } from '@nats-io/transport-node';

/** Reads what the server says of a delivery in the reply subject; undefined for another message. */
export function deliveryOf(message: Msg): Delivery | undefined {
  const reply = message.reply ?? '';
  const tokens = reply.split('.');
  if (tokens[0] !== '$JS' || tokens[1] !== 'ACK') return undefined;
  // $JS.ACK.<stream>.<consumer>.<count>.<sequence>.<delivery>.<time>.<pending>; newer servers put
  // domain and account before the stream.
  const [stream = '', , count, sequence, delivery, time, pending] = tokens.slice(
    tokens.length === 9 ? 2 : 4,
  );
  return {
    message,
    reply,
    stream,
    deliveryCount: Number(count),
    sequence: Number(sequence),
    deliverySequence: Number(delivery),
    time: new Date(Number(time) / 1e6),
    pendingCount: Number(pending),
  };
}

/** Answers to a delivery, as the server reads them on the reply subject. */
export const ANSWERS = {
  done: () => '+ACK',
  working: () => '+WPI',
  dead: () => '+TERM',
  again: (delayMs: number) =>
    delayMs > 0 ? `-NAK ${JSON.stringify({ delay: delayMs * 1e6 })}` : '-NAK',
};

export type Delivery = {
  message: Msg;
  reply: string;
  stream: string;
  deliveryCount: number;
  /** Position in the stream. */
  sequence: number;
  /** Counts what this consumer has been sent. */
  deliverySequence: number;
  /** When the server stored it. */
  time: Date;
  /** How many more this consumer is to be sent. */
  pendingCount: number;
};
