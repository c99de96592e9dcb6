import { fromBinary } from '@bufbuild/protobuf';
import * as grpc from '@grpc/grpc-js';
import { IssueWaybillStreamResponseSchema } from '#proto/queqiao/waybill/v1/waybill_service';
import type { LoadFigures } from './load.ts';
import { itemSource } from './parcels.ts';
import type { BenchServer } from './server.ts';

/**
 * One IssueWaybillStream with `WINDOW` items unanswered at any time. What has been answered is
 * replaced at once: in one request, or each item in a request of its own.
 */
export function benchStream(
  server: BenchServer,
  { seconds, isSingle }: { seconds: number; isSingle: boolean },
): Promise<LoadFigures> {
  const client = new grpc.Client(server.address, grpc.credentials.createInsecure());
  const metadata = new grpc.Metadata();
  metadata.set('authorization', `Bearer ${server.apiKey}`);
  const stream = client.makeBidiStreamRequest(METHOD, asIs, asIs, metadata);
  const next = itemSource();
  const sentMs: number[] = [];
  const send = (count: number) => {
    for (let i = 0; i < count; i++) {
      sentMs.push(performance.now());
      if (isSingle) stream.write(next(1));
    }
    if (!isSingle && count > 0) stream.write(next(count));
  };
  const warmUpMs = Math.min(2_000, seconds * 250);
  const startMs = performance.now() + warmUpMs;
  const endMs = startMs + seconds * 1_000;
  let items = 0;
  let itemCount = 0;
  const latenciesMs: number[] = [];
  return new Promise((resolve, reject) => {
    stream.on('error', reject);
    stream.on('data', (bytes: Buffer) => {
      const { outcomes } = fromBinary(IssueWaybillStreamResponseSchema, bytes);
      const doneMs = performance.now();
      for (const { itemId, outcome } of outcomes) {
        if (outcome.case !== 'issued') reject(new Error('was refused'));
        itemCount += 1;
        if (doneMs < startMs || doneMs > endMs) continue;
        items += 1;
        latenciesMs.push(doneMs - (sentMs[Number(itemId)] ?? 0));
      }
      if (doneMs < endMs) send(outcomes.length);
      else if (itemCount === sentMs.length) stream.end();
    });
    stream.on('end', () => {
      client.close();
      latenciesMs.sort((a, b) => a - b);
      const at = (share: number) => latenciesMs[Math.floor(latenciesMs.length * share)] ?? 0;
      resolve({ itemsPerS: items / seconds, itemCount, p50Ms: at(0.5), p99Ms: at(0.99) });
    });
    send(WINDOW);
  });
}

function asIs(bytes: Buffer): Buffer {
  return bytes;
}

const METHOD = '/queqiao.waybill.v1.WaybillService/IssueWaybillStream';
const WINDOW = 256;
