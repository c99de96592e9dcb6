import * as grpc from '@grpc/grpc-js';

/**
 * A bare grpc-js client of one method that sends and answers bytes: no work of its own. With
 * `connections`, calls take them in turn.
 */
export function openUnary({ address, apiKey }: Server, method: string, connections = 1): UnaryCall {
  const insecure = grpc.credentials.createInsecure();
  const ownConnection = { 'grpc.use_local_subchannel_pool': 1 };
  const clients = Array.from(
    { length: connections },
    () => new grpc.Client(address, insecure, ownConnection),
  );
  let turn = 0;
  const path = `/${method}`;
  const metadata = new grpc.Metadata();
  if (apiKey !== undefined) metadata.set('authorization', `Bearer ${apiKey}`);
  return {
    call: (request, deadlineMs) =>
      new Promise((resolve, reject) => {
        const options = deadlineMs === undefined ? {} : { deadline: Date.now() + deadlineMs };
        const done: grpc.requestCallback<Buffer> = (error, answer) => {
          if (error === null && answer !== undefined) resolve(answer);
          else reject(error ?? new Error('no answer'));
        };
        const client = clients[turn++ % connections] as grpc.Client;
        client.makeUnaryRequest(path, asIs, asIs, request, metadata, options, done);
      }),
    [Symbol.dispose]() {
      for (const client of clients) client.close();
    },
  };
}

function asIs(bytes: Buffer): Buffer {
  return bytes;
}

type Server = { address: string; apiKey?: string };

export type UnaryCall = Disposable & {
  call(request: Buffer, deadlineMs?: number): Promise<Buffer>;
};
