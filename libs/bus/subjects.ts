import assert from 'node:assert/strict';

/** What can change in the network: the <kind> of a `changed` event. */
export const NETWORK_KINDS = [
  'merchant',
  'courier',
  'node',
  'number_range',
  'courier_account',
  'api_key',
  'token_issuer',
  'area',
  'sort_table',
] as const;

/**
 * Every subject with the payload that travels on it: `queqiao.v1.<domain>.<key>.<event>`, the key
 * in braces. proto/asyncapi.json says the same for people, and a test compares the two.
 */
export const SUBJECTS = {
  waybillIssued: {
    address: 'queqiao.v1.waybill.{courier_id}.issued',
    payload: 'queqiao.waybill.v1.WaybillsIssued',
  },
  waybillCancelled: {
    address: 'queqiao.v1.waybill.{courier_id}.cancelled',
    payload: 'queqiao.waybill.v1.WaybillCancelled',
  },
  consigneeErased: {
    address: 'queqiao.v1.waybill.{courier_id}.consignee_erased',
    payload: 'queqiao.waybill.v1.ConsigneesErased',
  },
  waybillUpdated: {
    address: 'queqiao.v1.waybill.{courier_id}.updated',
    payload: 'queqiao.waybill.v1.WaybillUpdated',
  },
  waybillReleased: {
    address: 'queqiao.v1.waybill.{courier_id}.released',
    payload: 'queqiao.waybill.v1.WaybillReleased',
  },
  waybillRecalled: {
    address: 'queqiao.v1.waybill.{courier_id}.recalled',
    payload: 'queqiao.waybill.v1.WaybillRecalled',
  },
  rangeReported: {
    address: 'queqiao.v1.waybill.{courier_id}.range_reported',
    payload: 'queqiao.waybill.v1.NumberRangeReported',
  },
  accountLow: {
    address: 'queqiao.v1.waybill.{courier_id}.account_low',
    payload: 'queqiao.waybill.v1.AccountBalanceCrossed',
  },
  accountRefilled: {
    address: 'queqiao.v1.waybill.{courier_id}.account_refilled',
    payload: 'queqiao.waybill.v1.AccountBalanceCrossed',
  },
  networkChanged: {
    address: 'queqiao.v1.network.{kind}.changed',
    payload: 'queqiao.network.v1.ResourceChanged',
  },
} as const satisfies Record<string, { address: string; payload: string }>;

/**
 * Functions that make subjects. A key that is no courier id (no kind) throws: it is a fault of the
 * program, and a subject made of it could reach other subscribers. "*" makes a filter for all keys.
 */
export const subjects = {
  /** Waybills of one courier, issued together. */
  waybillIssued: (courierId: string) => subjectOf('waybillIssued', courierId),
  /** One waybill given up before pickup. */
  waybillCancelled: (courierId: string) => subjectOf('waybillCancelled', courierId),
  /** Consignees erased for good. */
  consigneeErased: (courierId: string) => subjectOf('consigneeErased', courierId),
  /** One waybill changed before pickup. */
  waybillUpdated: (courierId: string) => subjectOf('waybillUpdated', courierId),
  /** One pre-positioned parcel sent on to its buyer. */
  waybillReleased: (courierId: string) => subjectOf('waybillReleased', courierId),
  /** One pre-positioned parcel called back to its sender. */
  waybillRecalled: (courierId: string) => subjectOf('waybillRecalled', courierId),
  /** How much of a number range is left. */
  rangeReported: (courierId: string) => subjectOf('rangeReported', courierId),
  /** The balance of a prepaid account fell to its alert mark. */
  accountLow: (courierId: string) => subjectOf('accountLow', courierId),
  /** The balance of a prepaid account rose above its alert mark. */
  accountRefilled: (courierId: string) => subjectOf('accountRefilled', courierId),
  /** Something of the network was created or changed. */
  networkChanged: (kind: NetworkKind | '*') => subjectOf('networkChanged', kind),
} as const satisfies Record<SubjectName, (key: never) => string>;

/** Which event a subject is for, and its key; undefined for a subject that is none of ours. */
export function parseSubject(subject: string): { name: SubjectName; key: string } | undefined {
  for (const [name, { address }] of Object.entries(SUBJECTS)) {
    const [before = '', parameter = '', after = ''] = address.split(/[{}]/);
    if (!subject.startsWith(before) || !subject.endsWith(after)) continue;
    const key = subject.slice(before.length, subject.length - after.length);
    if (KEYS[parameter]?.(key)) return { name: name as SubjectName, key };
  }
  return undefined;
}

function subjectOf(name: SubjectName, key: string): string {
  const { address } = SUBJECTS[name];
  const [before = '', parameter = '', after = ''] = address.split(/[{}]/);
  const isKey = KEYS[parameter]?.(key) ?? false;
  assert(key === '*' || isKey, `no ${parameter} for a subject: ${JSON.stringify(key)}`);
  return before + key + after;
}

const KEYS: Record<string, (key: string) => boolean> = {
  courier_id: (key) => /^[a-z][a-z0-9-]{1,31}$/.test(key),
  kind: (key) => (NETWORK_KINDS as readonly string[]).includes(key),
};

export type NetworkKind = (typeof NETWORK_KINDS)[number];
export type SubjectName = keyof typeof SUBJECTS;
