// E-waybill labels (电子面单): one description of a label, laid out in millimetres after GB/T
// 41833-2022 and drawn as PDF, PNG or ZPL, and the signed payload of its QR code.
// Knows no waybills, couriers or database. Masks nothing: what is to be hidden comes masked.
export {
  CUSTOM_AREAS,
  CUSTOM_FIELDS_MAX,
  CUSTOM_TEXT_MAX,
  type CustomArea,
  type CustomField,
  type CustomProblem,
  type CustomTemplate,
  TEXT_SIZE_MM,
  templateProblems,
  type ValueProblem,
  valueProblems,
} from './custom-area.ts';
export { type LabelJwk, LabelKeys, LabelSigner, labelJwk } from './keys.ts';
export {
  LABEL_SIZES,
  type Label,
  type LabelService,
  type LabelSize,
  type Party,
  type SortCode,
} from './label.ts';
export type { LabelForm } from './label-file.ts';
export { numberFits } from './layout.ts';
export { newNonce, type Print, signLabel, type Verified, verifyLabel } from './payload.ts';
export { LabelPress, type PressFile } from './press.ts';
export type { Dpi } from './raster.ts';
export { serviceTexts } from './wording.ts';
