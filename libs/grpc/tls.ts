import { readFileSync } from 'node:fs';
import { createSecureContext, type PeerCertificate } from 'node:tls';
import * as grpc from '@grpc/grpc-js';

/** Where a process has its certificate. The files are read again every so often. */
export type TlsFiles = {
  /** PEM: the certificate, and those between it and its authority. */
  certFile: string;
  /** PEM: its private key. */
  keyFile: string;
  /** PEM: the authority of Queqiao's services. With it, they prove themselves by certificates. */
  caFile?: string | undefined;
  /** Default 30,000. */
  refreshMs?: number;
};

/** Throws a sentence unless the files can serve at this moment. */
export function serverCredentials(files: TlsFiles | undefined): grpc.ServerCredentials {
  if (files === undefined) return grpc.ServerCredentials.createInsecure();
  assertUsable(files);
  const provider = watched(files);
  // Certificates of callers are asked for and looked at where a service calls; merchants have none.
  const ca = files.caFile === undefined ? null : provider;
  // Its own certificate's provider comes first, whatever the published types call it.
  return grpc.experimental.createCertificateProviderServerCredentials(provider, ca, false);
}

/** For calls to our own services: shows this process's certificate, and asks for one of theirs. */
export function serviceChannelCredentials(files: TlsFiles): grpc.ChannelCredentials {
  if (files.caFile === undefined) throw new Error('services need the CA of their certificates');
  assertUsable(files);
  const provider = watched(files);
  return grpc.experimental.createCertificateProviderChannelCredentials(provider, provider);
}

/** For callers outside: by the authorities that Node knows, or one of the operator's own. */
export function publicChannelCredentials(caFile: string): grpc.ChannelCredentials {
  return grpc.credentials.createSsl(caFile === '' ? null : readPem(caFile));
}

/** The DNS name by which a service's certificate names it, whatever its address. */
export function nameOfService(service: string): string {
  return `${service}${SERVICE_DOMAIN}`;
}

/** The service that a certificate names; undefined for none, or more than one. */
export function serviceIn({ subjectaltname = '' }: PeerCertificate): string | undefined {
  // Node puts a name that holds a comma in quotes, so that none can look like two.
  const names = subjectaltname
    .split(', ')
    .filter((entry) => entry.startsWith('DNS:') && entry.endsWith(SERVICE_DOMAIN))
    .map((entry) => entry.slice('DNS:'.length, -SERVICE_DOMAIN.length));
  const [name = ''] = names;
  return names.length === 1 && SERVICE.test(name) ? name : undefined;
}

function watched({ certFile, keyFile, caFile, refreshMs = REFRESH_MS }: TlsFiles): Provider {
  return new grpc.experimental.FileWatcherCertificateProvider({
    certificateFile: certFile,
    privateKeyFile: keyFile,
    caCertificateFile: caFile,
    refreshIntervalMs: refreshMs,
  });
}

/** grpc-js itself would only turn connections away, without a word. */
function assertUsable({ certFile, keyFile, caFile }: TlsFiles): void {
  const [cert, key] = [readPem(certFile), readPem(keyFile)];
  const ca = caFile === undefined ? undefined : readPem(caFile);
  try {
    createSecureContext({ cert, key, ...(ca && { ca }) });
  } catch (error) {
    const why = (error as Error).message;
    throw new Error(`${certFile} and ${keyFile} are no certificate with its key: ${why}`);
  }
}

function readPem(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    throw new Error(`cannot read ${file} (${(error as { code?: string }).code})`);
  }
}

type Provider = InstanceType<typeof grpc.experimental.FileWatcherCertificateProvider>;

const REFRESH_MS = 30_000;
const SERVICE_DOMAIN = '.queqiao.internal';
const SERVICE = /^[a-z][a-z0-9-]{1,31}$/;
