import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  CourierAccount_Billing as Billing,
  CourierAccount_State as State,
} from '#proto/queqiao/network/v1/courier_account';
import {
  courier,
  courierAccount,
  fault,
  merchant,
  node,
  startNetwork,
  type TestNetwork,
  walk,
} from '../test-network.ts';

let network: TestNetwork;

beforeEach(async () => {
  network = await startNetwork();
  const operator = network.as('operator');
  for (const id of ['shop', 'mall']) await operator.createMerchant({ merchant: merchant(id) });
  for (const id of ['swift', 'slow']) await operator.createCourier({ courier: courier(id) });
  await operator.createNode({ node: node('any') });
  await operator.createNode({ node: node('own', { merchantId: 'shop' }) });
  await operator.createNode({ node: node('foreign', { merchantId: 'mall' }) });
});
afterEach(() => network[Symbol.asyncDispose]());

test('creates an account, once however often it is asked, and announces it', async () => {
  const given = courierAccount('shop-swift', {
    branchCode: '571-01',
    branchName: '杭州余杭分公司',
    customerCode: 'K571_8800',
    nodeIds: ['own', 'any'],
    lowBalanceCount: 500n,
    refundOnCancel: true,
  });
  const operator = network.as('operator');
  const create = () => operator.createCourierAccount({ courierAccount: given });
  const { courierAccount: created } = await create();
  expect(created).toMatchObject({ ...given, state: State.ACTIVE });
  expect((await create()).courierAccount).toEqual(created);
  const other = { ...given, branchName: '别处' };
  const clash = operator.createCourierAccount({ courierAccount: other });
  expect(await fault(clash)).toMatchObject({ reason: 'RESOURCE_EXISTS', id: 'shop-swift' });
  const events = (await network.events()).filter(({ kind }) => kind === 'courier_account');
  expect(events).toEqual([
    {
      subject: 'queqiao.v1.network.courier_account.changed',
      kind: 'courier_account',
      id: 'shop-swift',
      version: 1n,
      courierId: 'swift',
      merchantId: 'shop',
    },
  ]);
});

test('lets several creations at once make one account', async () => {
  const create = () =>
    network.as('operator').createCourierAccount({ courierAccount: courierAccount('twin') });
  const outcomes = await network.atOnce('courier_account', [create, create, create]);
  expect(outcomes.map(({ status }) => status)).toEqual(Array(3).fill('fulfilled'));
  const events = (await network.events()).filter(({ kind }) => kind === 'courier_account');
  expect(events).toHaveLength(1);
});

const MONTHLY = { billing: Billing.MONTHLY };
test.each<[string, object, string]>([
  ['account_id', { accountId: 'A' }, 'SLUG'],
  ['merchant_id', { merchantId: '' }, 'REQUIRED'],
  ['courier_id', { courierId: 'Swift' }, 'SLUG'],
  ['branch_code', { branchCode: 'a b' }, 'ACCOUNT_CODE'],
  ['branch_code', { branchCode: '1'.repeat(33) }, 'TOO_LONG'],
  ['branch_name', { branchName: '店'.repeat(81) }, 'TOO_LONG'],
  ['billing', { billing: Billing.UNSPECIFIED }, 'REQUIRED'],
  ['billing', { billing: 9 }, 'UNKNOWN_VALUE'],
  ['customer_code', { customerCode: '客户' }, 'ACCOUNT_CODE'],
  ['node_ids[1]', { nodeIds: ['own', 'own'] }, 'REPEATED'],
  ['node_ids[0]', { nodeIds: ['Own'] }, 'SLUG'],
  ['node_ids', { nodeIds: Array.from({ length: 201 }, (_, i) => `n${i}`) }, 'LIST_SIZE'],
  ['state', { state: 7 }, 'UNKNOWN_VALUE'],
  ['low_balance_count', { lowBalanceCount: -1n }, 'OUT_OF_RANGE'],
  ['low_balance_count', { lowBalanceCount: 1_000_000_001n }, 'OUT_OF_RANGE'],
  ['low_balance_count', { ...MONTHLY, lowBalanceCount: 1n }, 'NOT_ALLOWED'],
  ['refund_on_cancel', { ...MONTHLY, refundOnCancel: true }, 'NOT_ALLOWED'],
])('names the field at fault: %s of %o', async (field, change, problem) => {
  const given = courierAccount('faulty', change);
  const call = network.as('operator').createCourierAccount({ courierAccount: given });
  expect(await fault(call)).toEqual({
    reason: 'FIELD_INVALID',
    field: `courier_account.${field}`,
    problem,
  });
});

