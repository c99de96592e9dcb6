import assert from 'node:assert/strict';
import { headers, type MsgHdrs } from '@nats-io/transport-node';
import {
  type Context,
  context,
  propagation,
  ROOT_CONTEXT,
  type TextMapGetter,
  type TextMapSetter,
} from '@opentelemetry/api';
import type { Delivery } from './delivery.ts';
import { streamOf } from './streams.ts';

/** Room for headers within a message: ours take about 300 bytes. */
export const HEADER_BYTES_MAX = 4_096;

/** CloudEvents 1.0 attributes in binary mode, and the trace of whoever publishes. */
export function headersOf(event: OutgoingEvent, source: string, time: Date): MsgHdrs {
  const made = headers();
  made.set('ce-specversion', '1.0');
  made.set('ce-id', event.eventId);
  made.set('ce-type', event.type);
  made.set('ce-source', source);
  made.set('ce-time', (event.time ?? time).toISOString());
  propagation.inject(context.active(), made, SETTER);
  return made;
}

/** A message as handlers see it. What lacks the CloudEvents headers has an empty type. */
export function eventOf({ message, deliveryCount, stream, sequence, time }: Delivery): BusEvent {
  const sent = new Date(message.headers?.get('ce-time') ?? '');
  return {
    eventId: message.headers?.get('ce-id') || `${stream}:${sequence}`,
    subject: message.subject,
    type: message.headers?.get('ce-type') ?? '',
    time: Number.isNaN(sent.getTime()) ? time : sent,
    payload: message.data,
    deliveryCount,
  };
}

/** The trace that a message was published in. */
export function traceOf({ message }: Delivery): Context {
  if (message.headers === undefined) return ROOT_CONTEXT;
  return propagation.extract(ROOT_CONTEXT, message.headers, GETTER);
}

/** Faults of the program, found before anything is sent. */
export function assertPublishable({ eventId, subject, type }: OutgoingEvent): void {
  assert(
    /^[\x21-\x7e]{1,128}$/.test(eventId),
    'an event id is 1 to 128 printable ASCII characters',
  );
  assert(/^[\w.]{1,128}$/.test(type), `no event type: ${JSON.stringify(type)}`);
  const isPlain = /^[\w.-]+$/.test(subject) && !/^\.|\.\.|\.$/.test(subject);
  assert(isPlain && streamOf(subject) !== undefined, `no stream takes ${JSON.stringify(subject)}`);
}

const SETTER: TextMapSetter<MsgHdrs> = { set: (carrier, key, value) => carrier.set(key, value) };

const GETTER: TextMapGetter<MsgHdrs> = {
  get: (carrier, key) => carrier.get(key) || undefined,
  keys: (carrier) => carrier.keys(),
};

/** An event as it is handed to publish(). */
export type OutgoingEvent = {
  /** Unique for ever: the server and every inbox drop repeats by it. */
  eventId: string;
  /** Made by `subjects`. */
  subject: string;
  /** Full name of the payload's message. */
  type: string;
  payload: Uint8Array;
  /** When it happened; default: now. */
  time?: Date;
};

/** An event as handlers get it. */
export type BusEvent = {
  eventId: string;
  subject: string;
  type: string;
  time: Date;
  payload: Uint8Array;
  /** 1 at first; grows with each failure, and when a process died with the event in hand. */
  deliveryCount: number;
};
