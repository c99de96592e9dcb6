// What others may see of a consignee (GB/T 41833-2022), and sealing what they may not: AES-256-GCM
// with data keys that a ring of master keys wraps; a keyed hash that finds a phone again. Erasing a
// person's data is destroying the data key.
// Stores nothing: services keep wrapped data keys beside their rows.
export { blindDigest, blindIndex } from './blind-index.ts';
export { newDataKey } from './data-key.ts';
export { Keyring, type WrappedKey } from './keyring.ts';
export { maskedConsignee, maskName, maskPhone } from './mask.ts';
export { maskAddressDetail } from './mask-address.ts';
export { createMasterKeyFile, loadMasterKey, type MasterKey } from './master-key.ts';
export { type NormalPhone, normalizePhone, parsePhone } from './phone.ts';
export { open, SEAL_OVERHEAD_BYTES, seal } from './seal.ts';
export { COMPOUND_SURNAMES } from './surname.ts';
