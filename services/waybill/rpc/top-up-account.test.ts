import { randomUUID } from 'node:crypto';
import { fromBinary } from '@bufbuild/protobuf';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Subject_Kind } from '#proto/queqiao/network/v1/api_key';
import { AccountBalanceCrossedSchema } from '#proto/queqiao/waybill/v1/event';
import {
  type SeededMerchant,
  seedMerchant,
  type TestSystem,
  testSystem,
} from '#test/support/system';
import { draw, parcels, seedAccount, topUp, usageOf } from '../account.fixture.ts';

let system: TestSystem;
let shop: SeededMerchant;

beforeAll(async () => {
  system = await testSystem();
  shop = await seedMerchant(system);
});
afterAll(() => system[Symbol.asyncDispose]());

function request(accountId: string, change: object = {}) {
  const { merchantId } = shop;
  return { merchantId, accountId, count: 5n, reason: '充值', requestId: randomUUID(), ...change };
}

describe('TopUpAccount', () => {
  it('adds once however often it is asked, also at once', async () => {
    const accountId = await seedAccount(system, shop);
    const client = system.account();
    const wanted = request(accountId);
    const answers = await Promise.all([1, 2, 3].map(() => client.topUpAccount(wanted)));
    answers.push(await client.topUpAccount(wanted));
    for (const { movement } of answers) {
      expect(movement).toEqual(answers[0]?.movement);
      expect(movement).toMatchObject({
        ...{ count: 5n, balanceCount: 5n, reason: '充值', requestId: wanted.requestId },
        actor: expect.stringMatching(/^operator operator-/),
      });
    }
    expect(await usageOf(system, shop, accountId)).toMatchObject({
      grantedCount: 5n,
      balanceCount: 5n,
    });
    const other = client.topUpAccount({ ...wanted, count: 6n });
    await expect(other).rejects.toMatchObject({
      reason: 'REQUEST_ID_REUSED',
      metadata: { request_id: wanted.requestId },
    });
  });

  it('takes off what is there, and no more', async () => {
    const accountId = await seedAccount(system, shop, { count: 10n });
    await draw(
      system,
      shop,
      parcels(shop, 'OFF', 3).map((parcel) => ({ ...parcel, accountId })),
    );
    const client = system.account();
    const tooMuch = client.topUpAccount(request(accountId, { count: -8n }));
    await expect(tooMuch).rejects.toMatchObject({
      reason: 'BALANCE_SHORT',
      metadata: { account_id: accountId, balance: '7', given: '8' },
    });
    const { movement } = await client.topUpAccount(request(accountId, { count: -7n }));
    expect(movement).toMatchObject({ count: -7n, balanceCount: 0n });
    const taken = await Promise.allSettled(
      [1, 2].map(async () => {
        const filled = await seedAccount(system, shop, { count: 3n });
        const off = () => client.topUpAccount(request(filled, { count: -2n }));
        return (await Promise.allSettled([off(), off()])).map(({ status }) => status).sort();
      }),
    );
    for (const each of taken) {
      expect(each).toMatchObject({ value: ['fulfilled', 'rejected'] });
    }
  });

  it('names the field at fault', async () => {
    const accountId = await seedAccount(system, shop);
    const faults: [object, object][] = [
      [{ merchantId: '' }, { field: 'merchant_id' }],
      [{ accountId: '' }, { field: 'account_id' }],
      [{ accountId: 'nobodys' }, { reason: 'ACCOUNT_NOT_FOUND' }],
      [{ merchantId: 'nobody' }, { reason: 'ACCOUNT_NOT_FOUND' }],
      [{ count: 0n }, { field: 'count', metadata: { problem: 'ZERO' } }],
      [{ count: 1_000_000_001n }, { field: 'count' }],
      [
        { count: -1n, reason: ' ' },
        { field: 'reason', metadata: { problem: 'REQUIRED' } },
      ],
      [{ reason: '长'.repeat(201) }, { field: 'reason' }],
      [{ requestId: '' }, { field: 'request_id', metadata: { problem: 'REQUIRED' } }],
      [{ requestId: '1-2' }, { field: 'request_id', metadata: { problem: 'UUID' } }],
    ];
    for (const [change, fault] of faults) {
      const call = system.account().topUpAccount(request(accountId, change));
      await expect(call, JSON.stringify(fault)).rejects.toMatchObject(fault);
    }
    expect(await usageOf(system, shop, accountId)).toMatchObject({ grantedCount: 0n });
  });

  it('is for operators and the courier, who may only add', async () => {
    const accountId = await seedAccount(system, shop);
    const own = system.account(await courierKey(shop.courierId));
    expect((await own.topUpAccount(request(accountId))).movement).toMatchObject({
      actor: `courier key-${shop.courierId}`,
    });
    const off = own.topUpAccount(request(accountId, { count: -1n }));
    await expect(off).rejects.toMatchObject({ field: 'count', metadata: { min: '1' } });
    const other = await seedMerchant(system);
    const foreign = system.account(await courierKey(other.courierId));
    await expect(foreign.topUpAccount(request(accountId))).rejects.toMatchObject({
      reason: 'ACCOUNT_NOT_FOUND',
    });
    const merchant = system.account(shop.apiKey).topUpAccount(request(accountId));
    await expect(merchant).rejects.toMatchObject({ reason: 'SCOPE_MISSING' });
  });

  it('tells once that the balance is low, and once that it is refilled', async () => {
    const buyer = await seedMerchant(system);
    const accountId = await seedAccount(system, buyer, { count: 4n, lowBalanceCount: 2n });
    await draw(system, buyer, parcels(buyer, 'L', 1));
    expect((await usageOf(system, buyer, accountId)).lowTime).toBeUndefined();
    for (const ref of ['M', 'N']) await draw(system, buyer, parcels(buyer, ref, 1));
    const { lowTime } = await usageOf(system, buyer, accountId);
    expect(lowTime).toBeDefined();
    await topUp(system, buyer, accountId, 1n);
    expect((await usageOf(system, buyer, accountId)).lowTime).toEqual(lowTime);
    await topUp(system, buyer, accountId, 1n);
    expect((await usageOf(system, buyer, accountId)).lowTime).toBeUndefined();
    const events = await system.database.query<{ subject: string; payload: Buffer }>(
      `select subject, payload from waybill.outbox where subject like $1 order by id`,
      [`queqiao.v1.waybill.${buyer.courierId}.account\\_%`],
    );
    const { merchantId, courierId } = buyer;
    const account = { merchantId, courierId, accountId, lowBalanceCount: 2n };
    expect(
      events.map(({ subject, payload }) => [
        subject.split('.').at(-1),
        fromBinary(AccountBalanceCrossedSchema, payload),
      ]),
    ).toEqual([
      ['account_low', expect.objectContaining({ ...account, balanceCount: 2n })],
      ['account_refilled', expect.objectContaining({ ...account, balanceCount: 3n })],
    ]);
    const warnings = system.logged().split('\n');
    const own = warnings.filter(
      (line) => line.includes('running low') && line.includes(`"${accountId}"`),
    );
    expect(own).toHaveLength(1);
  });
});

