import { generateKeyPairSync } from 'node:crypto';
import { SignJWT } from 'jose';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { Code, RpcError } from '#libs/errors';
import { Subject_Kind } from '#proto/queqiao/network/v1/api_key';
import { TokenIssuer_State } from '#proto/queqiao/network/v1/token_issuer';
import { testFolder } from '#test/support/folder';
import {
  parcelOf,
  type SeededMerchant,
  seedMerchant,
  type TestSystem,
  testSystem,
} from '#test/support/system';
import { certCommand } from '../../services/cli/cert.ts';
import { cli } from '../../services/cli/commands/cli.fixture.ts';
import { networkCommands } from '../../services/cli/commands/network.ts';

// What callers prove themselves with, through the whole system: keys, tokens, limits.

let system: TestSystem;
let shop: SeededMerchant;
beforeAll(async () => {
  system = await testSystem();
  shop = await seedMerchant(system);
});
afterAll(() => system[Symbol.asyncDispose]());

async function keyOf(apiKeyId: string, change: object): Promise<string> {
  const subject = { kind: Subject_Kind.MERCHANT, id: shop.merchantId };
  const scopes = ['waybill.issue', 'waybill.read'];
  const apiKey = { apiKeyId, subject, scopes, ...change };
  return (await system.network().createApiKey({ apiKey })).secret;
}

async function refusal(call: Promise<unknown>): Promise<RpcError> {
  const error = await call.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (error instanceof RpcError) return error;
  throw error ?? new Error('it was not refused');
}

describe('a key', () => {
  it('opens from its networks alone; the refusal names the address', async () => {
    const near = system.waybill(await keyOf('near', { allowedCidrs: ['::1', '127.0.0.0/8'] }));
    expect((await near.listWaybills({})).waybills).toEqual([]);
    const far = system.waybill(await keyOf('far', { allowedCidrs: ['203.0.113.0/24'] }));
    expect(await refusal(far.listWaybills({}))).toMatchObject({
      code: Code.PERMISSION_DENIED,
      reason: 'ADDRESS_NOT_ALLOWED',
      metadata: { address: '127.0.0.1' },
    });
  });

  it('is held to its rate, and told when to come back', async () => {
    const client = system.waybill(await keyOf('slow', { limits: { callsPerS: 1, burstCount: 3 } }));
    const calls = Array.from({ length: 8 }, () => client.listWaybills({}));
    const outcomes = await Promise.allSettled(calls);
    const refused = outcomes.filter(({ status }) => status === 'rejected');
    // One more may have grown while the calls came in.
    expect(refused.length).toBeGreaterThanOrEqual(4);
    const [first] = refused as PromiseRejectedResult[];
    expect(first?.reason).toMatchObject({ code: Code.RESOURCE_EXHAUSTED, reason: 'RATE_LIMITED' });
    expect(first?.reason.retryAfterMs).toBeGreaterThan(0);
    expect(first?.reason.retryAfterMs).toBeLessThanOrEqual(1_000);
    // Another key of the same merchant is another caller.
    await system.waybill(shop.apiKey).listWaybills({});
  });

  it('and its successor open together, and the old one ends when it is revoked', async () => {
    const old = system.waybill(await keyOf('turn-1', {}));
    await old.listWaybills({});
    const rotated = await system
      .network()
      .rotateApiKey({ apiKeyId: 'turn-1', successorId: 'turn-2' });
    await old.listWaybills({});
    await system.waybill(rotated.secret).listWaybills({});
    await system.network().revokeApiKey({ apiKeyId: 'turn-1' });
    await vi.waitFor(async () => {
      expect(await refusal(old.listWaybills({}))).toMatchObject({ reason: 'API_KEY_INVALID' });
    }, 10_000);
    await system.waybill(rotated.secret).listWaybills({});
  });
});

describe('a token', () => {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const jwks = JSON.stringify({ keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'k' }] });
  const issuer = 'https://id.shop.example';
  const sign = (change: object = {}) =>
    new SignJWT({ tid: shop.merchantId, scope: 'waybill.read waybill.issue', ...change })
      .setProtectedHeader({ alg: 'EdDSA', kid: 'k' })
      .setIssuer(issuer)
      .setAudience('queqiao')
      .setSubject('print-station-7')
      .setExpirationTime('5m')
      .sign(privateKey);

  it('issues for its merchant, and stops when its issuer is disabled', async () => {
    const client = system.waybill(await sign());
    expect(await refusal(client.listWaybills({}))).toMatchObject({ reason: 'TOKEN_INVALID' });
    const { tokenIssuer } = await system.network().createTokenIssuer({
      tokenIssuer: {
        tokenIssuerId: 'shop-idp',
        issuer,
        audience: 'queqiao',
        jwks,
        subject: { kind: Subject_Kind.MERCHANT, id: shop.merchantId },
        scopes: ['waybill.issue', 'waybill.read'],
      },
    });
    await vi.waitFor(async () => client.listWaybills({}), 10_000);
    const { issued } = await client.issueWaybill({ parcel: parcelOf(shop, 'BY-TOKEN') });
    expect(issued?.waybillNumber).toMatch(/^Q/);
    const other = system.waybill(await sign({ tid: 'somebody-else' }));
    expect(await refusal(other.listWaybills({}))).toMatchObject({
      reason: 'TOKEN_INVALID',
      metadata: { problem: 'tid' },
    });
    if (tokenIssuer === undefined) throw new Error('no issuer');
    tokenIssuer.state = TokenIssuer_State.DISABLED;
    await system.network().updateTokenIssuer({ tokenIssuer });
    await vi.waitFor(async () => {
      expect(await refusal(client.listWaybills({}))).toMatchObject({ reason: 'TOKEN_INVALID' });
    }, 10_000);
  });

  it('stands in no log line', async () => {
    const token = await sign();
    await refusal(system.waybill(token).listWaybills({}));
    expect(system.logged()).not.toContain(token.split('.')[2]);
  });
});

describe('a system over TLS', () => {
  it('serves keys, and its services know each other by their certificates', async () => {
    await using folder = await testFolder();
    const env = { QUEQIAO_STATE_DIR: folder.path };
    const made = await cli([certCommand], ['cert', '--json'], { env });
    const [files] = made.json() as Record<string, string>[];
    const tls = {
      certFile: files?.['QUEQIAO_TLS_CERT_FILE'] ?? '',
      keyFile: files?.['QUEQIAO_TLS_KEY_FILE'] ?? '',
      caFile: files?.['QUEQIAO_TLS_CA_FILE'] ?? '',
    };
    await using secure = await testSystem({ tls });
    const merchant = await seedMerchant(secure);
    const { issued } = await secure
      .waybill(merchant.apiKey)
      .issueWaybill({ parcel: parcelOf(merchant, 'OVER-TLS') });
    expect(issued?.waybillNumber).toMatch(/^Q/);
    // Keys were looked up by a service that showed its certificate.
    expect(secure.logged()).toContain('"identity_kind":"service","identity_id":"network"');
    const { address, operatorKey: apiKey } = secure;
    const commands = [networkCommands];
    const plainly = await cli(commands, ['merchant', 'list'], { address, apiKey });
    expect(plainly.exit).not.toBe(0);
    const trusting = { QUEQIAO_TLS_CA_FILE: tls.caFile };
    const listed = await cli(commands, ['merchant', 'list'], { address, apiKey, env: trusting });
    expect(listed).toMatchObject({ exit: 0, stderr: '' });
  }, 60_000);
});
