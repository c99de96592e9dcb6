import { resolve } from 'node:path';
import { durationMs, integer, list, readConfig, secretFile, text, url } from '#libs/config';
import type { TlsFiles } from '#libs/grpc';

/** Settings of `queqiao serve`, `migrate` and `start`; README.md lists them for operators. */
export const SHAPE = {
  /** Postgres to use; without it one is started in the state folder. */
  QUEQIAO_DATABASE_URL: url({ default: '', protocols: ['postgres:', 'postgresql:'] }),
  /** NATS to use; without it one is started in the state folder. */
  NATS_URL: url({ default: '', protocols: ['nats:', 'tls:'] }),
  /** host:port of the gRPC server. */
  QUEQIAO_LISTEN: text({ default: '127.0.0.1:50051' }),
  /** host:port of the network service, when it runs in another process. */
  QUEQIAO_NETWORK_ADDRESS: text({ default: '' }),
  /** Where local servers, keys and addresses are kept. */
  QUEQIAO_STATE_DIR: text({ default: '.queqiao' }),
  QUEQIAO_LOG_LEVEL: list({
    default: ['info'],
    allowed: ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'],
  }),
  /** Longest time from the signal to stop until the process ends. */
  QUEQIAO_SHUTDOWN_GRACE_MS: durationMs({ default: 25_000, min: 0, max: 600_000 }),
  /** The certificate of this process, its key, and the authority of all services; all or none. */
  QUEQIAO_TLS_CERT_FILE: text({ default: '' }),
  QUEQIAO_TLS_KEY_FILE: text({ default: '' }),
  QUEQIAO_TLS_CA_FILE: text({ default: '' }),
  /** Calls of one key or token and one kind of call, where the key says nothing else. */
  QUEQIAO_CALLS_PER_S: integer({ default: 2_000, min: 1, max: 1_000_000 }),
  QUEQIAO_BURST_COUNT: integer({ default: 4_000, min: 1, max: 1_000_000 }),
  /** How many of an account's drawn waybills may be cancelled, in 1/100; 100 limits nothing. */
  QUEQIAO_CANCEL_RATIO_PERCENT: integer({ default: 20, min: 0, max: 100 }),
  /** Below so many drawn waybills of an account, cancelling is not limited. */
  QUEQIAO_CANCEL_RATIO_FREE_COUNT: integer({ default: 500, min: 0, max: 1_000_000_000 }),
  /** How often the label of a waybill may be printed. */
  QUEQIAO_LABEL_PRINTS_MAX: integer({ default: 10, min: 1, max: 1_000 }),
  /** Secrets; without these they are files of the state folder, made at the first start. */
  QUEQIAO_API_KEY_PEPPER_FILE: secretFile({ default: '' }),
  QUEQIAO_SERVICE_SECRET_FILE: secretFile({ default: '' }),
  QUEQIAO_MASTER_KEY_FILE: text({ default: '' }),
  /** Master keys that only open what they wrapped: those before, or the one to come. */
  QUEQIAO_MASTER_KEY_OLD_FILES: list({ default: [] }),
  /** 32 bytes as hex or base64, which sign the codes of labels. */
  QUEQIAO_LABEL_KEY_FILE: secretFile({ default: '' }),
  /** Public keys, as `queqiao label keys` shows them, whose labels are still about. */
  QUEQIAO_LABEL_OLD_PUBLIC_KEYS: list({ default: [] }),
  /** For fault tests: the process ends itself at this point, `point` or `point:passes`. */
  QUEQIAO_CRASH_AT: text({ default: '' }),
} as const;

export function readSettings(env: NodeJS.ProcessEnv): Settings {
  const config = readConfig(env, SHAPE);
  return {
    databaseUrl: config.QUEQIAO_DATABASE_URL || undefined,
    natsUrl: config.NATS_URL || undefined,
    listen: config.QUEQIAO_LISTEN,
    isListenGiven: Boolean(env['QUEQIAO_LISTEN']),
    networkAddress: config.QUEQIAO_NETWORK_ADDRESS || undefined,
    stateDir: resolve(config.QUEQIAO_STATE_DIR),
    logLevel: config.QUEQIAO_LOG_LEVEL[0] ?? 'info',
    shutdownGraceMs: config.QUEQIAO_SHUTDOWN_GRACE_MS,
    tls: tlsOf(config),
    callLimits: { callsPerS: config.QUEQIAO_CALLS_PER_S, burstCount: config.QUEQIAO_BURST_COUNT },
    cancelRatio: {
      percent: config.QUEQIAO_CANCEL_RATIO_PERCENT,
      freeCount: config.QUEQIAO_CANCEL_RATIO_FREE_COUNT,
    },
    apiKeyPepper: config.QUEQIAO_API_KEY_PEPPER_FILE || undefined,
    serviceSecret: config.QUEQIAO_SERVICE_SECRET_FILE || undefined,
    masterKeyFile: config.QUEQIAO_MASTER_KEY_FILE || undefined,
    oldMasterKeyFiles: config.QUEQIAO_MASTER_KEY_OLD_FILES,
    labelPrintsMax: config.QUEQIAO_LABEL_PRINTS_MAX,
    labelKey: config.QUEQIAO_LABEL_KEY_FILE || undefined,
    oldLabelKeys: config.QUEQIAO_LABEL_OLD_PUBLIC_KEYS,
    crashAt: config.QUEQIAO_CRASH_AT || undefined,
  };
}

function tlsOf(config: TlsSettings): TlsFiles | undefined {
  const certFile = config.QUEQIAO_TLS_CERT_FILE;
  const keyFile = config.QUEQIAO_TLS_KEY_FILE;
  const caFile = config.QUEQIAO_TLS_CA_FILE;
  // The authority alone is what commands need to call a server.
  if (certFile === '' && keyFile === '') return undefined;
  if (certFile !== '' && keyFile !== '' && caFile !== '') return { certFile, keyFile, caFile };
  throw new Error(
    'Set QUEQIAO_TLS_CERT_FILE, QUEQIAO_TLS_KEY_FILE and QUEQIAO_TLS_CA_FILE, all three or none.',
  );
}

type TlsSettings = Record<`QUEQIAO_TLS_${'CERT' | 'KEY' | 'CA'}_FILE`, string>;

export type Settings = {
  databaseUrl: string | undefined;
  natsUrl: string | undefined;
  listen: string;
  /** Whether the address was asked for; otherwise a taken port is replaced by a free one. */
  isListenGiven: boolean;
  networkAddress: string | undefined;
  stateDir: string;
  logLevel: 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'silent';
  shutdownGraceMs: number;
  tls: TlsFiles | undefined;
  callLimits: { callsPerS: number; burstCount: number };
  cancelRatio: { percent: number; freeCount: number };
  apiKeyPepper: string | undefined;
  serviceSecret: string | undefined;
  masterKeyFile: string | undefined;
  oldMasterKeyFiles: readonly string[];
  labelPrintsMax: number;
  labelKey: string | undefined;
  oldLabelKeys: readonly string[];
  crashAt: string | undefined;
};
