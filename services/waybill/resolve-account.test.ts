import { create } from '@bufbuild/protobuf';
import { describe, expect, it } from 'vitest';
import { RpcError } from '#libs/errors';
import {
  CourierAccount_Billing as Billing,
  CourierAccountSchema,
  CourierAccount_State as State,
} from '#proto/queqiao/network/v1/courier_account';
import { resolveAccount } from './resolve-account.ts';

const SWIFT = { courierId: 'swift', accountRequired: false };

function account(accountId: string, change: object = {}) {
  return create(CourierAccountSchema, {
    accountId,
    merchantId: 'shop',
    courierId: 'swift',
    billing: Billing.MONTHLY,
    state: State.ACTIVE,
    ...change,
  });
}

function resolve(accounts: ReturnType<typeof account>[], wish = {}, courier = SWIFT) {
  const wanted = { merchantId: 'shop', nodeId: 'node', accountId: '', ...wish };
  try {
    return resolveAccount(accounts, courier, wanted).accountId;
  } catch (error) {
    if (!(error instanceof RpcError)) throw error;
    return `${error.reason} ${error.field}`;
  }
}

const off = { state: State.DISABLED };
const here = { nodeIds: ['node', 'other'] };
const there = { nodeIds: ['other'] };

describe('the account of a parcel', () => {
  it('is none where the merchant has none and needs none', () => {
    expect(resolve([])).toBe('');
    expect(resolve([account('a1', { courierId: 'slow' })])).toBe('');
    const required = { ...SWIFT, accountRequired: true };
    expect(resolve([], {}, required)).toBe('ACCOUNT_MISSING courier_id');
  });

  it('is the only active one that serves the node', () => {
    expect(resolve([account('a1')])).toBe('a1');
    expect(resolve([account('a1', off), account('a2')])).toBe('a2');
    expect(resolve([account('a1', there), account('a2', here)])).toBe('a2');
  });

  it('is one that names the node before one that serves all', () => {
    expect(resolve([account('a1'), account('a2', here)])).toBe('a2');
    expect(resolve([account('a1'), account('a2', { ...here, ...off })])).toBe('a1');
  });

  it('is refused, never replaced by none, where accounts do not serve', () => {
    expect(resolve([account('a1', there)])).toBe('ACCOUNT_MISSING courier_id');
    expect(resolve([account('a1', off)])).toBe('ACCOUNT_DISABLED account_id');
  });

  it('has to be named where several serve', () => {
    const two = [account('a1'), account('a2'), account('a3', there)];
    expect(resolve(two)).toBe('ACCOUNT_AMBIGUOUS account_id');
    expect(resolve(two, { accountId: 'a2' })).toBe('a2');
    expect(resolve(two, { accountId: 'a3' })).toBe('ACCOUNT_NOT_FOR_NODE account_id');
    expect(resolve(two, { accountId: 'a9' })).toBe('ACCOUNT_NOT_FOUND account_id');
    const others = [account('a1', { courierId: 'slow' }), account('a2', off)];
    expect(resolve(others, { accountId: 'a1' })).toBe('ACCOUNT_NOT_FOUND account_id');
    expect(resolve(others, { accountId: 'a2' })).toBe('ACCOUNT_DISABLED account_id');
  });
});
