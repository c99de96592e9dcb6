import { generateKeyPairSync } from 'node:crypto';
import { create } from '@bufbuild/protobuf';
import { expect, test } from 'vitest';
import { Subject_Kind, SubjectSchema } from '#proto/queqiao/network/v1/api_key';
import { TokenIssuer_State } from '#proto/queqiao/network/v1/token_issuer';
import { courier, fault, merchant, startNetwork, type TestNetwork, walk } from '../test-network.ts';

const ED25519 = generateKeyPairSync('ed25519');
const P256 = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const KEYS = [
  { ...ED25519.publicKey.export({ format: 'jwk' }), kid: 'a' },
  { ...P256.publicKey.export({ format: 'jwk' }), kid: 'b' },
];
const JWKS = JSON.stringify({ keys: KEYS });

function issuer(tokenIssuerId: string, change: object = {}) {
  return {
    tokenIssuerId,
    issuer: `https://id.example/${tokenIssuerId}`,
    audience: 'queqiao',
    jwks: JWKS,
    subject: { kind: Subject_Kind.MERCHANT, id: 'shop' },
    scopes: ['waybill.issue', 'waybill.read'],
    ...change,
  };
}

test('registers an issuer once, also of several at once, and reads it', async () => {
  await using network = await seeded();
  const operator = network.as('operator');
  const call = () => operator.createTokenIssuer({ tokenIssuer: issuer('idp') });
  const outcomes = await network.atOnce('token_issuer', Array(4).fill(call));
  for (const outcome of outcomes) expect(outcome).toEqual(outcomes[0]);
  const { tokenIssuer } = await operator.getTokenIssuer({ tokenIssuerId: 'idp' });
  expect(tokenIssuer).toMatchObject({ ...issuer('idp'), state: TokenIssuer_State.ACTIVE });
  expect((await call()).tokenIssuer).toEqual(tokenIssuer);
  const announced = (await network.events()).filter(({ kind }) => kind === 'token_issuer');
  expect(announced).toMatchObject([{ id: 'idp', version: 1n }]);
  const other = operator.createTokenIssuer({ tokenIssuer: issuer('idp', { audience: 'x' }) });
  expect(await fault(other)).toMatchObject({ reason: 'RESOURCE_EXISTS', id: 'idp' });
});

test('changes what is not fixed, by the etag of what was read', async () => {
  await using network = await seeded();
  const operator = network.as('operator');
  const { tokenIssuer } = await operator.createTokenIssuer({ tokenIssuer: issuer('idp') });
  const change = { ...tokenIssuer, state: TokenIssuer_State.DISABLED, audience: 'other' };
  const updated = await operator.updateTokenIssuer({ tokenIssuer: change as never });
  expect(updated.tokenIssuer).toMatchObject({
    state: TokenIssuer_State.DISABLED,
    audience: 'other',
  });
  const stale = operator.updateTokenIssuer({ tokenIssuer: change as never });
  expect(await fault(stale)).toMatchObject({ reason: 'CONFLICT' });
  const other = { kind: Subject_Kind.MERCHANT, id: 'other' };
  for (const fixed of [{ issuer: 'x' }, { subject: create(SubjectSchema, other) }]) {
    const given = { ...updated.tokenIssuer, ...fixed } as never;
    const call = operator.updateTokenIssuer({ tokenIssuer: given });
    expect(await fault(call)).toMatchObject({ reason: 'FIELD_INVALID', problem: 'FIXED' });
  }
  const none = { ...updated.tokenIssuer, tokenIssuerId: 'none' } as never;
  expect(await fault(operator.updateTokenIssuer({ tokenIssuer: none }))).toMatchObject({
    reason: 'TOKEN_ISSUER_NOT_FOUND',
  });
});

test('lists in pages, for operators and services alone', async () => {
  await using network = await seeded();
  const operator = network.as('operator');
  for (const id of ['c-3', 'a-1', 'b-2']) {
    await operator.createTokenIssuer({ tokenIssuer: issuer(id) });
  }
  const pages = await walk(async (pageToken) => {
    const page = await network.as('service:waybill').listTokenIssuers({ pageSize: 2, pageToken });
    return {
      ids: page.tokenIssuers.map(({ tokenIssuerId }) => tokenIssuerId),
      nextPageToken: page.nextPageToken,
    };
  });
  expect(pages).toEqual([['a-1', 'b-2'], ['c-3']]);
  for (const who of ['merchant:shop', 'courier:swift'] as const) {
    expect(await fault(network.as(who).listTokenIssuers({}))).toMatchObject({
      reason: 'SCOPE_MISSING',
    });
    const get = network.as(who).getTokenIssuer({ tokenIssuerId: 'a-1' });
    expect(await fault(get)).toMatchObject({ reason: 'SCOPE_MISSING' });
  }
  const missing = operator.getTokenIssuer({ tokenIssuerId: 'none' });
  expect(await fault(missing)).toMatchObject({ reason: 'TOKEN_ISSUER_NOT_FOUND', id: 'none' });
});