test('refuses parties that are not there and nodes that the merchant may not use', async () => {
  const create = (change: object) =>
    fault(
      network
        .as('operator')
        .createCourierAccount({ courierAccount: courierAccount('lost', change) }),
    );
  expect(await create({ merchantId: 'nobody' })).toMatchObject({
    reason: 'MERCHANT_NOT_FOUND',
    id: 'nobody',
  });
  expect(await create({ courierId: 'nobody' })).toMatchObject({ reason: 'COURIER_NOT_FOUND' });
  for (const nodeId of ['foreign', 'nowhere']) {
    expect(await create({ nodeIds: ['own', nodeId] })).toEqual({
      reason: 'NODE_NOT_FOUND',
      field: 'courier_account.node_ids[1]',
      id: nodeId,
    });
  }
  const gone = network.as('operator').getCourierAccount({ accountId: 'lost' });
  expect(await fault(gone)).toMatchObject({ reason: 'ACCOUNT_NOT_FOUND', id: 'lost' });
});

test('changes what may change, keeps what is fixed, and lets one of several win', async () => {
  const before = await seed('shop-swift', {});
  const operator = network.as('operator');
  const change = { state: State.DISABLED, nodeIds: ['own'], lowBalanceCount: 7n, branchCode: 'B' };
  const update = (more: object) =>
    operator.updateCourierAccount({ courierAccount: { ...before, ...more } });
  expect(await fault(update({ etag: '' }))).toMatchObject({ field: 'courier_account.etag' });
  for (const [fixed, value] of [
    ['merchant_id', { merchantId: 'mall' }],
    ['courier_id', { courierId: 'slow' }],
    ['billing', { ...MONTHLY }],
    ['refund_on_cancel', { refundOnCancel: true }],
  ] as const) {
    const field = `courier_account.${fixed}`;
    expect(await fault(update(value))).toMatchObject({ field, problem: 'FIXED' });
  }
  expect(await fault(update({ nodeIds: ['foreign'] }))).toMatchObject({ reason: 'NODE_NOT_FOUND' });
  const calls = [1, 2, 3].map(() => () => update(change));
  const outcomes = await network.atOnce('courier_account', calls);
  expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  const { courierAccount: after } = await operator.getCourierAccount({ accountId: 'shop-swift' });
  expect(after).toMatchObject(change);
  expect(await fault(update(change))).toEqual({ reason: 'CONFLICT', field: '' });
  const events = (await network.events()).filter(({ kind }) => kind === 'courier_account');
  expect(events.map(({ version }) => version)).toEqual([1n, 2n]);
  const unknown = operator.updateCourierAccount({
    courierAccount: { ...before, accountId: 'none' },
  });
  expect(await fault(unknown)).toMatchObject({ reason: 'ACCOUNT_NOT_FOUND' });
});

test('shows each caller its own accounts', async () => {
  await seed('aa', { merchantId: 'shop', courierId: 'swift' });
  await seed('bb', { merchantId: 'shop', courierId: 'slow' });
  await seed('cc', { merchantId: 'mall', courierId: 'swift' });
  const pagesOf = (who: Parameters<TestNetwork['as']>[0], filter: object = {}) =>
    walk(async (pageToken) => {
      const page = await network.as(who).listCourierAccounts({ pageSize: 2, pageToken, ...filter });
      return { ids: page.courierAccounts.map(({ accountId }) => accountId), ...page };
    });
  expect(await pagesOf('operator')).toEqual([['aa', 'bb'], ['cc']]);
  expect(await pagesOf('operator', { courierId: 'swift' })).toEqual([['aa', 'cc']]);
  expect(await pagesOf('operator', { merchantId: 'mall' })).toEqual([['cc']]);
  expect(await pagesOf('service:waybill', { merchantId: 'shop' })).toEqual([['aa', 'bb']]);
  expect(await pagesOf('merchant:shop')).toEqual([['aa', 'bb']]);
  expect(await pagesOf('courier:swift')).toEqual([['aa', 'cc']]);
  const foreign = network.as('merchant:mall').getCourierAccount({ accountId: 'aa' });
  expect(await fault(foreign)).toMatchObject({ reason: 'ACCOUNT_NOT_FOUND', id: 'aa' });
  const others = network.as('merchant:mall').listCourierAccounts({ merchantId: 'shop' });
  expect(await fault(others)).toEqual({ reason: 'TENANT_FOREIGN', field: 'merchant_id' });
  const theirs = network.as('courier:slow').listCourierAccounts({ courierId: 'swift' });
  expect(await fault(theirs)).toEqual({ reason: 'TENANT_FOREIGN', field: 'courier_id' });
  const write = network.as('merchant:shop').createCourierAccount({});
  expect(await fault(write)).toMatchObject({ reason: 'SCOPE_MISSING' });
});

async function seed(accountId: string, change: object) {
  const given = courierAccount(accountId, change);
  const answer = await network.as('operator').createCourierAccount({ courierAccount: given });
  if (answer.courierAccount === undefined) throw new Error('no account');
  return answer.courierAccount;
}
