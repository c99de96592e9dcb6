import type { Bus, StreamName } from '#libs/bus';
import type { Pool, Relay } from '#libs/db';
import type { Directory } from '#libs/directory';
import type { ServiceImplementation } from '#libs/grpc';
import type { LabelJwk, LabelSigner } from '#libs/label';
import type { Logger } from '#libs/log';
import type { Keyring } from '#libs/privacy';
import type { Clock } from '#libs/run';

/** The shape that every service has, so that one entry point can run any set of them. */
export type Module = {
  /** Also the name of its database schema and of its `--target`. */
  readonly name: string;
  /** Folders of SQL files, from the package's root, in order; outbox and inbox come before them. */
  readonly migrations: readonly string[];
  /** Where its events go. */
  readonly stream: StreamName;
  start(deps: ModuleDeps): Promise<RunningModule>;
};

/** What a process gives each of its modules. */
export type ModuleDeps = {
  /** Of the module alone; closed after it. */
  pool: Pool;
  /** Publishes the events of the module's outbox; to be woken after a commit. */
  relay: Relay;
  bus: Bus;
  /** Look-ups in the network service; it answers once the process serves. */
  directory: Directory;
  secrets: Secrets;
  settings: ModuleSettings;
  log: Logger;
  now: Clock;
};

export type RunningModule = {
  readonly services: readonly ServiceImplementation[];
  /** Whether it can serve at this moment. */
  check(): Promise<boolean>;
} & AsyncDisposable;

/** What an operator may set for the services themselves. */
export type ModuleSettings = {
  /** How often the label of a waybill may be printed. */
  readonly labelPrintsMax: number;
  /** At most `percent` of an account's drawn waybills may be cancelled, once `freeCount` are. */
  readonly cancelRatio: { readonly percent: number; readonly freeCount: number };
};

/** Read from files, never logged. */
export type Secrets = {
  /** Mixed into the HMACs of API keys. */
  readonly apiKeyPepper: Buffer;
  /** By which Queqiao's services prove to each other who they are. */
  readonly serviceSecret: string;
  /** Wraps the keys that seal consignees. */
  readonly keyring: Keyring;
  /** Signs the codes of labels. */
  readonly labelSigner: LabelSigner;
  /** Public keys that verify them: the signer's and those before it. */
  readonly labelKeys: readonly LabelJwk[];
};
