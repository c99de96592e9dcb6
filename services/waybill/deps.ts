import type { Pool, Relay } from '#libs/db';
import type { Directory } from '#libs/directory';
import type { LabelJwk, LabelPress, LabelSigner } from '#libs/label';
import type { Keyring } from '#libs/privacy';
import type { Clock } from '#libs/run';
import type { Accounts } from './account.ts';
import type { DataKeys } from './data-keys.ts';
import type { NumberPool } from './lease.ts';
import type { NumberDirectory } from './number-directory.ts';

/** What the service's calls work with. */
export type Deps = {
  pool: Pool;
  directory: Directory;
  numbers: NumberPool;
  numberDirectory: NumberDirectory;
  dataKeys: DataKeys;
  keyring: Keyring;
  accounts: Accounts;
  relay: Relay;
  labels: Labels;
  now: Clock;
};

/** How labels are printed. */
export type Labels = {
  press: LabelPress;
  signer: LabelSigner;
  /** The signer's first. */
  keys: readonly LabelJwk[];
  /** How often a label may be printed. */
  printsMax: number;
};
