import { generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';
import { isIP, SocketAddress } from 'node:net';

/**
 * A certificate authority of one's own and certificates by it (X.509 v3, P-256), for development
 * and tests. What stands before the public comes from a real authority.
 */
export function makeAuthority(name: string, validity: Validity): Authority {
  const keys = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const extensions = [
    extension(OID.basicConstraints, sequence(BOOLEAN_TRUE), true),
    // keyCertSign and cRLSign.
    extension(OID.keyUsage, Buffer.from([0x03, 0x02, 0x01, 0x06]), true),
  ];
  const subject = { name, key: keys.publicKey };
  const certificate = issue({ issuer: name, key: keys.privateKey, subject, validity, extensions });
  return { name, certificate, key: keys.privateKey };
}

/** A certificate for these DNS names and addresses, with its private key; both in PEM. */
export function makeCertificate(
  authority: Authority,
  hosts: readonly string[],
  validity: Validity,
): { certificate: string; key: string } {
  const keys = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const certificate = issue({
    issuer: authority.name,
    key: authority.key,
    subject: { name: hosts[0] ?? '', key: keys.publicKey },
    validity,
    extensions: [extension(OID.subjectAltName, sequence(...hosts.map(generalName)), false)],
  });
  const key = keys.privateKey.export({ format: 'pem', type: 'pkcs8' }) as string;
  return { certificate, key };
}

/** RFC 5280, section 4.1. */
function issue({ issuer, key, subject, validity, extensions }: Issue): string {
  const algorithm = sequence(oid(OID.ecdsaWithSha256));
  const body = sequence(
    tagged(0xa0, integer(Buffer.from([2]))),
    integer(randomBytes(16)),
    algorithm,
    commonName(issuer),
    sequence(time(validity.from), time(validity.to)),
    commonName(subject.name),
    subject.key.export({ format: 'der', type: 'spki' }),
    tagged(0xa3, sequence(...extensions)),
  );
  const signature = sign('sha256', body, key);
  const der = sequence(body, algorithm, tagged(0x03, Buffer.from([0]), signature));
  const lines = der.toString('base64').match(/.{1,64}/g) ?? [];
  return ['-----BEGIN CERTIFICATE-----', ...lines, '-----END CERTIFICATE-----', ''].join('\n');
}

function extension(id: string, value: Buffer, isCritical: boolean): Buffer {
  return sequence(oid(id), ...(isCritical ? [BOOLEAN_TRUE] : []), tagged(0x04, value));
}

function generalName(host: string): Buffer {
  const family = isIP(host);
  if (family === 0) return tagged(0x82, Buffer.from(host, 'ascii'));
  return tagged(0x87, family === 4 ? Buffer.from(host.split('.').map(Number)) : bytesOfIpv6(host));
}

/** In the full form that Node writes, without `::`. */
function bytesOfIpv6(host: string): Buffer {
  const { address } = new SocketAddress({ address: host, family: 'ipv6' });
  const [head = '', tail = ''] = address.split('::');
  const groupsOf = (text: string) => (text === '' ? [] : text.split(':'));
  const [first, last] = [groupsOf(head), groupsOf(tail)];
  const zeros = Array<string>(8 - first.length - last.length).fill('0');
  const groups = [...first, ...zeros, ...last];
  return Buffer.from(groups.map((group) => group.padStart(4, '0')).join(''), 'hex');
}

function commonName(name: string): Buffer {
  const attribute = sequence(oid(OID.commonName), tagged(0x0c, Buffer.from(name)));
  return sequence(tagged(0x31, attribute));
}

/** UTCTime, good until 2049. */
function time(date: Date): Buffer {
  const digits = date.toISOString().replace(/[-:T]/g, '').slice(2, 14);
  return tagged(0x17, Buffer.from(`${digits}Z`, 'ascii'));
}

function integer(bytes: Buffer): Buffer {
  // Positive and without a zero that needs not be there.
  const value = Buffer.from(bytes);
  value.writeUInt8((value.readUInt8(0) & 0x7f) | (bytes.length > 1 ? 0x40 : 0), 0);
  return tagged(0x02, value);
}

function oid(text: string): Buffer {
  const [first = 0, second = 0, ...rest] = text.split('.').map(Number);
  const bytes = [40 * first + second];
  for (const part of rest) {
    const septets = [part & 0x7f];
    for (let left = part >> 7; left > 0; left >>= 7) septets.unshift((left & 0x7f) | 0x80);
    bytes.push(...septets);
  }
  return tagged(0x06, Buffer.from(bytes));
}

function sequence(...parts: Buffer[]): Buffer {
  return tagged(0x30, ...parts);
}

/** Distinguished Encoding Rules: a tag, the length, the contents. */
function tagged(tag: number, ...parts: Buffer[]): Buffer {
  const { length } = Buffer.concat(parts);
  if (length < 0x80) return Buffer.concat([Buffer.from([tag, length]), ...parts]);
  const head = Buffer.from([tag, 0x82, length >> 8, length & 0xff]);
  return Buffer.concat([length < 0x100 ? Buffer.from([tag, 0x81, length]) : head, ...parts]);
}

const BOOLEAN_TRUE = Buffer.from([0x01, 0x01, 0xff]);

const OID = {
  commonName: '2.5.4.3',
  keyUsage: '2.5.29.15',
  subjectAltName: '2.5.29.17',
  basicConstraints: '2.5.29.19',
  ecdsaWithSha256: '1.2.840.10045.4.3.2',
} as const;

type Issue = {
  issuer: string;
  key: KeyObject;
  subject: { name: string; key: KeyObject };
  validity: Validity;
  extensions: Buffer[];
};
export type Validity = { from: Date; to: Date };
export type Authority = { name: string; certificate: string; key: KeyObject };
