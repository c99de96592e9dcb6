import { create } from '@bufbuild/protobuf';
import { RpcError } from '#libs/errors';
import type { Identity } from '#libs/grpc';
import {
  ReachResult_Cause as Cause,
  type ReachResult,
  ReachResultSchema,
  ReachResult_Verdict as Verdict,
} from '#proto/queqiao/network/v1/coverage';
import type { CheckReachRequest } from '#proto/queqiao/network/v1/network_service';
import type { Deps } from '../deps.ts';
import { keysOf, parseCourier, parsePlaces } from '../place.ts';
import { reachOf } from '../reach.ts';
import { indexed } from '../sort-code.ts';
import { selectCourier, selectReach, selectServiceForms } from '../store.ts';
import { EVERYONE, viewerOf } from '../viewer.ts';

export async function checkReach(
  { pool, now }: Deps,
  request: CheckReachRequest,
  identity: Identity,
): Promise<{ results: ReachResult[] }> {
  const courierId = parseCourier(request.courierId, viewerOf(identity));
  const places = parsePlaces(request.places);
  const courier = await selectCourier(pool, courierId, EVERYONE);
  if (courier === undefined)
    throw new RpcError('COURIER_NOT_FOUND', { metadata: { id: courierId } });
  if (courier.state === 'disabled') {
    const disabled = { verdict: Verdict.NOT_SERVED, cause: Cause.COURIER_DISABLED };
    return { results: places.map(() => create(ReachResultSchema, disabled)) };
  }
  const rows = await selectReach(pool, courierId, keysOf(places));
  const forms = await selectServiceForms(pool, courierId);
  const areas = { ...indexed(rows), forms, now: now() };
  return { results: places.map((place) => reachOf(place, areas)) };
}
