import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import type { Tx } from '#libs/db';
import { MaskedConsigneeSchema, ParcelSchema } from '#proto/queqiao/waybill/v1/waybill';
import type { AddressHashes } from './data-keys.ts';
import { deleteFixes } from './store/address-fix.ts';
import { lockSealed, type PersonalRow, updateErased } from './store/erase.ts';

/**
 * Erases the consignees of waybills in all their versions, or what one key sealed of them, and what
 * their deliveries have taught. Answers the numbers that still held something. The region stays: it
 * tells nothing of one person, and who counts parcels needs it.
 */
export async function eraseConsignees(
  tx: Tx,
  numbers: { bucket: number; number: string }[],
  { dataKeyId, hashes }: Erasing,
): Promise<Set<string>> {
  const rows = await lockSealed(tx, numbers, dataKeyId);
  await updateErased(tx, rows.map(withoutPerson));
  const erased = new Set(rows.map((row) => row.waybill_number));
  if (erased.size > 0) await deleteFixes(tx, [...erased].map(hashes.fixIdOf));
  return erased;
}

/** Masked forms and remarks are personal data, too, as long as they stand beside a number. */
function withoutPerson(row: PersonalRow): PersonalRow {
  const { province, city, district } = fromBinary(MaskedConsigneeSchema, row.consignee_masked);
  const region = create(MaskedConsigneeSchema, { province, city, district });
  const body = { ...fromBinary(ParcelSchema, row.body), remark: '' };
  return {
    ...row,
    consignee_masked: toBinary(MaskedConsigneeSchema, region),
    body: toBinary(ParcelSchema, body),
  };
}

type Erasing = {
  /** Of the key that sealed what is erased; null for all. */
  dataKeyId: string | null;
  /** Made before the transaction: a key service may take its time. */
  hashes: AddressHashes;
};