test('refuses what stands elsewhere already or belongs to nobody', async () => {
  await using network = await seeded();
  const operator = network.as('operator');
  await operator.createTokenIssuer({ tokenIssuer: issuer('idp') });
  const same = issuer('two', { issuer: 'https://id.example/idp' });
  expect(await fault(operator.createTokenIssuer({ tokenIssuer: same }))).toMatchObject({
    reason: 'ISSUER_TAKEN',
  });
  const nobody = issuer('two', { subject: { kind: Subject_Kind.MERCHANT, id: 'none' } });
  expect(await fault(operator.createTokenIssuer({ tokenIssuer: nobody }))).toMatchObject({
    reason: 'MERCHANT_NOT_FOUND',
    id: 'none',
  });
});

test('names the field at fault', async () => {
  await using network = await seeded();
  const [ed, ec] = KEYS;
  const jwks = (...keys: object[]) => ({ jwks: JSON.stringify({ keys }) });
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey;
  const secret = ED25519.privateKey.export({ format: 'jwk' });
  const faults: [object, string, string][] = [
    [{ tokenIssuerId: 'IdP' }, 'token_issuer_id', 'SLUG'],
    [{ issuer: '' }, 'issuer', 'REQUIRED'],
    [{ issuer: 'with space' }, 'issuer', 'TOKEN_TEXT'],
    [{ audience: 'x'.repeat(257) }, 'audience', 'TOKEN_TEXT'],
    [{ subject: undefined }, 'subject', 'REQUIRED'],
    [{ subject: { kind: Subject_Kind.OPERATOR } }, 'subject.kind', 'UNKNOWN_VALUE'],
    [{ scopes: [] }, 'scopes', 'LIST_SIZE'],
    [{ scopes: ['network.write'] }, 'scopes[0]', 'SCOPE'],
    [{ state: 9 }, 'state', 'UNKNOWN_VALUE'],
    [{ allowedCidrs: Array(33).fill('::/0') }, 'allowed_cidrs', 'LIST_SIZE'],
    [{ allowedCidrs: ['::/0', '10.0.0.0/33'] }, 'allowed_cidrs[1]', 'CIDR'],
    [{ limits: { callsPerS: -1 } }, 'limits.calls_per_s', 'OUT_OF_RANGE'],
    [{ limits: { burstCount: 1_000_001 } }, 'limits.burst_count', 'OUT_OF_RANGE'],
    [{ limits: { waybillsPerDay: -1n } }, 'limits.waybills_per_day', 'OUT_OF_RANGE'],
    [{ jwks: '' }, 'jwks', 'REQUIRED'],
    [{ jwks: ' '.repeat(16_385) }, 'jwks', 'TOO_LONG'],
    [{ jwks: 'no json' }, 'jwks', 'JWKS'],
    [{ jwks: 'null' }, 'jwks', 'JWKS'],
    [jwks(), 'jwks', 'JWKS'],
    [jwks({ ...ed, kid: undefined }), 'jwks', 'JWKS'],
    [jwks({ ...ed }, { ...ec, kid: 'a' }), 'jwks', 'JWKS'],
    [jwks({ ...secret, kid: 'a' }), 'jwks', 'JWKS'],
    [jwks({ kty: 'oct', k: 'c2VjcmV0', kid: 'a' }), 'jwks', 'JWKS'],
    [jwks({ ...rsa.export({ format: 'jwk' }), kid: 'a' }), 'jwks', 'JWKS'],
    [jwks({ ...ec, x: 'AAAA' }), 'jwks', 'JWKS'],
  ];
  for (const [change, field, problem] of faults) {
    const call = network
      .as('operator')
      .createTokenIssuer({ tokenIssuer: issuer('idp', change) as never });
    expect(await fault(call), field).toEqual({
      reason: 'FIELD_INVALID',
      field: `token_issuer.${field}`,
      problem,
    });
  }
});

async function seeded(): Promise<TestNetwork> {
  const network = await startNetwork();
  const operator = network.as('operator');
  await operator.createMerchant({ merchant: merchant('shop') });
  await operator.createCourier({ courier: courier('swift') });
  return network;
}
