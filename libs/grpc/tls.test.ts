import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { makeAuthority, makeCertificate, type Validity } from '#deploy/local/certificates';
import { NetworkService } from '#proto/queqiao/network/v1/network_service';
import { failure, SERVICE_SECRET, startFixture } from './fixture.ts';
import type { ClientOptions, TlsFiles } from './index.ts';
import { serverCredentials } from './tls.ts';

const DAY_MS = 24 * 3_600_000;
const VALID: Validity = { from: new Date(Date.now() - DAY_MS), to: new Date(Date.now() + DAY_MS) };
const EXPIRED: Validity = { from: new Date(Date.now() - 2 * DAY_MS), to: new Date(Date.now() - 1) };
const HOSTS = ['network.queqiao.internal', 'localhost', '127.0.0.1', '::1'];

const authority = await makeAuthority('Queqiao test CA', VALID);
const stranger = await makeAuthority('Another CA', VALID);
let folder: string;
let caFile: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'queqiao-tls-'));
  caFile = join(folder, 'ca.pem');
  await writeFile(caFile, authority.certificate);
});
afterAll(() => rm(folder, { recursive: true }));

async function files(
  name: string,
  { hosts = [`${name}.queqiao.internal`], validity = VALID, by = authority, change = {} } = {},
): Promise<TlsFiles> {
  const { certificate, key } = await makeCertificate(by, hosts, validity);
  const path = (ending: string) => join(folder, `${name}-${ending}.pem`);
  await writeFile(path('cert'), certificate);
  await writeFile(path('key'), key);
  return { certFile: path('cert'), keyFile: path('key'), caFile, ...change };
}

async function serve(tls?: TlsFiles) {
  const own = tls ?? (await files('network', { hosts: HOSTS }));
  const handlers = { getMerchant: () => ({}), listMerchants: () => ({}) };
  return startFixture(handlers, { tls: own, serviceSecret: SERVICE_SECRET });
}

function as(certificate: TlsFiles, service = 'network'): Partial<ClientOptions> {
  return { credentials: { certificate, service }, deadlineMs: 5_000 };
}

describe('TLS', () => {
  it('lets in a caller with a key, who shows no certificate', async () => {
    await using it = await serve();
    for (const host of ['127.0.0.1', 'localhost']) {
      const address = it.server.address.replace('127.0.0.1', host);
      const client = it.connect(NetworkService, { caFile, address });
      expect(await client.getMerchant({})).toBeDefined();
    }
  });

  it('turns away who speaks plainly, or does not trust the authority', async () => {
    await using it = await serve();
    expect(await failure(it.client.getMerchant({}, { deadlineMs: 2_000 }))).toMatchObject({
      reason: expect.stringMatching(/DEPENDENCY_DOWN|DEADLINE_EXCEEDED/),
    });
    const other = join(folder, 'stranger.pem');
    await writeFile(other, stranger.certificate);
    const client = it.connect(NetworkService, { caFile: other, deadlineMs: 2_000 });
    expect(await failure(client.getMerchant({}))).toMatchObject({
      reason: expect.stringMatching(/DEPENDENCY_DOWN|DEADLINE_EXCEEDED/),
    });
  });

  it('does not start with files that cannot serve', async () => {
    const good = await files('good');
    const other = await files('other');
    const missing = join(folder, 'none.pem');
    expect(() => serverCredentials({ ...good, certFile: missing })).toThrow('cannot read');
    expect(() => serverCredentials({ ...good, keyFile: other.keyFile })).toThrow(
      'no certificate with its key',
    );
    expect(() => serverCredentials({ ...good, caFile: missing })).toThrow('cannot read');
  });

  it('takes a new certificate without a restart', async () => {
    const tls = { ...(await files('network', { hosts: HOSTS })), refreshMs: 50 };
    await using it = await serve(tls);
    const fresh = await makeAuthority('The next CA', VALID);
    const next = await makeCertificate(fresh, HOSTS, VALID);
    const nextCa = join(folder, 'next-ca.pem');
    await writeFile(nextCa, fresh.certificate);
    await writeFile(tls.certFile, next.certificate);
    await writeFile(tls.keyFile, next.key);
    await vi.waitFor(async () => {
      const client = it.connect(NetworkService, { caFile: nextCa, deadlineMs: 500 });
      await client.getMerchant({});
    }, 10_000);
  });
});

describe('a service with a certificate', () => {
  it('is the one that its certificate names, and calls what it is listed for', async () => {
    await using it = await serve();
    const client = it.connect(NetworkService, as(await files('waybill')));
    expect(await client.getMerchant({})).toBeDefined();
    expect(it.calls()).toMatchObject([{ identity_kind: 'service', identity_id: 'waybill' }]);
    expect(await failure(client.listMerchants({}))).toMatchObject({
      reason: 'SERVICE_NOT_ALLOWED',
      metadata: { service: 'waybill' },
    });
  });

  it.each<[string, object, string]>([
    ['another authority', { by: stranger }, 'CERTIFICATE_MISSING'],
    ['a certificate that has ended', { validity: EXPIRED }, 'CERTIFICATE_MISSING'],
    ['a name of no service', { hosts: ['shop.example.com'] }, 'CERTIFICATE_MISSING'],
    [
      'two names',
      { hosts: ['waybill.queqiao.internal', 'network.queqiao.internal'] },
      'CERTIFICATE_MISSING',
    ],
    ['a longer name', { hosts: ['a.waybill.queqiao.internal'] }, 'CERTIFICATE_MISSING'],
    ['a name that nobody lists', { hosts: ['routing.queqiao.internal'] }, 'SERVICE_NOT_ALLOWED'],
  ])('is refused with %s', async (_, change, reason) => {
    await using it = await serve();
    const client = it.connect(NetworkService, as(await files('caller', change)));
    expect(await failure(client.getMerchant({}))).toMatchObject({ reason });
  });

  it('is refused without one, whatever secret it shares or word it says', async () => {
    await using it = await serve();
    const secret = { serviceName: 'waybill', secret: SERVICE_SECRET };
    const client = it.connect(NetworkService, { caFile, credentials: secret });
    expect(await failure(client.getMerchant({}))).toMatchObject({ reason: 'CERTIFICATE_MISSING' });
    const apiKey = 'svc.certificate';
    const word = it.connect(NetworkService, { caFile, credentials: { apiKey } });
    expect(await failure(word.getMerchant({}))).toMatchObject({ reason: 'CERTIFICATE_MISSING' });
  });

  it('does not talk to a server that is not the service it calls', async () => {
    await using it = await serve(await files('impostor', { hosts: ['shop.queqiao.internal'] }));
    const client = it.connect(NetworkService, { ...as(await files('waybill')), deadlineMs: 2_000 });
    expect(await failure(client.getMerchant({}))).toMatchObject({
      reason: expect.stringMatching(/DEPENDENCY_DOWN|DEADLINE_EXCEEDED/),
    });
  });

  it('still uses the secret where there is no TLS, and says nothing of certificates', async () => {
    const handlers = { getMerchant: () => ({}) };
    await using it = await startFixture(handlers, { serviceSecret: SERVICE_SECRET });
    const credentials = { serviceName: 'waybill', secret: SERVICE_SECRET };
    expect(await it.connect(NetworkService, { credentials }).getMerchant({})).toBeDefined();
  });
});
