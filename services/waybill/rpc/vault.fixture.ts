// For the tests of the vault's calls: keys of every kind, waybills, and what was written down.
import { randomBytes } from 'node:crypto';
import { fromBinary } from '@bufbuild/protobuf';
import { KIND_SCOPES } from '#libs/grpc';
import { Subject_Kind } from '#proto/queqiao/network/v1/api_key';
import { ConsigneesErasedSchema } from '#proto/queqiao/waybill/v1/event';
import {
  type ParcelInit,
  parcelOf,
  type SeededMerchant,
  type TestSystem,
} from '#test/support/system';

/** A key of a merchant or a courier with every scope of its kind, or with these. */
export async function keyOf(
  system: TestSystem,
  kind: 'merchant' | 'courier',
  id: string,
  scopes: readonly string[] = [...KIND_SCOPES[kind]],
): Promise<string> {
  const kinds = { merchant: Subject_Kind.MERCHANT, courier: Subject_Kind.COURIER };
  const { secret } = await system.network().createApiKey({
    apiKey: {
      apiKeyId: `vault-${randomBytes(6).toString('hex')}`,
      subject: { kind: kinds[kind], id },
      scopes: [...scopes],
    },
  });
  return secret;
}

/** Issues one waybill and answers its number. */
export async function issue(
  system: TestSystem,
  shop: SeededMerchant,
  orderRef: string,
  change: ParcelInit = {},
): Promise<string> {
  const client = system.waybill(shop.apiKey);
  const { issued } = await client.issueWaybill({ parcel: parcelOf(shop, orderRef, change) });
  return issued?.waybillNumber ?? '';
}

/** A parcel of this phone. */
export function withPhone(phone: string): ParcelInit {
  return { consignee: { ...parcelOf({ courierId: '', nodeId: '' }, '').consignee, phone } };
}

/** The log of accesses of one waybill or, with an empty text, of operations for none. */
export function accesses(system: TestSystem, number: string) {
  return system.database.query<Record<string, string>>(
    `select operation, caller_kind, caller_id, key_id, request_id, purpose, reason, merchant_id
     from waybill.consignee_access where waybill_number = $1 order by access_id`,
    [number],
  );
}

/** Numbers announced as erased for a courier, event by event. */
export async function announced(system: TestSystem, courierId: string): Promise<string[][]> {
  const rows = await system.database.query<{ payload: Buffer }>(
    'select payload from waybill.outbox where subject = $1',
    [`queqiao.v1.waybill.${courierId}.consignee_erased`],
  );
  return rows.map(({ payload }) => fromBinary(ConsigneesErasedSchema, payload).waybillNumbers);
}
