import { randomUUID } from 'node:crypto';
import { create, toBinary } from '@bufbuild/protobuf';
import { type Bus, type NetworkKind, subjects } from '#libs/bus';
import { enqueue, type RelayOptions, type Tx, transaction } from '#libs/db';
import { RpcError } from '#libs/errors';
import { ResourceChangedSchema } from '#proto/queqiao/network/v1/event';
import type { Deps } from './deps.ts';

// What the network service tells the others: that something changed, never what it holds.

export const SCHEMA = 'network';

/** Runs a change in one transaction; what it announced goes out as soon as it is committed. */
export async function change<T>(
  { pool, relay }: Pick<Deps, 'pool' | 'relay'>,
  work: (tx: Tx) => Promise<T>,
): Promise<T> {
  const result = await transaction(pool, work);
  relay.wake();
  return result;
}

/** Announces a row as it is after the change. */
export async function announce(tx: Tx, { kind, id, version, courierId }: Change): Promise<void> {
  const changed = create(ResourceChangedSchema, {
    kind,
    id,
    version: BigInt(version),
    courierId: courierId ?? '',
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

/** Where the relay puts what was announced. */
export function outlet(bus: Bus): Pick<RelayOptions, 'publish' | 'streamIdentity'> {
  return {
    async publish(events) {
      await bus.publish(events.map((event) => ({ ...event, time: event.createTime })));
    },
    async streamIdentity() {
      const identity = await bus.streamIdentity('QUEQIAO_NETWORK');
      if (identity === undefined) throw new RpcError('DEPENDENCY_DOWN');
      return identity.created;
    },
  };
}

type Change = {
  kind: NetworkKind;
  id: string;
  version: string;
  /** Of a number range: others keep the ranges of a courier together. */
  courierId?: string;
};
