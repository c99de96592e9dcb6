import { type ClientHttp2Session, connect } from 'node:http2';

const OK = 0;
const UNKNOWN = 2;

/**
 * Unary gRPC calls straight over HTTP/2: who offers twice what a server can take, on the machine of
 * the server, should need little of that machine. Answers the status alone. Calls take the
 * connections in turn.
 */
export function openHttp2Calls({ address, apiKey }: Server, method: string, connections: number) {
  const sessions = Array.from({ length: connections }, () => connect(`http://${address}`));
  const headers = {
    ':method': 'POST',
    ':path': `/${method}`,
    'content-type': 'application/grpc',
    te: 'trailers',
    authorization: `Bearer ${apiKey}`,
  };
  let turn = 0;
  return {
    call(request: Buffer, deadlineMs: number): Promise<number> {
      const session = sessions[turn++ % connections] as ClientHttp2Session;
      return new Promise((resolve) => {
        const stream = session.request({ ...headers, 'grpc-timeout': `${deadlineMs}m` });
        let status = UNKNOWN;
        const note = (given: object) => {
          const text = (given as Record<string, unknown>)['grpc-status'];
          if (text !== undefined) status = Number(text);
        };
        stream.on('response', note);
        stream.on('trailers', note);
        // A server that has answered may close the stream before it has read all of the request.
        stream.on('error', () => undefined);
        stream.on('close', () => resolve(status));
        stream.resume();
        stream.end(framed(request));
      });
    },
    [Symbol.dispose]() {
      for (const session of sessions) session.destroy();
    },
  };
}

/** A message as gRPC sends it: not compressed, its length, itself. */
function framed(message: Buffer): Buffer {
  const frame = Buffer.allocUnsafe(5 + message.length);
  frame.writeUInt8(0, 0);
  frame.writeUInt32BE(message.length, 1);
  message.copy(frame, 5);
  return frame;
}

export const Status = { OK, UNKNOWN, DEADLINE_EXCEEDED: 4, RESOURCE_EXHAUSTED: 8 } as const;

type Server = { address: string; apiKey: string };
