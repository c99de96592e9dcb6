import { create } from '@bufbuild/protobuf';
import { ofMerchant, type Tx, transaction } from '#libs/db';
import { invalid, RpcError } from '#libs/errors';
import type { CallContext, Identity } from '#libs/grpc';
import {
  type TopUpAccountRequest,
  type TopUpAccountResponse,
  TopUpAccountResponseSchema,
} from '#proto/queqiao/waybill/v1/account_service';
import { findAccount } from '../account-key.ts';
import { movementToMessage } from '../account-message.ts';
import type { Deps } from '../deps.ts';
import { mustBeSlug, mustBeText, mustBeUuid } from '../field.ts';
import { termsOf } from '../resolve-account.ts';
import {
  type AccountTerms,
  addGranted,
  foldDeltas,
  lockAccounts,
  selectUsages,
} from '../store/account.ts';
import { insertMovement, type MovementRow, selectMovement } from '../store/account-movement.ts';

const COUNT_MAX = 1_000_000_000n;

export async function topUpAccount(
  deps: Deps,
  request: TopUpAccountRequest,
  { identity }: CallContext,
): Promise<TopUpAccountResponse> {
  const { count, reason, requestId } = parse(request, identity);
  const account = await findAccount(deps, identity, request);
  const terms = termsOf(account);
  if (!terms.is_prepaid) {
    throw new RpcError('ACCOUNT_NOT_PREPAID', { metadata: { id: terms.account_id } });
  }
  const row = await transaction(
    deps.pool,
    async (tx): Promise<MovementRow> => {
      await lockAccounts(tx, [terms]);
      const known = await selectMovement(tx, terms.account_id, requestId);
      if (known !== undefined) return same(known, { count, reason });
      await foldDeltas(tx, [terms]);
      const balance = await addGranted(tx, terms, count);
      if (balance === undefined) throw await balanceShort(tx, terms, count);
      await deps.accounts.settle(tx, [terms]);
      return insertMovement(tx, {
        ...terms,
        count,
        balance_count: balance,
        reason,
        actor: `${identity.kind} ${identity.keyId}`,
        request_id: requestId,
        create_time: deps.now(),
      });
    },
    { tenant: ofMerchant(terms.merchant_id) },
  );
  deps.relay.wake();
  return create(TopUpAccountResponseSchema, { movement: movementToMessage(row) });
}

function parse({ accountId, count, reason, requestId }: TopUpAccountRequest, identity: Identity) {
  mustBeSlug('account_id', accountId);
  const min = identity.kind === 'operator' ? -COUNT_MAX : 1n;
  if (count < min || count > COUNT_MAX) {
    throw invalid('count', 'OUT_OF_RANGE', { min: String(min), max: String(COUNT_MAX) });
  }
  if (count === 0n) throw invalid('count', 'ZERO');
  // What is taken off has to be explained to who paid for it.
  mustBeText('reason', reason, count < 0n ? 1 : 0, 200);
  return { count, reason, requestId: mustBeUuid('request_id', requestId) };
}

function same(known: MovementRow, { count, reason }: { count: bigint; reason: string }) {
  if (BigInt(known.count) === count && known.reason === reason) return known;
  throw new RpcError('REQUEST_ID_REUSED', {
    field: 'request_id',
    metadata: { request_id: known.request_id },
  });
}

async function balanceShort(tx: Tx, account: AccountTerms, count: bigint): Promise<RpcError> {
  const [usage] = await selectUsages(tx, [account]);
  return new RpcError('BALANCE_SHORT', {
    field: 'count',
    metadata: {
      account_id: account.account_id,
      balance: usage?.balance_count ?? '0',
      given: String(-count),
    },
  });
}
