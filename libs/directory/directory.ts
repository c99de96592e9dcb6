import { fromBinary } from '@bufbuild/protobuf';
import { type Bus, subjects } from '#libs/bus';
import { RpcError } from '#libs/errors';
import type { Client, Identity } from '#libs/grpc';
import type { Clock } from '#libs/run';
import type { Courier } from '#proto/queqiao/network/v1/courier';
import type { CourierAccount } from '#proto/queqiao/network/v1/courier_account';
import { type ResourceChanged, ResourceChangedSchema } from '#proto/queqiao/network/v1/event';
import type { Merchant } from '#proto/queqiao/network/v1/merchant';
import type { NetworkService } from '#proto/queqiao/network/v1/network_service';
import type { Node } from '#proto/queqiao/network/v1/node';
import type { NumberRange } from '#proto/queqiao/network/v1/number_range';
import type { SortCodeResult } from '#proto/queqiao/network/v1/sort_table';
import type { TokenIssuer } from '#proto/queqiao/network/v1/token_issuer';
import { batched } from './batched.ts';
import { Cached } from './cached.ts';
import { type KnownIdentity, toIdentity } from './identity.ts';
import { expiredToken, type Issuers, issuersOf, isToken, verifyToken } from './token.ts';

/**
 * Look-ups that answer from memory. An entry is fresh for 30 s and dropped at once when the bus
 * announces a change; while the network service is away, what was known goes on being used.
 */
export interface Directory extends AsyncDisposable {
  /** MERCHANT_NOT_FOUND if there is none. */
  merchant(merchantId: string): Promise<Merchant>;
  /** COURIER_NOT_FOUND if there is none. */
  courier(courierId: string): Promise<Courier>;
  /** NODE_NOT_FOUND if there is none. */
  node(nodeId: string): Promise<Node>;
  /** All ranges of a courier, in order of range_id; empty if it has none. */
  numberRanges(courierId: string): Promise<NumberRange[]>;
  /** All accounts of a merchant, in order of account_id; empty if it has none. */
  courierAccounts(merchantId: string): Promise<CourierAccount[]>;
  /**
   * By which code a courier sorts parcels for a place; the result says why if by none. The place is
   * a division code, with the H3 cell of resolution 9 where that is known.
   */
  sortCode(courierId: string, place: SortPlace): Promise<SortCodeResult>;
  /** Whom an API key or a token speaks for; API_KEY_INVALID, TOKEN_INVALID if for nobody. */
  identity(secret: string): Promise<Identity>;
}

export async function openDirectory({ network, bus, now }: DirectoryDeps): Promise<Directory> {
  const limits = { freshMs: 30_000, staleMs: 24 * 3_600_000, maxEntries: 100_000 };
  const merchants = new Cached<Merchant>({
    ...limits,
    load: async (merchantId) => found((await network().getMerchant({ merchantId })).merchant),
  });
  const couriers = new Cached<Courier>({
    ...limits,
    load: async (courierId) => found((await network().getCourier({ courierId })).courier),
  });
  const nodes = new Cached<Node>({
    ...limits,
    load: async (nodeId) => found((await network().getNode({ nodeId })).node),
  });
  const ranges = new Cached<NumberRange[]>({
    ...limits,
    load: (courierId) => allRanges(network(), courierId),
  });
  const accounts = new Cached<CourierAccount[]>({
    ...limits,
    load: (merchantId) => allAccounts(network(), merchantId),
  });
  const askSortCode = batched<SortCodeResult>({
    max: 1_000,
    load: (courierId, keys) => sortCodesOf(network(), courierId, keys),
  });
  const sortCodes = new Cached<SortCodeResult>({
    ...limits,
    load: (key) => askSortCode(key.slice(0, key.indexOf(' ')), key),
  });
  const issuers = new Cached<Issuers>({
    ...limits,
    staleMs: IDENTITY_STALE_MS,
    maxEntries: 1,
    load: async () => issuersOf(await allTokenIssuers(network())),
  });
  const load = async (secret: string) =>
    isToken(secret)
      ? verifyToken(secret, { issuers: await issuers.get(''), now: now() })
      : toIdentity(await network().authenticateApiKey({ secret }));
  const identities = new Cached<KnownIdentity>({ ...limits, staleMs: IDENTITY_STALE_MS, load });

  const caches = {
    ...{ merchants, couriers, nodes, ranges, accounts, sortCodes, issuers, identities },
  };
  const watch = await bus.watch({
    filter: subjects.networkChanged('*'),
    handle: async ({ payload }) => expire(caches, fromBinary(ResourceChangedSchema, payload)),
    onReset: () => {
      for (const cache of Object.values(caches)) cache.expireAll();
    },
  });

  return {
    merchant: (merchantId) => merchants.get(merchantId),
    courier: (courierId) => couriers.get(courierId),
    node: (nodeId) => nodes.get(nodeId),
    numberRanges: (courierId) => ranges.get(courierId),
    courierAccounts: (merchantId) => accounts.get(merchantId),
    sortCode: (courierId, { divisionCode, cell = '' }) =>
      sortCodes.get(`${courierId} ${divisionCode} ${cell}`),
    identity: async (secret) => unexpired(await identities.get(secret), { secret, now: now() }),
    [Symbol.asyncDispose]: () => watch[Symbol.asyncDispose](),
  };
}

