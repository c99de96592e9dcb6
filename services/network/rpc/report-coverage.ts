import { tooMany } from '#libs/errors';
import type { Identity } from '#libs/grpc';
import type { ReportCoverageRequest } from '#proto/queqiao/network/v1/network_service';
import { type Coverage, coverageOf } from '../coverage.ts';
import type { Deps } from '../deps.ts';
import { parseCourier } from '../place.ts';
import { selectCoverage } from '../store.ts';
import { viewerOf } from '../viewer.ts';

/** So much is compared within a second. */
const ROWS_MAX = 200_000;

export async function reportCoverage(
  { pool }: Deps,
  request: ReportCoverageRequest,
  identity: Identity,
): Promise<Coverage> {
  const viewer = viewerOf(identity);
  const courierId = parseCourier(request.courierId, viewer);
  const rows = await selectCoverage(pool, courierId, { viewer, limit: ROWS_MAX + 1 });
  if (rows.length > ROWS_MAX) throw tooMany('compacted cells and divisions', rows.length, ROWS_MAX);
  return await coverageOf(rows);
}
