import { resolve } from 'node:path';
import { durationMs, integer, list, readConfig, secretFile, text, url } from '#libs/config';

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
