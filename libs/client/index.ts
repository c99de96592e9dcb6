// The client for TypeScript programs outside this repository: `import { connect } from
// 'queqiao/client'`. Every call is typed from the contract and rejects with an RpcError.
// Adds nothing of its own to the calls.

export { RpcError, reasonOf } from '#libs/errors';
export { LabelKeys, type Verified, verifyLabel } from '#libs/label';
export { connect, type QueqiaoClient } from './connect.ts';
export type { Issuer, IssuerOptions, ParcelInit } from './issuer.ts';
