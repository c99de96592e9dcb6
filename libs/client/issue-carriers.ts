import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { RpcError } from '#libs/errors';
import { type Client, type ClientOptions, createClient } from '#libs/grpc';
import { WaybillService } from '#proto/queqiao/waybill/v1/waybill_service';
import type { Entry, IssueQueue } from './issue-queue.ts';

// The two ways on which parcels travel to the server: a stream, and batches where the server takes
// no stream. Both take from the queue and settle in it, and end with what is unanswered put back.

/** Until the server tells its own. */
const FIRST_WINDOW = 64;
const ITEMS_MAX = 256;

/** A client whose issuing calls take parcels that are encoded already. */
export function openCarrier(options: ClientOptions): Client<typeof WaybillService> {
  // Its own connection, which can be given up when it has gone silent.
  return createClient(
    WaybillService,
    { ...options, ownConnection: true },
    {
      issueWaybillStream: { requestSerialize: encodeItems },
      issueWaybills: { requestSerialize: encodeParcels },
    },
  );
}

/** Carries parcels until the stream ends: by an error, or when nothing more comes or is owed. */
export async function carryByStream(trip: Trip): Promise<void> {
  const { client, queue, stop } = trip;
  const state = { window: FIRST_WINDOW, isOver: false, sent: new Map<string, Entry>() };
  const cut = new AbortController();
  const silence = watchSilence(trip, state.sent, () =>
    cut.abort(new RpcError('DEADLINE_EXCEEDED')),
  );
  const abort = () => cut.abort();
  stop.addEventListener('abort', abort);
  try {
    const requests = itemsFrom(trip, state) as AsyncIterable<never>;
    const answers = client.issueWaybillStream(requests, { signal: cut.signal });
    for await (const { window, outcomes } of answers) {
      silence.end();
      if (window > 0) state.window = window;
      for (const { itemId, outcome } of outcomes) {
        const entry = state.sent.get(itemId);
        state.sent.delete(itemId);
        if (entry !== undefined) queue.settle(entry, outcome);
      }
      if (outcomes.length > 0) trip.onAnswer();
      queue.notify();
    }
    if (queue.pendingCount > 0) throw new RpcError('STREAM_MOVED');
  } finally {
    silence[Symbol.dispose]();
    stop.removeEventListener('abort', abort);
    state.isOver = true;
    queue.putBack([...state.sent.values()]);
  }
}

/** Calls `onSilence` when answers are owed and nothing has come for too long. */
function watchSilence(
  { answerMaxMs }: Trip,
  sent: ReadonlyMap<string, Entry>,
  onSilence: () => void,
): Disposable & { end(): void } {
  let lastMs = performance.now();
  const timer = setInterval(() => {
    if (sent.size === 0) lastMs = performance.now();
    else if (performance.now() - lastMs > answerMaxMs) onSilence();
  }, answerMaxMs / 10);
  return {
    end() {
      lastMs = performance.now();
    },
    [Symbol.dispose]: () => clearInterval(timer),
  };
}

async function* itemsFrom(
  { queue, merchantId, isClosing }: Trip,
  state: { window: number; isOver: boolean; sent: Map<string, Entry> },
): AsyncGenerator<EncodedRequest> {
  for (;;) {
    if (state.isOver || (isClosing() && queue.pendingCount === 0)) return;
    const room = Math.min(state.window - state.sent.size, ITEMS_MAX);
    const entries = room > 0 ? queue.take(room) : [];
    if (entries.length === 0) {
      await queue.changed();
      continue;
    }
    for (const entry of entries) state.sent.set(entry.itemId, entry);
    yield { merchantId, entries };
  }
}

/** Carries parcels in calls of their own, until none waits. */
export async function carryByBatches({ client, queue, merchantId, stop }: Trip): Promise<void> {
  while (queue.waitingCount > 0) {
    const entries = queue.take(ITEMS_MAX);
    try {
      const request = { merchantId, entries } as object;
      const { outcomes } = await client.issueWaybills(request, { signal: stop });
      for (const [i, entry] of entries.entries()) {
        queue.settle(entry, outcomes[i]?.outcome ?? { case: undefined });
      }
    } catch (error) {
      queue.putBack(entries);
      throw error;
    }
  }
}

/** Whether the server takes no stream from us, now or ever. */
export function isRefusal(error: unknown): boolean {
  if (!(error instanceof RpcError)) return false;
  return error.reason === 'METHOD_UNKNOWN' || error.metadata['limit'] === 'streams';
}

/** IssueWaybillStreamRequest. */
function encodeItems({ merchantId, entries }: EncodedRequest): Buffer {
  const writer = begin(merchantId);
  for (const { itemId, parcel } of entries) {
    writer.tag(2, WireType.LengthDelimited).fork();
    writer.tag(1, WireType.LengthDelimited).string(itemId);
    writer.tag(2, WireType.LengthDelimited).bytes(parcel);
    writer.join();
  }
  return Buffer.from(writer.finish());
}

/** IssueWaybillsRequest. */
function encodeParcels({ merchantId, entries }: EncodedRequest): Buffer {
  const writer = begin(merchantId);
  for (const { parcel } of entries) writer.tag(2, WireType.LengthDelimited).bytes(parcel);
  return Buffer.from(writer.finish());
}

function begin(merchantId: string): BinaryWriter {
  return new BinaryWriter().tag(1, WireType.LengthDelimited).string(merchantId);
}

type EncodedRequest = { merchantId: string; entries: Entry[] };

/** One stream, or a row of batches. */
export type Trip = {
  readonly client: Client<typeof WaybillService>;
  readonly queue: IssueQueue;
  readonly merchantId: string;
  /** Ends it at once. */
  readonly stop: AbortSignal;
  /** A server that owes answers and says nothing for so long is given up. */
  readonly answerMaxMs: number;
  /** Whether nothing new will be added. */
  isClosing(): boolean;
  onAnswer(): void;
};
