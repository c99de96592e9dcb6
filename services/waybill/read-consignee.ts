import { transaction } from '#libs/db';
import { RpcError, toRpcError } from '#libs/errors';
import type { CallContext } from '#libs/grpc';
import type { Consignee } from '#proto/queqiao/waybill/v1/waybill';
import { accessOf, type Ground } from './access.ts';
import { openConsignee } from './consignee.ts';
import type { Deps } from './deps.ts';
import { findByNumbers, waybillNotFound } from './read.ts';
import { isLive } from './state.ts';
import { insertAccesses } from './store/access.ts';
import { type SealedWaybillRow, selectSealed } from './store/vault.ts';
import { tenantOf } from './tenant.ts';

/**
 * Opens consignees for a caller: one outcome for each number. The entries of the log are committed
 * before anything is opened.
 */
export async function readConsignees(
  deps: Deps,
  numbers: readonly PlacedNumber[],
  ground: Ground,
  context: CallContext,
): Promise<(Consignee | RpcError)[]> {
  const refuse = (row: SealedWaybillRow) => refusal(row, context);
  const outcomes = await openWaybills(deps, numbers, { ground, refuse }, context);
  return outcomes.map((outcome) => (outcome instanceof RpcError ? outcome : outcome.consignee));
}

/** The same with their waybills, and with the caller's own word on which it may open. */
export async function openWaybills(
  deps: Deps,
  numbers: readonly PlacedNumber[],
  { ground, refuse }: Opening,
  context: CallContext,
): Promise<(OpenedWaybill | RpcError)[]> {
  const tenant = tenantOf(context.identity);
  const wanted = numbers.map(({ number }) => number);
  const found = [...(await findByNumbers(deps, wanted, tenant)).values()];
  const rows = await transaction(deps.pool, async (tx) => {
    const places = found.map((row) => ({ bucket: row.bucket, number: row.waybill_number }));
    const sealed = await selectSealed(tx, places, tenant);
    const common = accessOf(context, ground, deps.now());
    const readable = sealed.filter((row) => refuse(row) === undefined);
    await insertAccesses(
      tx,
      readable.map(({ merchant_id, waybill_number }) => ({
        ...common,
        operation: 'read',
        merchant_id,
        waybill_number,
      })),
    );
    return sealed;
  });
  const byNumber = new Map(rows.map((row) => [row.waybill_number, row]));
  return await Promise.all(
    numbers.map(async ({ number, field }) => {
      const row = byNumber.get(number);
      if (row === undefined) return waybillNotFound(number, field);
      return refuse(row) ?? (await opened(deps, row).catch(toRpcError));
    }),
  );
}

/** Why the caller may not see this one. */
function refusal(row: SealedWaybillRow, { identity }: CallContext): RpcError | undefined {
  if (row.is_erased) return consigneeErased(row.waybill_number);
  // A courier needs it as long as it has the parcel to bring, and no longer.
  if (identity.kind === 'courier' && !isLive(row.state)) {
    return new RpcError('STATE_NOT_ALLOWED', { metadata: { state: row.state } });
  }
  return undefined;
}

async function opened({ dataKeys }: Deps, row: SealedWaybillRow): Promise<OpenedWaybill> {
  const consignee = await openConsignee(dataKeys, row);
  // Destroyed since the row was read.
  if (consignee === undefined) throw consigneeErased(row.waybill_number);
  return { row, consignee };
}

export function consigneeErased(id: string): RpcError {
  return new RpcError('CONSIGNEE_ERASED', { metadata: { id } });
}

export type PlacedNumber = { readonly number: string; readonly field: string };
export type OpenedWaybill = { readonly row: SealedWaybillRow; readonly consignee: Consignee };
type Opening = {
  ground: Ground;
  /** Why a waybill is not opened; it is asked again once the log is written. */
  refuse: (row: SealedWaybillRow) => RpcError | undefined;
};
