import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { LabelPress } from '#libs/label';
import {
  type SeededMerchant,
  seedMerchant,
  type TestSystem,
  testSystem,
} from '#test/support/system';
import { render, shown } from '../label.fixture.ts';
import { issue } from './vault.fixture.ts';

let system: TestSystem;
let shop: SeededMerchant;

/** Set: rows are not locked, and each of two calls waits here for the other. */
const twin = vi.hoisted(() => ({ meet: undefined as (() => Promise<void>) | undefined }));

vi.mock('../store/version.ts', async (original) => {
  const actual = await original<typeof import('../store/version.ts')>();
  return {
    ...actual,
    lockRows: async (...args: Parameters<typeof actual.lockRows>) => {
      if (twin.meet === undefined) return await actual.lockRows(...args);
      await twin.meet();
      return [];
    },
  };
});

beforeAll(async () => {
  system = await testSystem({ labelPrintsMax: 3 });
  shop = await seedMerchant(system);
});
afterAll(() => system[Symbol.asyncDispose]());

const print = async (waybillNumber: string) => {
  const { outcomes } = await render(system, shop.apiKey, { items: [{ waybillNumber }] });
  return outcomes.map(shown)[0];
};

/** A waybill that may be printed once more. */
async function printedTwice(orderRef: string): Promise<string> {
  const number = await issue(system, shop, orderRef);
  expect([await print(number), await print(number)]).toEqual([1, 2]);
  return number;
}

it('lets one of two have the last print that is allowed', async () => {
  const number = await printedTwice('LAST');
  const results = await Promise.all([print(number), print(number)]);
  expect(results.toSorted()).toEqual([3, 'LABEL_PRINTS_USED_UP']);
});

// The twin: who reads how often a waybill was printed without locking it.
it('would be found out if it counted without a lock', async () => {
  const number = await printedTwice('TWIN');
  let come = 0;
  let open = () => {};
  const both = new Promise<void>((resolve) => {
    open = resolve;
  });
  twin.meet = async () => {
    come += 1;
    if (come === 2) open();
    await both;
  };
  const results = await Promise.all([print(number), print(number)]);
  twin.meet = undefined;
  expect(results.toSorted()).toEqual([3, 4]);
});

it('says nothing of a consignee when a label cannot be drawn, and has counted it', async () => {
  const waybillNumber = await issue(system, shop, 'BROKEN');
  const broken = {
    draw: () => Promise.reject(new Error('a page is missing')),
    end: async () => undefined,
    [Symbol.dispose]() {},
  };
  const spy = vi.spyOn(LabelPress.prototype, 'open').mockReturnValueOnce(broken as never);
  const request = { requestId: randomUUID(), items: [{ waybillNumber }] };
  const error = await render(system, shop.apiKey, request).catch((reason: unknown) => reason);
  spy.mockRestore();
  expect(error).toMatchObject({ reason: 'INTERNAL' });
  expect(JSON.stringify(error)).not.toContain('a page is missing');
  const logged = system.logged();
  expect(logged).toContain('a page is missing');
  expect(logged).not.toContain('13812345678');
  const again = await render(system, shop.apiKey, request);
  expect(again.outcomes.map(shown)).toEqual([1]);
  expect(again.files.get(0)?.length).toBeGreaterThan(0);
});
