import { RpcError } from '#libs/errors';
import type { Deps } from './deps.ts';
import { selectByNumbers, type Tenant, type WaybillRow } from './store/waybill.ts';

/** One waybill that the tenant may see; WAYBILL_NOT_FOUND if there is none. */
export async function findByNumber(
  deps: Deps,
  number: string,
  tenant: Tenant,
  field = 'waybill_number',
): Promise<WaybillRow> {
  const row = (await findByNumbers(deps, [number], tenant)).get(number);
  if (row === undefined) throw waybillNotFound(number, field);
  return row;
}

/** Waybills by number, of those that the tenant may see. */
export async function findByNumbers(
  deps: Deps,
  numbers: string[],
  tenant: Tenant,
): Promise<Map<string, WaybillRow>> {
  const found = await find(deps, numbers, tenant, false);
  const missing = numbers.filter((number) => !found.has(number));
  if (missing.length > 0) {
    // A remembered lease may have been cut since: ask once more before saying "not found".
    for (const [number, row] of await find(deps, missing, tenant, true)) found.set(number, row);
  }
  return found;
}

async function find(
  { pool, numberDirectory }: Deps,
  numbers: string[],
  tenant: Tenant,
  fresh: boolean,
): Promise<Map<string, WaybillRow>> {
  const buckets = await numberDirectory.bucketsOf(numbers, { fresh });
  const wanted = [...buckets].map(([number, bucket]) => ({ number, bucket }));
  if (wanted.length === 0) return new Map();
  const rows = await selectByNumbers(pool, wanted, tenant);
  return new Map(rows.map((row) => [row.waybill_number, row]));
}

export function waybillNotFound(id: string, field: string): RpcError {
  return new RpcError('WAYBILL_NOT_FOUND', { field, metadata: { id } });
}
