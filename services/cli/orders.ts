// Order files, and what other files of rows share with them: what the commands see of the folder
// `orders`.
export { checkParcel } from './orders/check.ts';
export { plainHeading } from './orders/columns.ts';
export { type CsvRecord, readCsv } from './orders/csv.ts';
export { type Encoding, encodingNamed } from './orders/encoding.ts';
export { readLines } from './orders/lines.ts';
export { cleanCode } from './orders/parcel.ts';
export { fileProblem, type Place, placeOf } from './orders/problems.ts';
export { type OrderRow, readOrders } from './orders/read-orders.ts';
