import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RpcError } from '#libs/errors';
import { type CallLimits, KIND_SCOPES, METHOD_SCOPES } from '#libs/grpc';
import { Subject_Kind } from '#proto/queqiao/network/v1/api_key';
import { type TestSystem, testSystem } from '#test/support/system';
import { clientFor } from '#test/support/tenant-calls';

// Every call of the contract is held to the rate of its key, whatever it asks for. The table of
// scopes has them all, see libs/grpc/scopes.test.ts.

/** AuthenticateApiKey is for our own services, whose calls come from callers that are limited. */
const METHODS = Object.keys(METHOD_SCOPES).filter(
  (method) => METHOD_SCOPES[method] !== 'key.authenticate',
);
const AT_ONCE = 10;

let system: TestSystem;
beforeAll(async () => {
  system = await testSystem();
});
afterAll(() => system[Symbol.asyncDispose]());

/** The methods of which a new key with these limits may make so many calls at once. */
async function unlimited(name: string, limits: Partial<CallLimits>): Promise<string[]> {
  const free: string[] = [];
  for (const [i, method] of METHODS.entries()) {
    const call = callOf(method, await keyOf(`${name}-${i}`, limits));
    const reasons = await Promise.all(Array.from({ length: AT_ONCE }, () => reasonOf(call)));
    if (!reasons.includes('RATE_LIMITED')) free.push(method);
  }
  return free;
}

async function keyOf(apiKeyId: string, limits: Partial<CallLimits>): Promise<string> {
  const subject = { kind: Subject_Kind.OPERATOR, id: '' };
  const apiKey = { apiKeyId, subject, scopes: [...KIND_SCOPES.operator], limits };
  return (await system.network().createApiKey({ apiKey })).secret;
}

/** A call with nothing in it. */
function callOf(method: string, apiKey: string): () => Promise<unknown> {
  const [service = '', name = ''] = method.split('/');
  const clients = {
    network: system.network(apiKey),
    waybill: system.waybill(apiKey),
    vault: system.vault(apiKey),
    account: system.account(apiKey),
    label: system.label(apiKey),
  };
  const client = clientFor(clients, service) as unknown as Record<string, Call>;
  const call = client[name.charAt(0).toLowerCase() + name.slice(1)] as Call;
  return async () => {
    // Nothing is asked on a stream: it is refused when it opens, or ends.
    const answer = call(name.endsWith('Stream') ? (async function* () {})() : {});
    if (!(Symbol.asyncIterator in answer)) return answer;
    for await (const _ of answer);
    return undefined;
  };
}

async function reasonOf(call: () => Promise<unknown>): Promise<string> {
  try {
    await call();
    return '';
  } catch (error) {
    if (error instanceof RpcError) return error.reason;
    throw error;
  }
}

describe('a key’s rate', () => {
  it('holds for every call', async () => {
    expect(METHODS.length).toBeGreaterThan(50);
    expect(await unlimited('slow', { callsPerS: 1, burstCount: 1 })).toEqual([]);
  });

  it('would be missed if a call had none', async () => {
    const limits = { callsPerS: 1_000_000, burstCount: 1_000_000 };
    expect(await unlimited('free', limits)).toEqual(METHODS);
  });
});

type Call = (request: object) => Promise<unknown> | AsyncIterable<unknown>;
