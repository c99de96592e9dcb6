import { randomUUID } from 'node:crypto';
import { create, toBinary } from '@bufbuild/protobuf';
import { type NetworkKind, subjects } from '#libs/bus';
import { enqueue, OF_EVERYBODY, type TenantSetting, type Tx, transaction } from '#libs/db';
import { ResourceChangedSchema } from '#proto/queqiao/network/v1/event';
import type { Deps } from './deps.ts';

// What the network service tells the others: that something changed, never what it holds.

export const SCHEMA = 'network';

/**
 * Runs a change in one transaction; what it announced goes out as soon as it is committed. Most is
 * changed by operators and services alone, in whose way no wall between tenants stands.
 */
export async function change<T>(
  { pool, relay }: Pick<Deps, 'pool' | 'relay'>,
  work: (tx: Tx) => Promise<T>,
  tenant: TenantSetting = OF_EVERYBODY,
): Promise<T> {
  const result = await transaction(pool, work, { tenant });
  relay.wake();
  return result;
}

/** Announces a row as it is after the change. */
export async function announce(tx: Tx, change: Change): Promise<void> {
  const { kind, id, version, courierId, merchantId } = change;
  const changed = create(ResourceChangedSchema, {
    kind,
    id,
    version: BigInt(version),
    courierId: courierId ?? '',
    merchantId: merchantId ?? '',
  });
  await enqueue(tx, SCHEMA, [
    {
      eventId: randomUUID(),
      subject: subjects.networkChanged(kind),
      type: ResourceChangedSchema.typeName,
      payload: toBinary(ResourceChangedSchema, changed),
    },
  ]);
}

type Change = {
  kind: NetworkKind;
  id: string;
  version: string;
  /** Of what a courier has: others keep it together, */
  courierId?: string;
  /** and the accounts of a merchant. */
  merchantId?: string;
};
