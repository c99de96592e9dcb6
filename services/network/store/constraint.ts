import { type Reason, RpcError } from '#libs/errors';

/**
 * The answer of a statement; where the database refuses it by one of our named constraints, the
 * error says what that means. No row is ever deleted here, so a missing parent was never there.
 */
export async function explained<T>(statement: Promise<T>, given: Parents): Promise<T> {
  try {
    return await statement;
  } catch (error) {
    const meaning = MEANINGS[constraintOf(error)];
    if (meaning === undefined) throw error;
    const id = meaning.parent && given[meaning.parent];
    throw new RpcError(meaning.reason, { metadata: id ? { id } : {}, cause: error });
  }
}

const MEANINGS: Record<string, { reason: Reason; parent?: keyof Parents }> = {
  node_merchant: { reason: 'MERCHANT_NOT_FOUND', parent: 'merchant_id' },
  number_range_courier: { reason: 'COURIER_NOT_FOUND', parent: 'courier_id' },
  number_range_merchant: { reason: 'MERCHANT_NOT_FOUND', parent: 'merchant_id' },
  number_range_overlap: { reason: 'NUMBER_RANGE_OVERLAP' },
  courier_account_courier: { reason: 'COURIER_NOT_FOUND', parent: 'courier_id' },
  courier_account_merchant: { reason: 'MERCHANT_NOT_FOUND', parent: 'merchant_id' },
  area_courier: { reason: 'COURIER_NOT_FOUND', parent: 'courier_id' },
  territory_branch_courier: { reason: 'COURIER_NOT_FOUND', parent: 'courier_id' },
  sort_table_courier: { reason: 'COURIER_NOT_FOUND', parent: 'courier_id' },
  api_key_courier: { reason: 'COURIER_NOT_FOUND', parent: 'courier_id' },
  api_key_merchant: { reason: 'MERCHANT_NOT_FOUND', parent: 'merchant_id' },
  token_issuer_courier: { reason: 'COURIER_NOT_FOUND', parent: 'courier_id' },
  token_issuer_merchant: { reason: 'MERCHANT_NOT_FOUND', parent: 'merchant_id' },
};

function constraintOf(error: unknown): string {
  if (typeof error !== 'object' || error === null || !('constraint' in error)) return '';
  return typeof error.constraint === 'string' ? error.constraint : '';
}

type Parents = { merchant_id?: string | null; courier_id?: string | null };
