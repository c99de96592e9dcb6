/** The keyed hash by which a merchant finds a phone's parcels; null where there is none. */
export function phoneIndexOf(_merchantId: string, _phone: string): bigint | null {
  return null;
}
