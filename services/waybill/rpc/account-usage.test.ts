import { create } from '@bufbuild/protobuf';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { reasonOf } from '#libs/errors';
import { Subject_Kind } from '#proto/queqiao/network/v1/api_key';
import {
  CourierAccount_Billing,
  CourierAccount_State,
} from '#proto/queqiao/network/v1/courier_account';
import { AccountUsageSchema } from '#proto/queqiao/waybill/v1/account_service';
import {
  parcelOf,
  type SeededMerchant,
  seedMerchant,
  type TestSystem,
  testSystem,
} from '#test/support/system';
import { draw, parcels, recount, seedAccount, topUp, usageOf } from '../account.fixture.ts';

let system: TestSystem;

beforeAll(async () => {
  system = await testSystem();
});
afterAll(() => system[Symbol.asyncDispose]());

const MONTHLY = { billing: CourierAccount_Billing.MONTHLY };

async function errorOf(shop: SeededMerchant, change: object = {}) {
  const parcel = parcelOf(shop, `E-${Math.random().toString(36).slice(2)}`, change);
  const { outcomes } = await system.waybill(shop.apiKey).issueWaybills({ parcels: [parcel] });
  const outcome = outcomes[0]?.outcome;
  if (outcome?.case !== 'error') throw new Error('was issued');
  return { ...outcome.value, reason: reasonOf(outcome.value.reason) };
}

describe('accounts of parcels', () => {
  it('count what is drawn without one, repeats once, until the first is registered', async () => {
    const shop = await seedMerchant(system);
    const wanted = parcels(shop, 'NONE', 5);
    const numbers = await draw(system, shop, wanted);
    expect(await draw(system, shop, [...wanted, parcelOf(shop, 'NONE-5')])).toEqual(
      expect.arrayContaining(numbers),
    );
    const usage = { drawnCount: 6n, cancelledCount: 0n, printedCount: 0n, isPrepaid: false };
    expect(await usageOf(system, shop)).toMatchObject(usage);
    const accountId = await seedAccount(system, shop, MONTHLY);
    await draw(system, shop, parcels(shop, 'ONE', 3));
    expect(await usageOf(system, shop, accountId)).toMatchObject({ drawnCount: 3n });
    expect(await usageOf(system, shop)).toMatchObject(usage);
    const [number = ''] = await draw(system, shop, [parcelOf(shop, 'ONE-0')]);
    const { waybill } = await system.waybill(shop.apiKey).getWaybill({ waybillNumber: number });
    expect(waybill).toMatchObject({ accountId });
  });

  it('are demanded where the courier demands one', async () => {
    const shop = await seedMerchant(system);
    const { merchantId, courierId, nodeId } = shop;
    const { courier } = await system.network().getCourier({ courierId });
    await draw(system, shop, parcels(shop, 'FREE', 1));
    if (courier === undefined) throw new Error('no courier');
    await system.network().updateCourier({ courier: { ...courier, accountRequired: true } });
    await vi.waitFor(async () => {
      expect(await errorOf(shop)).toMatchObject({
        reason: 'ACCOUNT_MISSING',
        metadata: { merchant_id: merchantId, courier_id: courierId, node_id: nodeId },
      });
    });
    // What was issued before keeps its answer.
    await draw(system, shop, parcels(shop, 'FREE', 1));
    await seedAccount(system, shop, MONTHLY);
    await draw(system, shop, parcels(shop, 'PAID', 1));
  });

  it('have to be named where several serve, and stay the parcel’s own', async () => {
    const shop = await seedMerchant(system);
    const [one, two] = [
      await seedAccount(system, shop, MONTHLY),
      await seedAccount(system, shop, MONTHLY),
    ];
    expect(await errorOf(shop)).toMatchObject({ reason: 'ACCOUNT_AMBIGUOUS' });
    await draw(system, shop, [parcelOf(shop, 'A', { accountId: two })]);
    expect(await usageOf(system, shop, two)).toMatchObject({ drawnCount: 1n });
    expect(await usageOf(system, shop, one)).toMatchObject({ drawnCount: 0n });
    const wanted = [parcelOf(shop, 'A', { accountId: one })];
    const { outcomes } = await system.waybill(shop.apiKey).issueWaybills({ parcels: wanted });
    expect(outcomes[0]?.outcome.value).toMatchObject({ field: 'account_id' });
    // Without a wish it is the same parcel again.
    await draw(system, shop, [parcelOf(shop, 'A')]);
    expect(await errorOf(shop, { accountId: 'A' })).toMatchObject({ reason: 'FIELD_INVALID' });
    expect(await errorOf(shop, { accountId: 'nobodys' })).toMatchObject({
      reason: 'ACCOUNT_NOT_FOUND',
      field: 'account_id',
    });
  });

  it('are refused when disabled', async () => {
    const shop = await seedMerchant(system);
    const accountId = await seedAccount(system, shop, MONTHLY);
    const network = system.network();
    const { courierAccount } = await network.getCourierAccount({ accountId });
    if (courierAccount === undefined) throw new Error('no account');
    await network.updateCourierAccount({
      courierAccount: { ...courierAccount, state: CourierAccount_State.DISABLED },
    });
    await vi.waitFor(async () => {
      expect(await errorOf(shop)).toMatchObject({ reason: 'ACCOUNT_DISABLED' });
    });
  });
});

