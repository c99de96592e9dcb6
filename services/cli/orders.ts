// Order files: what the commands see of the folder `orders`.
export { checkParcel } from './orders/check.ts';
export { type Encoding, encodingNamed } from './orders/encoding.ts';
export { fileProblem, placeOf } from './orders/problems.ts';
export { type OrderRow, readOrders } from './orders/read-orders.ts';
