import { connect, createServer, type Socket } from 'node:net';

/** A TCP proxy in front of Postgres through which tests break connections. */
export async function openProxy(url: string): Promise<TestProxy> {
  const near = new URL(url);
  const farPort = Number(near.port);
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const database = connect(farPort, near.hostname);
    for (const socket of [client, database]) {
      sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => sockets.delete(socket));
    }
    client.on('data', (data) => {
      database.write(data);
      // The database gets it, and its answer finds nobody.
      if (proxy.cutAfter !== undefined && data.includes(proxy.cutAfter)) client.destroy();
    });
    const held: Buffer[] = [];
    database.on('data', (data) => {
      if (proxy.holdsReady && (held.length > 0 || data.includes(READY))) held.push(data);
      else if (!proxy.isSilent && !client.destroyed) client.write(data);
    });
    client.on('end', () => database.end());
    client.on('close', () => database.end());
    database.on('close', () => {
      if (held.length > 0) client.end(Buffer.concat(held));
      else client.destroy();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  near.port = String((server.address() as { port: number }).port);
  const proxy: TestProxy = {
    url: near.href,
    isSilent: false,
    holdsReady: false,
    cutAfter: undefined,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return proxy;
}

/** ReadyForQuery, idle. */
const READY = Buffer.from('Z\0\0\0\x05I');

type TestProxy = AsyncDisposable & {
  url: string;
  /** Swallows what the database says. */
  isSilent: boolean;
  /** Keeps back that the database is ready, and passes it on together with its last words. */
  holdsReady: boolean;
  /** Cuts the connection to the client when this text has been passed on. */
  cutAfter: string | undefined;
};
