import { create } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import type { CallContext, Identity } from '#libs/grpc';
import {
  type ListWaybillVersionsRequest,
  type ListWaybillVersionsResponse,
  ListWaybillVersionsResponseSchema,
} from '#proto/queqiao/waybill/v1/waybill_life';
import type { Deps } from '../deps.ts';
import { toMessage } from '../message.ts';
import { parseWaybillNumber } from '../parcel.ts';
import { findByNumber } from '../read.ts';
import { nameOf, selectVersions, type VersionRow } from '../store/version.ts';
import type { WaybillRow } from '../store/waybill.ts';
import { tenantOf } from '../tenant.ts';

export async function listWaybillVersions(
  deps: Deps,
  request: ListWaybillVersionsRequest,
  { identity }: CallContext,
): Promise<ListWaybillVersionsResponse> {
  const number = parseWaybillNumber('waybill_number', request.waybillNumber);
  const found = await findByNumber(deps, number, tenantOf(identity));
  const old = await selectVersions(deps.pool, nameOf(found));
  // Read after the waybill, so a change in between shows it once more as an old version.
  const before = old.filter(({ version }) => version < found.version);
  const rows: WaybillRow[] = [...before.map((row) => asOf(found, row)), found];
  return create(ListWaybillVersionsResponseSchema, {
    versions: rows.map((row, i) => {
      const made = before[i - 1];
      return {
        waybill: toMessage(row),
        versionTime: timestampFromDate(made?.replace_time ?? found.issue_time),
        ...(made && { changer: changerOf(made, identity) }),
      };
    }),
  });
}

/** The waybill with what it held before a change; no old version was ever a cancelled one. */
function asOf(now: WaybillRow, { version, state, service_code, ...row }: VersionRow): WaybillRow {
  const { body, consignee_masked } = row;
  const notCancelled = { cancel_time: null, cancel_reason: null };
  return { ...now, version, state, service_code, body, consignee_masked, ...notCancelled };
}

function changerOf(made: VersionRow, { kind, id }: Identity) {
  const mayKnowKey =
    kind === 'operator' || (made.replacer_kind === kind && made.replacer_id === id);
  return {
    kind: made.replacer_kind,
    id: made.replacer_id,
    apiKeyId: mayKnowKey ? made.replacer_key_id : '',
  };
}
