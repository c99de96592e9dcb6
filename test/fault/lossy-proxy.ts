import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** Larger than HTTP/2's own words at the beginning, smaller than an answer of 40 parcels. */
const ANSWER_BYTES = 600;

/** A TCP proxy before a gRPC server that passes requests on and loses answers. */
export async function openLossyProxy(address: string): Promise<LossyProxy> {
  const [host = '', port = ''] = address.split(':');
  const sockets = new Set<Socket>();
  let left = 0;
  const server = createServer((near) => {
    const far = connect(Number(port), host);
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        sockets.delete(socket);
        near.destroy();
        far.destroy();
      });
    }
    near.on('data', (data) => far.write(data));
    far.on('data', (data) => {
      if (left > 0 && data.length > ANSWER_BYTES) {
        left -= 1;
        proxy.lostCount += 1;
        near.destroy();
        return;
      }
      near.write(data);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const proxy: LossyProxy = {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    lostCount: 0,
    loseNext(count) {
      left = count;
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
  return proxy;
}

export type LossyProxy = AsyncDisposable & {
  address: string;
  /** Answers that were lost so far, by a connection that was cut. */
  lostCount: number;
  /** Cuts the connection instead of passing on each of the next so many answers. */
  loseNext(count: number): void;
};