function unexpired(
  identity: KnownIdentity,
  { secret, now }: { secret: string; now: Date },
): KnownIdentity {
  const { expireTime } = identity;
  if (expireTime === undefined || expireTime > now) return identity;
  throw isToken(secret) ? expiredToken() : new RpcError('API_KEY_INVALID');
}

/** What is known of a thing that changed is asked for again. */
async function expire(caches: Caches, changed: ResourceChanged): Promise<void> {
  const { kind, id, courierId, merchantId } = changed;
  if (kind === 'merchant') caches.merchants.expire(id);
  else if (kind === 'courier') caches.couriers.expire(id);
  else if (kind === 'node') caches.nodes.expire(id);
  else if (kind === 'number_range') caches.ranges.expire(courierId);
  else if (kind === 'courier_account') caches.accounts.expire(merchantId);
  // What an area changes in a courier's codes is not known here.
  else if (kind === 'area' || kind === 'sort_table') caches.sortCodes.expireAll();
  // An event names a key by its id, the cache by its secret: ask again for all.
  else if (kind === 'api_key') caches.identities.expireAll();
  else if (kind === 'token_issuer') {
    caches.issuers.expireAll();
    caches.identities.expireAll();
  }
}

async function sortCodesOf(
  network: Network,
  courierId: string,
  keys: readonly string[],
): Promise<SortCodeResult[]> {
  const places = keys.map((key) => {
    const [, divisionCode = '', cell = ''] = key.split(' ');
    return { divisionCode, cell };
  });
  return (await network.lookUpSortCodes({ courierId, places })).results;
}

async function allRanges(network: Network, courierId: string): Promise<NumberRange[]> {
  const ranges: NumberRange[] = [];
  let pageToken = '';
  do {
    const page = await network.listNumberRanges({ courierId, pageToken, pageSize: 1_000 });
    ranges.push(...page.numberRanges);
    pageToken = page.nextPageToken;
  } while (pageToken !== '');
  return ranges;
}

async function allTokenIssuers(network: Network): Promise<TokenIssuer[]> {
  const all: TokenIssuer[] = [];
  let pageToken = '';
  do {
    const page = await network.listTokenIssuers({ pageToken, pageSize: 1_000 });
    all.push(...page.tokenIssuers);
    pageToken = page.nextPageToken;
  } while (pageToken !== '');
  return all;
}

async function allAccounts(network: Network, merchantId: string): Promise<CourierAccount[]> {
  const accounts: CourierAccount[] = [];
  let pageToken = '';
  do {
    const page = await network.listCourierAccounts({ merchantId, pageToken, pageSize: 1_000 });
    accounts.push(...page.courierAccounts);
    pageToken = page.nextPageToken;
  } while (pageToken !== '');
  return accounts;
}

function found<T>(resource: T | undefined): T {
  if (resource === undefined) throw new Error('the network service answered without a resource');
  return resource;
}

/** A revoked key must not outlive an outage by much. */
const IDENTITY_STALE_MS = 10 * 60_000;

/** The code of 2, 4, 6 or 9 digits; 15 hex digits or nothing. */
export type SortPlace = { divisionCode: string; cell?: string };

type Caches = Record<
  | 'merchants'
  | 'couriers'
  | 'nodes'
  | 'ranges'
  | 'accounts'
  | 'sortCodes'
  | 'issuers'
  | 'identities',
  Pick<Cached<unknown>, 'expire' | 'expireAll'>
>;

type Network = Client<typeof NetworkService>;

export type DirectoryDeps = {
  /** Asked for at the first look-up, when a process that serves itself has its address. */
  network: () => Network;
  bus: Bus;
  now: Clock;
};
