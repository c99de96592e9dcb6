import { type Timestamp, timestampFromDate } from '@bufbuild/protobuf/wkt';
import { invalid, RpcError } from '#libs/errors';
import { Merchant_State } from '#proto/queqiao/network/v1/merchant';
import { word } from './field.ts';

/** States as the database holds them; all five State enums have the same two values. */
export const STATES = {
  active: Merchant_State.ACTIVE,
  disabled: Merchant_State.DISABLED,
} as const;
export type State = keyof typeof STATES;

/** The state of a resource that is being made: active if the caller says nothing. */
export function newState(field: string, value: number): State {
  return value === 0 ? 'active' : word(field, value, STATES);
}

/** The state of a resource that is being updated: a replacement has to say it. */
export function state(field: string, value: number): State {
  return word(field, value, STATES);
}

/** The three fields that every changeable resource ends with. */
export function history(id: string, row: Versioned): History {
  return {
    createTime: timestampFromDate(row.create_time),
    updateTime: timestampFromDate(row.update_time),
    etag: etagOf(id, row.version),
  };
}

/** Opaque to callers; of letters, digits, "-" and "_" only, so it needs no quoting anywhere. */
export function etagOf(id: string, version: string): string {
  return Buffer.from(`${id}:${version}`).toString('base64url');
}

/** The etag that an update has to carry. */
export function parseEtag(resource: string, message: { etag: string } | undefined): string {
  const etag = message?.etag ?? '';
  if (etag === '') throw invalid(`${resource}.etag`, 'REQUIRED');
  return etag;
}

/** CONFLICT unless the etag is that of the row as it is now. */
export function mustHaveEtag(etag: string, id: string, row: Versioned): void {
  if (etag !== etagOf(id, row.version)) throw new RpcError('CONFLICT');
}

export type Versioned = { version: string; create_time: Date; update_time: Date };

type History = { createTime: Timestamp; updateTime: Timestamp; etag: string };
