// For the tests of this folder: events, a bus whose log can be read, and JetStream as the server
// sees it.
import { randomUUID } from 'node:crypto';
import { type JetStreamManager, jetstreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { createLogger, type Logger } from '#libs/log';
import { type Bus, type BusOptions, connectBus } from './bus.ts';
import type { ConsumeOptions } from './consume.ts';
import type { BusEvent, OutgoingEvent } from './event.ts';
import { subjects } from './subjects.ts';

export const ISSUED = 'queqiao.waybill.v1.WaybillsIssued';

/** Events of one courier; the payload is the number of the event, from 0. */
export function eventsOf(courierId: string, count: number): OutgoingEvent[] {
  return Array.from({ length: count }, (_, index) => ({
    eventId: randomUUID(),
    subject: subjects.waybillIssued(courierId),
    type: ISSUED,
    payload: Buffer.from(String(index)),
  }));
}

/** The number that eventsOf gave an event. */
export function numberOf({ payload }: BusEvent | OutgoingEvent): number {
  return Number(Buffer.from(payload).toString());
}

export function openBus(url: string, options: Partial<BusOptions> = {}): LoggedBus {
  const { log, lines } = readableLog();
  return Object.assign(connectBus({ url, name: 'test', log, ...options }), { lines });
}

/** What a consumer needs, with delays that suit a test. */
export function consuming(options: Partial<ConsumeOptions>): ConsumeOptions {
  return {
    stream: 'QUEQIAO_WAYBILL',
    durable: 'test',
    filter: subjects.waybillIssued('*'),
    maxDeliver: 3,
    ackWaitMs: 1_000,
    retry: { firstMs: 20, maxMs: 100 },
    handle: async () => {},
    deadLetter: async (_, error) => {
      throw error;
    },
    ...options,
  };
}

/** JetStream's own view, past the bus. */
export async function openJetStream(url: string): Promise<JetStream> {
  const connection = await connect({ servers: url });
  const manager = await jetstreamManager(connection);
  return {
    manager,
    connection,
    storedCount: async (stream) => (await manager.streams.info(stream)).state.messages,
    [Symbol.asyncDispose]: () => connection.close(),
  };
}

function readableLog(): { log: Logger; lines: string[] } {
  const lines: string[] = [];
  const destination = { write: (line: string) => void lines.push(line) };
  return { log: createLogger({ name: 'test', destination }), lines };
}

export type LoggedBus = Bus & { lines: string[] };

export type JetStream = AsyncDisposable & {
  manager: JetStreamManager;
  connection: Awaited<ReturnType<typeof connect>>;
  storedCount(stream: string): Promise<number>;
};
