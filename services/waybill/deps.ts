import type { Pool, Relay } from '#libs/db';
import type { Directory } from '#libs/directory';
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
  now: Clock;
};
