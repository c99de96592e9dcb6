import { expect, test } from 'vitest';
import { Subject_Kind } from '#proto/queqiao/network/v1/api_key';
import { createOperatorKey } from '../bootstrap.ts';
import { makeSecret } from '../secret.ts';
import {
  apiKey,
  fault,
  merchant,
  NOW,
  startNetwork,
  type TestNetwork,
  timestamp,
} from '../test-network.ts';

const REFUSED = { reason: 'API_KEY_INVALID', field: '' };

test('says whom a secret speaks for, with what scopes, until when', async () => {
  await using network = await startNetwork();
  const expireTime = timestamp(new Date(NOW.getTime() + 60_000));
  const secret = await makeKey(network, { expireTime });
  expect(await authenticate(network, secret)).toMatchObject({
    apiKeyId: 'key-1',
    subject: { kind: Subject_Kind.MERCHANT, id: 'shop' },
    scopes: ['waybill.issue', 'waybill.read'],
    expireTime,
  });
});

test('leaves the end open for a key that has none', async () => {
  await using network = await startNetwork();
  const answer = await authenticate(network, await makeKey(network));
  expect(answer.expireTime).toBeUndefined();
});

test('refuses all that is no living key, each in the same words', async () => {
  await using network = await startNetwork();
  const secret = await makeKey(network);
  const forged = secret.slice(0, 12) + makeSecret(network.pepper).secret.slice(12);
  const unknown = makeSecret(network.pepper).secret;
  for (const wrong of ['', 'x', secret.slice(0, -1), `${secret}0`, forged, unknown]) {
    expect(await fault(authenticate(network, wrong))).toEqual(REFUSED);
  }
});

test('refuses a key once it is revoked', async () => {
  await using network = await startNetwork();
  const secret = await makeKey(network);
  await network.as('operator').revokeApiKey({ apiKeyId: 'key-1' });
  expect(await fault(authenticate(network, secret))).toEqual(REFUSED);
});

test('refuses a key from its expire_time on', async () => {
  await using network = await startNetwork();
  const secret = await makeKey(network, { expireTime: timestamp(new Date(NOW.getTime() + 1_000)) });
  network.clock.tick(999);
  await authenticate(network, secret);
  network.clock.tick(1);
  expect(await fault(authenticate(network, secret))).toEqual(REFUSED);
});

test('refuses a key that was stored under another pepper', async () => {
  await using network = await startNetwork();
  const pepper = Buffer.from('of another installation');
  const secret = await createOperatorKey({ pool: network.pool, pepper, now: network.clock.now });
  expect(await fault(authenticate(network, secret))).toEqual(REFUSED);
});

test('is for services only', async () => {
  await using network = await startNetwork();
  const secret = await makeKey(network);
  for (const who of ['operator', 'merchant:shop', 'courier:swift'] as const) {
    const call = network.as(who).authenticateApiKey({ secret });
    expect(await fault(call)).toMatchObject({ reason: 'SCOPE_MISSING' });
  }
});

test('tells nothing of a fault of its own', async () => {
  await using network = await startNetwork();
  const secret = await makeKey(network);
  await network.db.query('alter table network.api_key rename to elsewhere');
  expect(await fault(authenticate(network, secret))).toEqual({
    reason: 'INTERNAL',
    field: '',
    text: 'internal error',
  });
});

async function makeKey(
  network: TestNetwork,
  change: Parameters<typeof apiKey>[1] = {},
): Promise<string> {
  const operator = network.as('operator');
  await operator.createMerchant({ merchant: merchant('shop') });
  return (await operator.createApiKey({ apiKey: apiKey('key-1', change) })).secret;
}

function authenticate(network: TestNetwork, secret: string) {
  return network.as('service:waybill').authenticateApiKey({ secret });
}
