import { create } from '@bufbuild/protobuf';
import { invalid, RpcError } from '#libs/errors';
import {
  type RewrapKeysRequest,
  type RewrapKeysResponse,
  RewrapKeysResponseSchema,
} from '#proto/queqiao/waybill/v1/vault_service';
import type { Deps } from '../deps.ts';
import { countWrappedByOthers, selectWrappedBy, updateWrapped } from '../store/rewrap.ts';

const COUNT_DEFAULT = 100;
const COUNT_MAX = 1_000;

export async function rewrapKeys(
  { pool, keyring }: Deps,
  { maxCount }: RewrapKeysRequest,
): Promise<RewrapKeysResponse> {
  if (maxCount < 0 || maxCount > COUNT_MAX) {
    throw invalid('max_count', 'OUT_OF_RANGE', { min: 0, max: COUNT_MAX });
  }
  const limit = maxCount || COUNT_DEFAULT;
  let rewrappedCount = 0;
  for (const row of await selectWrappedBy(pool, keyring.otherIds, limit)) {
    // In no transaction: a key service may take its time.
    const { master_key_id: masterKeyId, wrapped } = row;
    const key = await keyring.unwrap({ masterKeyId, wrapped });
    if (await updateWrapped(pool, row, await keyring.wrap(key))) rewrappedCount += 1;
  }
  const left = await countWrappedByOthers(pool, keyring.currentId);
  // Nothing of what is left can be opened here: the caller would ask for ever.
  if (rewrappedCount === 0 && left.masterKeyId && !keyring.has(left.masterKeyId)) {
    throw new RpcError('MASTER_KEY_MISSING', { metadata: { id: left.masterKeyId } });
  }
  return create(RewrapKeysResponseSchema, {
    rewrappedCount,
    remainingCount: left.count,
    masterKeyId: keyring.currentId,
  });
}
