import {
  DiscardPolicy,
  JetStreamApiCodes,
  JetStreamApiError,
  type JetStreamManager,
  RetentionPolicy,
  StorageType,
  type StreamConfig,
  type StreamInfo,
} from '@nats-io/jetstream';
import { nanos } from '@nats-io/transport-node';

/** All streams: one for each domain, so that one's flood does not push out another's events. */
export const STREAMS = {
  QUEQIAO_WAYBILL: { subjects: ['queqiao.v1.waybill.>'], description: 'What happens to waybills' },
  QUEQIAO_NETWORK: { subjects: ['queqiao.v1.network.>'], description: 'Who takes part' },
} as const satisfies Record<string, { subjects: readonly string[]; description: string }>;

/** The outbox keeps events as long, so that a lost stream can be filled again from there. */
export const STREAM_MAX_AGE_MS = 48 * 3_600_000;
/** How long the server drops a repeated event by itself; the inbox has no such limit. */
export const DUPLICATE_WINDOW_MS = 2 * 60_000;
/** Largest message, headers included. */
export const STREAM_MESSAGE_BYTES_MAX = 1024 * 1024;

/** The stream that holds a subject or a filter; undefined if none does. */
export function streamOf(subject: string): StreamName | undefined {
  for (const name of STREAM_NAMES) {
    if (STREAMS[name].subjects.some((all) => subject.startsWith(all.slice(0, -1)))) return name;
  }
  return undefined;
}

/** Makes the stream, or changes it to what this version declares. Does nothing if it is so. */
export async function ensureStream(
  manager: JetStreamManager,
  name: StreamName,
  replicas?: number,
): Promise<StreamInfo> {
  const { num_replicas, ...wanted } = configOf(name, replicas);
  const found = await findStream(manager, name);
  if (found === undefined) return manager.streams.add({ ...wanted, num_replicas });
  const { config } = found;
  if (config.storage !== wanted.storage || config.retention !== wanted.retention) {
    throw new Error(
      `stream ${name} has ${config.storage} storage and ${config.retention} retention, which ` +
        `cannot be changed; delete it (nats stream rm ${name}) and it is made and filled anew`,
    );
  }
  // Without a setting, replicas that an operator has added stay.
  const changed = replicas === undefined ? wanted : { ...wanted, num_replicas };
  if (isCovered(changed, config)) return found;
  const { name: _name, storage: _storage, retention: _retention, ...changeable } = changed;
  return manager.streams.update(name, changeable);
}

/** What tells one life of a stream from the next, and how far it has come. */
export async function identityOf(
  manager: JetStreamManager,
  name: StreamName,
): Promise<StreamIdentity | undefined> {
  const found = await findStream(manager, name);
  if (found === undefined) return undefined;
  const { created, state } = found;
  return {
    created,
    firstSequence: state.first_seq,
    lastSequence: state.last_seq,
    messageCount: state.messages,
  };
}

async function findStream(
  manager: JetStreamManager,
  name: StreamName,
): Promise<StreamInfo | undefined> {
  try {
    return await manager.streams.info(name);
  } catch (error) {
    const isMissing =
      error instanceof JetStreamApiError && error.code === JetStreamApiCodes.StreamNotFound;
    if (isMissing) return undefined;
    throw error;
  }
}

function configOf(name: StreamName, replicas = 1) {
  const { subjects, description } = STREAMS[name];
  return {
    name,
    description,
    subjects: [...subjects],
    storage: StorageType.File,
    retention: RetentionPolicy.Limits,
    discard: DiscardPolicy.Old,
    max_age: nanos(STREAM_MAX_AGE_MS),
    duplicate_window: nanos(DUPLICATE_WINDOW_MS),
    max_msg_size: STREAM_MESSAGE_BYTES_MAX,
    num_replicas: replicas,
  };
}

function isCovered(wanted: Partial<StreamConfig>, found: StreamConfig): boolean {
  const known: Record<string, unknown> = { ...found };
  return Object.entries(wanted).every(
    ([key, value]) => JSON.stringify(known[key]) === JSON.stringify(value),
  );
}

export type StreamName = keyof typeof STREAMS;

export const STREAM_NAMES = Object.keys(STREAMS) as StreamName[];

export type StreamIdentity = {
  /** When the stream was made. Another value means another stream: publish again what it lost. */
  created: string;
  firstSequence: number;
  /** Smaller than a sequence once acknowledged means that the server lost events. */
  lastSequence: number;
  messageCount: number;
};
