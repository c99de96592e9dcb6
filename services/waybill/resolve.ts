import { subjects } from '#libs/bus';
import type { Directory } from '#libs/directory';
import { RpcError } from '#libs/errors';
import { type Courier, Courier_State } from '#proto/queqiao/network/v1/courier';
import { type Merchant, Merchant_State } from '#proto/queqiao/network/v1/merchant';
import { Node_State } from '#proto/queqiao/network/v1/node';
import { type NumberRange, NumberRange_State } from '#proto/queqiao/network/v1/number_range';
import { type Offer, offerOf } from './added-service.ts';
import type { ParcelDraft } from './parcel.ts';
import { resolveAccount } from './resolve-account.ts';
import type { AccountTerms } from './store/account.ts';

/** What the network says of a parcel: the ranges its number may come from, best first. */
export type Resolution = {
  serviceCode: string;
  ranges: NumberRange[];
  /** Where the event of its issue goes. */
  eventSubject: string;
  /** Which added services go with it. */
  offer: Offer;
  /** The merchant's account at the courier; empty if it needs none. */
  accountId: string;
  /** Its terms, if it is prepaid. */
  prepaid: AccountTerms | null;
};

/**
 * Looks up what parcels of one call name. The parcels of a batch mostly name the same courier and
 * node, so each combination is looked up once.
 */
export function resolver(
  directory: Directory,
  merchant: Merchant,
): (draft: ParcelDraft) => Promise<Resolution> {
  const resolutions = new Map<string, Promise<Resolution>>();
  return (draft) => {
    const { courierId, serviceCode, nodeId, holdNodeId, accountId } = draft;
    const key = `${courierId} ${serviceCode} ${nodeId} ${holdNodeId} ${accountId}`;
    let resolution = resolutions.get(key);
    if (resolution === undefined) {
      resolution = resolve(directory, merchant, draft);
      resolutions.set(key, resolution);
    }
    return resolution;
  };
}

async function resolve(
  directory: Directory,
  merchant: Merchant,
  draft: ParcelDraft,
): Promise<Resolution> {
  if (merchant.state !== Merchant_State.ACTIVE) {
    throw new RpcError('MERCHANT_DISABLED', { metadata: { id: merchant.merchantId } });
  }
  await checkNode(directory, merchant, 'node_id', draft.nodeId);
  if (draft.holdNodeId !== '') {
    await checkNode(directory, merchant, 'hold_node_id', draft.holdNodeId);
  }
  const { courierId } = draft;
  const courier = await withField('courier_id', directory.courier(courierId));
  if (courier.state !== Courier_State.ACTIVE) {
    throw new RpcError('COURIER_DISABLED', { field: 'courier_id', metadata: { id: courierId } });
  }
  const serviceCode = serviceOf(courier, draft.serviceCode);
  const ranges = rangesFor(merchant, courierId, await directory.numberRanges(courierId));
  const eventSubject = subjects.waybillIssued(courierId);
  const offer = offerOf(courier, serviceCode);
  const { merchantId } = merchant;
  const { nodeId, accountId } = draft;
  const accounts = await directory.courierAccounts(merchantId);
  const account = resolveAccount(accounts, courier, { merchantId, nodeId, accountId });
  return { serviceCode, ranges, eventSubject, offer, ...account };
}

/** The courier's service that a parcel asks for: its first, if for none. */
export function serviceOf({ courierId, services }: Courier, asked: string): string {
  const wanted = asked || services[0]?.serviceCode;
  const service = services.find(({ serviceCode }) => serviceCode === wanted);
  if (service !== undefined) return service.serviceCode;
  throw new RpcError('SERVICE_NOT_OFFERED', {
    field: 'service_code',
    metadata: { courier_id: courierId, service_code: asked },
  });
}

async function checkNode(
  directory: Directory,
  { merchantId }: Merchant,
  field: 'node_id' | 'hold_node_id',
  nodeId: string,
): Promise<void> {
  const node = await withField(field, directory.node(nodeId));
  // Another merchant's node is as good as none: its existence is nobody else's business.
  if (node.merchantId !== '' && node.merchantId !== merchantId) {
    throw new RpcError('NODE_NOT_FOUND', { field, metadata: { id: nodeId } });
  }
  if (node.state !== Node_State.ACTIVE) {
    throw new RpcError('NODE_DISABLED', { field, metadata: { id: nodeId } });
  }
}

/** The ranges that a merchant may draw from: its own before common ones. */
function rangesFor(
  { merchantId }: Merchant,
  courierId: string,
  ranges: NumberRange[],
): NumberRange[] {
  const metadata = { courier_id: courierId, merchant_id: merchantId };
  const own = ranges.filter((range) => range.merchantId === merchantId);
  const common = ranges.filter((range) => range.merchantId === '');
  const usable = [...own, ...common];
  if (usable.length === 0) {
    throw new RpcError('NUMBER_RANGE_MISSING', { field: 'courier_id', metadata });
  }
  const active = usable.filter((range) => range.state === NumberRange_State.ACTIVE);
  if (active.length === 0) {
    throw new RpcError('NUMBER_RANGE_DISABLED', { field: 'courier_id', metadata });
  }
  return active;
}

/** The same failure, with the field of the parcel that named the missing thing. */
async function withField<T>(field: string, lookUp: Promise<T>): Promise<T> {
  try {
    return await lookUp;
  } catch (error) {
    if (!(error instanceof RpcError) || error.retryable) throw error;
    const { reason, metadata } = error;
    throw new RpcError(reason, { field, metadata: { ...metadata }, cause: error });
  }
}
