import type { DescService } from '@bufbuild/protobuf';
import * as grpc from '@grpc/grpc-js';
import { RpcError } from '#libs/errors';
import { createLogger } from '#libs/log';
import { NetworkService } from '#proto/queqiao/network/v1/network_service';
import {
  type Client,
  type ClientOptions,
  createClient,
  type Handlers,
  type Identity,
  implement,
  KIND_SCOPES,
  type RunningServer,
  type ServerOptions,
  startServer,
} from './index.ts';

export const GET_MERCHANT = 'queqiao.network.v1.NetworkService/GetMerchant';
export const SERVICE_SECRET = 'a secret that only the tests know';

/** A real network service on a free port for one test, with a client and its log. */
export async function startFixture(
  handlers: Partial<NetworkHandlers>,
  options: Partial<ServerOptions> = {},
): Promise<Fixture> {
  const lines: string[] = [];
  const destination = { write: (line: string) => void lines.push(line) };
  const log = createLogger({ name: 'test', level: 'info', destination });
  const closing: (() => void)[] = [];
  const services = [implement(NetworkService, { ...unused(), ...handlers })];
  const listen = '127.0.0.1:0';
  const server = await startServer({ listen, services, authenticate, log, ...options });
  const { address } = server;
  const connect = <Desc extends DescService>(desc: Desc, given: Partial<ClientOptions> = {}) => {
    const credentials = { apiKey: 'operator-key' };
    const client = createClient(desc, { address, credentials, deadlineMs: 20_000, ...given });
    closing.push(() => client.close());
    return client;
  };
  return {
    server,
    client: connect(NetworkService),
    connect,
    raw() {
      const raw = new grpc.Client(address, grpc.credentials.createInsecure());
      closing.push(() => raw.close());
      return raw;
    },
    logText: () => lines.join(''),
    calls: () => lines.map((line) => JSON.parse(line)).filter(({ msg }) => msg === 'call'),
    async [Symbol.asyncDispose]() {
      for (const close of closing) close();
      await server.stop({ graceMs: 0 });
    },
  };
}

/** Keys named after the kind they speak for, and one without any scope. */
export async function authenticate(secret: string): Promise<Identity> {
  const kind = /^(operator|merchant|courier|poor)-key$/.exec(secret)?.[1];
  if (kind === undefined) throw new RpcError('API_KEY_INVALID');
  if (kind === 'poor') {
    return { kind: 'operator', id: '', scopes: new Set(), keyId: secret };
  }
  const known = kind as Identity['kind'];
  return { kind: known, id: `${kind}-1`, scopes: KIND_SCOPES[known], keyId: secret };
}

export function withKey(secret: string): grpc.Metadata {
  const metadata = new grpc.Metadata();
  metadata.set('authorization', `Bearer ${secret}`);
  return metadata;
}

/** Sends bytes as they are to a unary method; answers the failure, or undefined. */
export function sendRaw(
  raw: grpc.Client,
  bytes: Buffer,
  { metadata = withKey('operator-key'), method = GET_MERCHANT } = {},
): Promise<grpc.ServiceError | undefined> {
  const asIs = (value: Buffer) => value;
  return new Promise((resolve) => {
    raw.makeUnaryRequest(`/${method}`, asIs, asIs, bytes, metadata, (error) => {
      resolve(error ?? undefined);
    });
  });
}

/** Opens a unary call and sends no body. */
export function openWithoutBody(raw: grpc.Client): Promise<grpc.ServiceError | undefined> {
  const asIs = (value: Buffer) => value;
  return new Promise((resolve) => {
    const metadata = withKey('operator-key');
    raw.makeClientStreamRequest(`/${GET_MERCHANT}`, asIs, asIs, metadata, (error) => {
      resolve(error ?? undefined);
    });
  });
}

/** The error that a promise is rejected with. */
export async function failure(promise: Promise<unknown>): Promise<RpcError> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof RpcError) return error;
    throw error;
  }
  throw new Error('it did not fail');
}

/** A promise that the test resolves. */
export function gate(): { opened: Promise<void>; open: () => void } {
  let open = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}

/** Waits for the end of a call, as a handler does that looks at its signal. */
export function untilAborted(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener('abort', () => reject(signal.reason));
  });
}

/** Handlers for what a test does not call. */
export function unused(): NetworkHandlers {
  const refuse = () => {
    throw new RpcError('METHOD_UNKNOWN', { metadata: { method: 'not part of this test' } });
  };
  const entries = NetworkService.methods.map(({ localName }) => [localName, refuse]);
  return Object.fromEntries(entries) as NetworkHandlers;
}

type NetworkHandlers = Handlers<typeof NetworkService>;

export type Fixture = AsyncDisposable & {
  readonly server: RunningServer;
  /** With an operator's key. */
  readonly client: Client<typeof NetworkService>;
  connect<Desc extends DescService>(desc: Desc, options?: Partial<ClientOptions>): Client<Desc>;
  /** A bare grpc-js client. */
  raw(): grpc.Client;
  logText(): string;
  /** The log lines of calls. */
  calls(): Record<string, unknown>[];
};
