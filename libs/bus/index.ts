// Events between services over NATS JetStream: publish, durable consumers, watching for caches. The
// only folder that imports a NATS client. JetStream is transport with a replay buffer, never the
// record: an acknowledged event can be lost, so the outbox keeps it and the inbox drops repeats.
export { type Bus, type BusOptions, connectBus } from './bus.ts';
export type { ConsumeOptions } from './consume.ts';
export type { BusEvent, OutgoingEvent } from './event.ts';
export { MESSAGE_BYTES_MAX } from './publish.ts';
export { STREAMS, type StreamIdentity, type StreamName } from './streams.ts';
export { NETWORK_KINDS, type NetworkKind, parseSubject, subjects } from './subjects.ts';
export type { WatchOptions } from './watch.ts';
