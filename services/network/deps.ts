import type { Pool, Relay } from '#libs/db';
import type { Clock } from '#libs/run';

/** What the service's calls work with. */
export type Deps = {
  pool: Pool;
  relay: Pick<Relay, 'wake'>;
  /** Key of the HMACs by which API keys are stored. */
  pepper: Buffer;
  now: Clock;
};
