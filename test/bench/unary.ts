import * as grpc from '@grpc/grpc-js';

/** A bare grpc-js client of one method that sends and answers bytes: no work of its own. */
export function openUnary({ address, apiKey }: Server, method: string): UnaryCall {
  const client = new grpc.Client(address, grpc.credentials.createInsecure());
  const metadata = new grpc.Metadata();
  if (apiKey !== undefined) metadata.set('authorization', `Bearer ${apiKey}`);
  return {
    call: (request) =>
      new Promise((resolve, reject) => {
        client.makeUnaryRequest(`/${method}`, asIs, asIs, request, metadata, (error, answer) => {
          if (error === null && answer !== undefined) resolve(answer);
          else reject(error ?? new Error('no answer'));
        });
      }),
    [Symbol.dispose]: () => client.close(),
  };
}

function asIs(bytes: Buffer): Buffer {
  return bytes;
}

type Server = { address: string; apiKey?: string };

export type UnaryCall = Disposable & { call(request: Buffer): Promise<Buffer> };
