import { expect, test } from 'vitest';
import { ApiKey_State, Subject_Kind } from '#proto/queqiao/network/v1/api_key';
import {
  apiKey,
  courier,
  fault,
  merchant,
  NOW,
  startNetwork,
  type TestNetwork,
  timestamp,
} from '../test-network.ts';

test('answers the key with its secret, which is stored nowhere', async () => {
  await using network = await seeded();
  const expireTime = timestamp(new Date(NOW.getTime() + 1_000));
  const given = apiKey('key-1', { expireTime });
  const answer = await network.as('operator').createApiKey({ apiKey: given });
  expect(answer.secret).toMatch(/^qq_[0-9A-Za-z]{8}_[0-9A-Za-z]{43}$/);
  expect(answer.apiKey).toMatchObject({
    ...given,
    state: ApiKey_State.ACTIVE,
    keyPrefix: answer.secret.slice(0, 11),
    expireTime,
    createTime: timestamp(NOW),
  });
  expect(answer.apiKey?.revokeTime).toBeUndefined();
  const [row] = await network.db.query<{ whole: string }>(
    'select api_key::text as whole from network.api_key',
  );
  expect(row?.whole).toContain(answer.secret.slice(3, 11));
  const [, , hidden = ''] = answer.secret.split('_');
  expect(row?.whole).not.toContain(hidden);
  expect(row?.whole).not.toContain(Buffer.from(hidden).toString('hex'));
});

test('announces the key without anything of the secret', async () => {
  await using network = await seeded();
  const { secret } = await network.as('operator').createApiKey({ apiKey: apiKey('key-1') });
  expect((await network.events()).at(-1)).toEqual({
    subject: 'queqiao.v1.network.api_key.changed',
    kind: 'api_key',
    id: 'key-1',
    version: 1n,
  });
  const payloads = await network.db.query<{ text: string }>(
    `select encode(payload, 'escape') as text from network.outbox`,
  );
  for (const { text } of payloads) expect(text).not.toContain(secret.slice(3, 11));
});

test('makes keys of operators, merchants and couriers', async () => {
  await using network = await seeded();
  const operator = network.as('operator');
  const subjects = [
    { kind: Subject_Kind.OPERATOR, id: '' },
    { kind: Subject_Kind.MERCHANT, id: 'shop' },
    { kind: Subject_Kind.COURIER, id: 'swift' },
  ];
  for (const [i, subject] of subjects.entries()) {
    const given = apiKey(`key-${i}`, { subject, scopes: ['network.read'] });
    expect((await operator.createApiKey({ apiKey: given })).apiKey?.subject).toMatchObject(subject);
  }
  const strangers = [
    [{ kind: Subject_Kind.MERCHANT, id: 'none' }, 'MERCHANT_NOT_FOUND'],
    [{ kind: Subject_Kind.COURIER, id: 'shop' }, 'COURIER_NOT_FOUND'],
  ] as const;
  for (const [subject, reason] of strangers) {
    const given = apiKey('key-x', { subject, scopes: ['network.read'] });
    const call = operator.createApiKey({ apiKey: given });
    expect(await fault(call)).toEqual({ reason, field: '', id: subject.id });
  }
});

test('names the field at fault', async () => {
  await using network = await seeded();
  const past = timestamp(NOW);
  const faults: [Parameters<typeof apiKey>[1], string, string][] = [
    [{ apiKeyId: '' }, 'api_key_id', 'REQUIRED'],
    [{ apiKeyId: 'Key' }, 'api_key_id', 'SLUG'],
    [{ subject: undefined }, 'subject', 'REQUIRED'],
    [{ subject: { id: 'shop' } }, 'subject.kind', 'REQUIRED'],
    [{ subject: { kind: Subject_Kind.SERVICE, id: 'waybill' } }, 'subject.kind', 'UNKNOWN_VALUE'],
    [{ subject: { kind: Subject_Kind.MERCHANT } }, 'subject.id', 'REQUIRED'],
    [{ subject: { kind: Subject_Kind.OPERATOR, id: 'me' } }, 'subject.id', 'NOT_ALLOWED'],
    [{ scopes: [] }, 'scopes', 'LIST_SIZE'],
    [{ scopes: Array(21).fill('waybill.read') }, 'scopes', 'LIST_SIZE'],
    [{ scopes: ['waybill.read', 'network.write'] }, 'scopes[1]', 'SCOPE'],
    [{ scopes: ['key.authenticate'] }, 'scopes[0]', 'SCOPE'],
    [{ scopes: ['constructor'] }, 'scopes[0]', 'SCOPE'],
    [{ scopes: ['waybill.read', 'waybill.read'] }, 'scopes[1]', 'REPEATED'],
    [{ expireTime: past }, 'expire_time', 'IN_THE_PAST'],
    [{ expireTime: { seconds: 2n ** 40n } }, 'expire_time', 'OUT_OF_RANGE'],
    [{ expireTime: { seconds: -1n } }, 'expire_time', 'OUT_OF_RANGE'],
  ];
  for (const [given, field, problem] of faults) {
    const call = network.as('operator').createApiKey({ apiKey: apiKey('key-1', given) });
    expect(await fault(call)).toEqual({
      reason: 'FIELD_INVALID',
      field: `api_key.${field}`,
      problem,
    });
  }
});

test('never shows a secret twice: a repeat is refused', async () => {
  await using network = await seeded();
  const operator = network.as('operator');
  await operator.createApiKey({ apiKey: apiKey('key-1') });
  const again = operator.createApiKey({ apiKey: apiKey('key-1') });
  expect(await fault(again)).toEqual({ reason: 'RESOURCE_EXISTS', field: '', id: 'key-1' });
});

test('makes one key of several creates at once', async () => {
  await using network = await seeded();
  const call = () => network.as('operator').createApiKey({ apiKey: apiKey('key-1') });
  const outcomes = await network.atOnce('api_key', Array(6).fill(call));
  expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
});

test('is for operators only', async () => {
  await using network = await seeded();
  for (const who of ['merchant:shop', 'courier:swift', 'service:waybill'] as const) {
    const call = network.as(who).createApiKey({ apiKey: apiKey('key-1') });
    expect(await fault(call)).toMatchObject({ reason: 'SCOPE_MISSING' });
  }
});

test('tells nothing of a fault of its own', async () => {
  await using network = await seeded();
  await network.db.query('alter table network.api_key rename to elsewhere');
  const call = network.as('operator').createApiKey({ apiKey: apiKey('key-1') });
  expect(await fault(call)).toEqual({ reason: 'INTERNAL', field: '', text: 'internal error' });
});

async function seeded(): Promise<TestNetwork> {
  const network = await startNetwork();
  const operator = network.as('operator');
  await operator.createMerchant({ merchant: merchant('shop') });
  await operator.createCourier({ courier: courier('swift') });
  return network;
}