describe('GetAccountUsage', () => {
  it('tells each caller of its own accounts', async () => {
    const shop = await seedMerchant(system);
    const accountId = await seedAccount(system, shop, { count: 9n });
    await draw(system, shop, parcels(shop, 'S', 4));
    const { merchantId, courierId } = shop;
    const asMerchant = system.account(shop.apiKey);
    const asCourier = system.account(await courierKey(courierId));
    const { usage } = await asMerchant.getAccountUsage({ courierId, accountId });
    expect(usage).toEqual(
      create(AccountUsageSchema, {
        ...{ merchantId, courierId, accountId, isPrepaid: true },
        ...{ grantedCount: 9n, balanceCount: 5n, drawnCount: 4n },
      }),
    );
    expect((await asCourier.getAccountUsage({ merchantId, accountId })).usage).toEqual(usage);
    const other = await seedMerchant(system);
    const stranger = system.account(await courierKey(other.courierId));
    const foreign = [
      () => system.account(other.apiKey).getAccountUsage({ courierId, accountId }),
      () => stranger.getAccountUsage({ merchantId, accountId }),
      () => system.account().getAccountUsage({ ...other, accountId }),
      () => system.account().getAccountUsage({ merchantId, courierId: other.courierId, accountId }),
    ];
    for (const call of foreign) {
      await expect(call()).rejects.toMatchObject({ reason: 'ACCOUNT_NOT_FOUND' });
    }
    const named = system.account(other.apiKey).getAccountUsage({ merchantId, courierId });
    await expect(named).rejects.toMatchObject({ reason: 'TENANT_FOREIGN', field: 'merchant_id' });
  });

  it('names the field at fault', async () => {
    const shop = await seedMerchant(system);
    const { merchantId, courierId } = shop;
    const client = system.account();
    const faults: [object, object][] = [
      [{ courierId }, { field: 'merchant_id' }],
      [{ merchantId }, { field: 'courier_id' }],
      [{ merchantId: 'X', courierId }, { field: 'merchant_id' }],
      [{ merchantId, courierId, accountId: 'X' }, { field: 'account_id' }],
      [{ merchantId: 'nobody', courierId }, { reason: 'MERCHANT_NOT_FOUND' }],
      [{ merchantId, courierId: 'nobody' }, { reason: 'COURIER_NOT_FOUND' }],
    ];
    for (const [request, fault] of faults) {
      await expect(client.getAccountUsage(request)).rejects.toMatchObject(fault);
    }
  });
});

describe('ListAccountUsages', () => {
  it('walks what was used, folded or not, by filters', async () => {
    const shop = await seedMerchant(system);
    const { merchantId, courierId } = shop;
    await draw(system, shop, parcels(shop, 'N', 2));
    const low = await seedAccount(system, shop, { count: 3n, lowBalanceCount: 2n });
    const high = await seedAccount(system, shop, { count: 3n });
    await draw(
      system,
      shop,
      ['x', 'y'].map((ref) => parcelOf(shop, ref, { accountId: low })),
    );
    const client = system.account(shop.apiKey);
    const walk = async (filter: object) => {
      const found = [];
      let pageToken = '';
      do {
        const page = await client.listAccountUsages({ pageSize: 1, pageToken, ...filter });
        found.push(...page.usages.map(({ accountId, drawnCount }) => [accountId, drawnCount]));
        pageToken = page.nextPageToken;
      } while (pageToken !== '');
      return found;
    };
    const all = [
      ['', 2n],
      ...[
        [low, 2n],
        [high, 0n],
      ].sort(),
    ];
    expect(await walk({})).toEqual(all);
    expect(await walk({ courierId })).toEqual(all);
    expect(await walk({ onlyLow: true })).toEqual([[low, 2n]]);
    expect(await walk({ courierId: 'nobody' })).toEqual([]);
    const asCourier = system.account(await courierKey(courierId));
    expect((await asCourier.listAccountUsages({})).usages).toHaveLength(3);
    const stranger = await seedMerchant(system);
    const none = system.account(stranger.apiKey).listAccountUsages({ courierId });
    expect((await none).usages).toEqual([]);
    const foreign = system.account(stranger.apiKey).listAccountUsages({ merchantId });
    await expect(foreign).rejects.toMatchObject({ reason: 'TENANT_FOREIGN' });
    const { nextPageToken } = await client.listAccountUsages({ pageSize: 1 });
    const token = client.listAccountUsages({ pageToken: nextPageToken, onlyLow: true });
    await expect(token).rejects.toMatchObject({ reason: 'PAGE_TOKEN_INVALID' });
    await expect(client.listAccountUsages({ pageSize: -1 })).rejects.toMatchObject({
      field: 'page_size',
    });
  });
});

describe('the counts', () => {
  it('are those of the waybills, with cancels and prints', async () => {
    const shop = await seedMerchant(system);
    const accountId = await seedAccount(system, shop, { ...MONTHLY });
    const numbers = await draw(system, shop, parcels(shop, 'C', 20));
    const client = system.waybill(shop.apiKey);
    for (const waybillNumber of numbers.slice(0, 7)) await client.cancelWaybill({ waybillNumber });
    // A repeat cancels nothing again.
    await client.cancelWaybill({ waybillNumber: numbers[0] ?? '' });
    const usage = await usageOf(system, shop, accountId);
    expect(usage).toMatchObject(await recount(system, shop, accountId));
    expect(usage).toMatchObject({ drawnCount: 20n, cancelledCount: 7n, cancelledPermille: 350 });
    await expect(topUp(system, shop, accountId, 5n)).rejects.toMatchObject({
      reason: 'ACCOUNT_NOT_PREPAID',
    });
  });
});

async function courierKey(courierId: string): Promise<string> {
  const { secret } = await system.network().createApiKey({
    apiKey: {
      apiKeyId: `key-${courierId}`.slice(0, 32),
      subject: { kind: Subject_Kind.COURIER, id: courierId },
      scopes: ['account.read', 'account.write'],
    },
  });
  return secret;
}
