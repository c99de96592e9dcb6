import { isIP } from 'node:net';
import type { generate as Generate } from 'selfsigned';

/**
 * A certificate authority of one's own and certificates by it (X.509 v3, P-256), for development
 * and tests. What stands before the public comes from a real authority.
 */
export async function makeAuthority(name: string, validity: Validity): Promise<Authority> {
  const { cert, private: key } = await issue(commonName(name), {
    ...optionsOf(validity),
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'keyUsage', keyCertSign: true, cRLSign: true, critical: true },
    ],
  });
  return { certificate: cert, key };
}

/** A certificate for these DNS names and addresses, with its private key; both in PEM. */
export async function makeCertificate(
  authority: Authority,
  hosts: readonly string[],
  validity: Validity,
): Promise<{ certificate: string; key: string }> {
  const { cert, private: key } = await issue(commonName(hosts[0] ?? ''), {
    ...optionsOf(validity),
    ca: { cert: authority.certificate, key: authority.key },
    extensions: [
      { name: 'keyUsage', digitalSignature: true, critical: true },
      // A service shows it as a server and as a client.
      { name: 'extKeyUsage', serverAuth: true, clientAuth: true },
      {
        name: 'subjectAltName',
        altNames: hosts.map((host) =>
          isIP(host) === 0 ? { type: 2, value: host } : { type: 7, ip: host },
        ),
      },
    ],
  });
  return { certificate: cert, key };
}

/** Loaded when it is needed: it takes 0.2 s and 15 MB, which no server should spend. */
const issue: typeof Generate = async (...given) => (await import('selfsigned')).generate(...given);

function commonName(value: string) {
  return [{ name: 'commonName', value }];
}

function optionsOf({ from, to }: Validity) {
  const kind = { keyType: 'ec', curve: 'P-256', algorithm: 'sha256' } as const;
  return { ...kind, notBeforeDate: from, notAfterDate: to };
}

export type Validity = { from: Date; to: Date };
/** Both in PEM. */
export type Authority = { certificate: string; key: string };
