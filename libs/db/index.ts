// Postgres: a bounded pool, transactions, forward-only migrations, bulk parameters, group commit,
// and the outbox and inbox through which services learn from one another.
// Does not know any service's tables and builds no queries; SQL stands in each service's store.
export { ArrayBuilder } from './array-builder.ts';
export {
  boolArray,
  byteaArray,
  int2Array,
  int4Array,
  int8Array,
  textArray,
  timestamptzArray,
  uuidArray,
} from './arrays.ts';
export type { Queryable, QueryOptions } from './connection.ts';
export { type GroupCommit, type GroupCommitOptions, groupCommit } from './group-commit.ts';
export { inInbox } from './inbox.ts';
export { assertMigrated, type MigrateOptions, migrate } from './migrate.ts';
export { quoteName } from './name.ts';
export { enqueue, type OutboxEvent } from './outbox.ts';
export { openPool, type Pool, type PoolOptions } from './pool.ts';
export { type Relay, type RelayLag, type RelayOptions, startRelay } from './relay.ts';
export type { RangeMark, RelayedEvent, TimeRange } from './relay-store.ts';
export { countEvents, type Replay, type ReplayOptions, replayEvents } from './replay.ts';
export { Slots } from './slots.ts';
export {
  OF_EVERYBODY,
  ofCourier,
  ofMerchant,
  ofMerchants,
  ofOwners,
  type TenantSetting,
} from './tenant.ts';
export { type TransactionOptions, type Tx, transaction } from './transaction.ts';
export { assertWalled, roleOf } from './wall.ts';