describe('ListAccountMovements', () => {
  it('walks movements, newest first, for those whose account it is', async () => {
    const accountId = await seedAccount(system, shop, { count: 1n });
    for (const count of [2n, 3n]) await topUp(system, shop, accountId, count);
    const client = system.account(shop.apiKey);
    const counts: bigint[] = [];
    let pageToken = '';
    do {
      const page = await client.listAccountMovements({ accountId, pageSize: 2, pageToken });
      counts.push(...page.movements.map(({ count }) => count));
      pageToken = page.nextPageToken;
    } while (pageToken !== '');
    expect(counts).toEqual([3n, 2n, 1n]);
    const other = await seedMerchant(system);
    const foreign = system.account(other.apiKey).listAccountMovements({ accountId });
    await expect(foreign).rejects.toMatchObject({ reason: 'ACCOUNT_NOT_FOUND' });
    await expect(client.listAccountMovements({})).rejects.toMatchObject({ field: 'account_id' });
    const token = client.listAccountMovements({ accountId, pageToken: 'x' });
    await expect(token).rejects.toMatchObject({ reason: 'PAGE_TOKEN_INVALID' });
  });
});

async function courierKey(courierId: string): Promise<string> {
  const { secret } = await system.network().createApiKey({
    apiKey: {
      apiKeyId: `key-${courierId}`,
      subject: { kind: Subject_Kind.COURIER, id: courierId },
      scopes: ['account.read', 'account.write'],
    },
  });
  return secret;
}
