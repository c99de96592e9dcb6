import { create, fromBinary, type MessageInitShape } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RpcError, reasonOf, toItemError } from '#libs/errors';
import type { CallOptions } from '#libs/grpc';
import { Waybill_State } from '#proto/queqiao/waybill/v1/waybill';
import {
  IssuedWaybillSchema,
  type IssueItemOutcome,
  type IssueWaybillStreamRequestSchema,
  type IssueWaybillStreamResponse,
  IssueWaybillStreamResponseSchema,
} from '#proto/queqiao/waybill/v1/waybill_service';
import {
  type ParcelInit,
  parcelOf,
  type SeededMerchant,
  seedMerchant,
  type TestSystem,
  testSystem,
} from '#test/support/system';
import { encodeItemOutcomes } from '../answer.ts';

let system: TestSystem;
let shop: SeededMerchant;

beforeAll(async () => {
  system = await testSystem();
  shop = await seedMerchant(system);
});
afterAll(() => system[Symbol.asyncDispose]());

describe('IssueWaybillStream', () => {
  it('tells its window first, then answers each item under the caller’s own name', async () => {
    const items = ['one', '二', 'three'].map((itemId) =>
      item(itemId, `S-${itemId.length}-${itemId.codePointAt(0)}`),
    );
    const [first, ...rest] = await responses([{ items }]);
    expect(first).toMatchObject({ window: 256, outcomes: [] });
    const outcomes = rest.flatMap((response) => response.outcomes);
    expect(outcomes.map(({ itemId }) => itemId).sort()).toEqual(['one', 'three', '二']);
    expect(new Set(outcomes.map(numberOf)).size).toBe(3);
    for (const response of rest) expect(response.window).toBe(0);
  });

  it('answers a bad item with its error and goes on', async () => {
    const outcomes = await outcomesOf([
      { items: [item('good', 'B-1'), item('bad', 'B-2', { weightG: -1 })] },
      { items: [item('unknown', 'B-3', { courierId: 'nobody' }), { itemId: 'empty' }] },
      { items: [item('also good', 'B-4')] },
    ]);
    expect(numberOf(outcomes.get('good'))).toMatch(/^Q/);
    expect(numberOf(outcomes.get('also good'))).toMatch(/^Q/);
    expect(errorOf(outcomes.get('bad'))).toEqual(['FIELD_INVALID', 'weight_g']);
    expect(errorOf(outcomes.get('unknown'))).toEqual(['COURIER_NOT_FOUND', 'courier_id']);
    expect(errorOf(outcomes.get('empty'))).toEqual(['FIELD_INVALID', 'parcel']);
  });

  it('answers an item that was issued before with the same number, by any call', async () => {
    const parcel = parcelOf(shop, 'AGAIN');
    const { issued } = await system.waybill(shop.apiKey).issueWaybill({ parcel });
    for (const itemId of ['x', 'y']) {
      const outcome = (await outcomesOf([{ items: [{ itemId, parcel }] }])).get(itemId);
      expect(outcome?.outcome.value).toMatchObject({ ...issued, alreadyIssued: true });
    }
  });

  it('gives one number to a parcel that two streams ask for at once', async () => {
    const items = Array.from({ length: 50 }, (_, i) => item(String(i), `RACE-${i}`));
    const both = await Promise.all([outcomesOf([{ items }]), outcomesOf([{ items }])]);
    for (const { itemId } of items) {
      expect(numberOf(both[0].get(itemId))).toBe(numberOf(both[1].get(itemId)));
    }
  });

  it('lets a name be used again once it is answered', async () => {
    let send = (_: string) => {};
    async function* oneByOne() {
      for (let round = 0; round < 3; round++) {
        const orderRef = await new Promise<string>((resolve) => {
          send = resolve;
        });
        yield filled({ items: [item('same', orderRef)] });
      }
    }
    const answers = stream(oneByOne());
    await answers.next();
    for (const orderRef of ['NAME-1', 'NAME-2', 'NAME-3']) {
      send(orderRef);
      const { value } = await answers.next();
      expect(numberOf(value?.outcomes[0])).toMatch(/^Q/);
    }
    expect((await answers.next()).done).toBe(true);
  });

  it('goes through its window many times', async () => {
    const requests = Array.from({ length: 20 }, (_, block) => ({
      items: Array.from({ length: 100 }, (_, i) => item(`${block}-${i}`, `MANY-${block}-${i}`)),
    }));
    const outcomes = await outcomesOf(requests);
    expect(new Set([...outcomes.values()].map(numberOf)).size).toBe(2_000);
    const [row] = await system.database.query<{ commits: string }>(
      `select count(distinct xmin::text) as commits from waybill.waybill
       where order_ref like 'MANY-%'`,
    );
    expect(Number(row?.commits)).toBeLessThan(200);
  });

  it('draws small messages of one turn together', async () => {
    const requests = Array.from({ length: 200 }, (_, i) => ({
      items: [item(`${i}`, `SMALL-${i}`)],
    }));
    const outcomes = await outcomesOf(requests);
    expect(new Set([...outcomes.values()].map(numberOf)).size).toBe(200);
    const [row] = await system.database.query<{ commits: string }>(
      `select count(distinct xmin::text) as commits from waybill.waybill
       where order_ref like 'SMALL-%'`,
    );
    expect(Number(row?.commits)).toBeLessThan(150);
  });
});

describe('IssueWaybillStream ends', () => {
  it.each<[string, Request[], string, string]>([
    ['without a name', [{ items: [item('', 'F-1')] }], 'items[0].item_id', 'REQUIRED'],
    [
      'with a name too long',
      [{ items: [item('x'.repeat(65), 'F-1')] }],
      'items[0].item_id',
      'TOO_LONG',
    ],
    [
      'with a name twice',
      [{ items: [item('x', 'F-1'), item('x', 'F-2')] }],
      'items[1].item_id',
      'REPEATED',
    ],
    ['without items', [{ items: [] }], 'items', 'LIST_SIZE'],
    [
      'with too many',
      [{ items: Array.from({ length: 257 }, (_, i) => item(`${i}`, `F-${i}`)) }],
      'items',
      'LIST_SIZE',
    ],
  ])('at a message %s', async (_, requests, field, problem) => {
    const expected = { reason: 'FIELD_INVALID', field, metadata: { problem } };
    await expect(responses(requests)).rejects.toMatchObject(expected);
  });

  it('when the merchant changes', async () => {
    const merchantId = shop.merchantId;
    const first = { merchantId, items: [item('1', 'M-1')] };
    const other = { merchantId: 'other-shop', items: [item('2', 'M-2')] };
    const operator = { apiKey: system.operatorKey };
    await expect(responses([first, other], operator)).rejects.toMatchObject({
      field: 'merchant_id',
      metadata: { problem: 'FIXED' },
    });
    expect(await responses([first, { items: [item('2', 'M-2')] }], operator)).toBeDefined();
  });

  it('for another’s merchant, for none of an operator and for one that is unknown', async () => {
    const of = (merchantId: string) => [{ merchantId, items: [item('1', 'T-1')] }];
    await expect(responses(of('other-shop'))).rejects.toMatchObject({ reason: 'TENANT_FOREIGN' });
    const operator = { apiKey: system.operatorKey };
    await expect(responses(of(''), operator)).rejects.toMatchObject({ field: 'merchant_id' });
    const unknown = responses(of('nobody-shop'), operator);
    await expect(unknown).rejects.toMatchObject({ reason: 'MERCHANT_NOT_FOUND' });
  });

  it('when the server stops; what was not answered goes over another', async () => {
    const other = await testSystem({ natsUrl: undefined });
    try {
      const seeded = await seedMerchant(other);
      const client = other.waybill(seeded.apiKey);
      const all = Array.from({ length: 400 }, (_, i) => String(i));
      const numbers = new Map<string, string>();
      let restarted: Promise<void> | undefined;
      let goOn = () => {};
      const stopping = new Promise<void>((resolve) => {
        goOn = resolve;
      });
      async function* sending(left: string[]) {
        for (let i = 0; i < left.length; i += 10) {
          const items = left.slice(i, i + 10).map((itemId) => ({
            itemId,
            parcel: parcelOf(seeded, `STOP-${itemId}`),
          }));
          yield { items };
          if (i === 200) await stopping;
        }
      }
      const take = async (answers: AsyncIterable<IssueWaybillStreamResponse>) => {
        for await (const { outcomes } of answers) {
          for (const outcome of outcomes) numbers.set(outcome.itemId, numberOf(outcome));
          if (outcomes.length === 0) continue;
          restarted ??= other.restart();
          goOn();
        }
      };
      const cut = take(client.issueWaybillStream(sending(all)));
      await expect(cut).rejects.toMatchObject({ reason: 'STREAM_MOVED', retryable: true });
      await restarted;
      expect(numbers.size).toBeGreaterThanOrEqual(10);
      expect(numbers.size).toBeLessThan(400);
      const left = all.filter((itemId) => !numbers.has(itemId));
      await take(other.waybill(seeded.apiKey).issueWaybillStream(sending(left)));
      const rows = await other.database.query<{ order_ref: string; waybill_number: string }>(
        'select order_ref, waybill_number from waybill.waybill',
      );
      const stored = rows.map((row) => [row.order_ref.slice(5), row.waybill_number]);
      expect(new Map(stored as [string, string][])).toEqual(numbers);
    } finally {
      await other[Symbol.asyncDispose]();
    }
  });
});

describe('an encoded response', () => {
  it('says what was answered, whatever it was', () => {
    const issueTime = timestampFromDate(new Date('2026-11-11T00:00:00.123Z'));
    const state = Waybill_State.ISSUED;
    const fields = { waybillNumber: 'Q123', issueTime, state };
    const now = create(IssuedWaybillSchema, { ...fields, alreadyIssued: false });
    const before = create(IssuedWaybillSchema, { ...fields, alreadyIssued: true });
    const refused = new RpcError('OVERLOADED');
    const outcomes = [
      { itemId: '一', answer: now },
      { itemId: 'two', answer: before },
      { itemId: 'three', answer: refused },
    ];
    const bytes = encodeItemOutcomes({ window: 7, outcomes });
    expect(fromBinary(IssueWaybillStreamResponseSchema, bytes)).toEqual(
      create(IssueWaybillStreamResponseSchema, {
        window: 7,
        outcomes: [
          { itemId: '一', outcome: { case: 'issued', value: now } },
          { itemId: 'two', outcome: { case: 'issued', value: before } },
          { itemId: 'three', outcome: { case: 'error', value: toItemError(refused) } },
        ],
      }),
    );
  });
});

type Request = MessageInitShape<typeof IssueWaybillStreamRequestSchema>;

function item(itemId: string, orderRef: string, change: ParcelInit = {}) {
  // Described before the shop is there: its names are filled in when the item is sent.
  return { itemId, orderRef, change };
}

function filled(request: Request): Request {
  const items = (request.items ?? []).map((each) => {
    const { itemId = '', orderRef, change } = each as Partial<ReturnType<typeof item>>;
    if (orderRef === undefined) return each;
    return { itemId, parcel: parcelOf(shop, orderRef, change) };
  });
  return { ...request, items } as Request;
}

function stream(requests: AsyncIterable<Request>, options: CallOptions = {}) {
  return system.waybill(shop.apiKey).issueWaybillStream(requests, options);
}

async function responses(requests: Request[], options: CallOptions = {}) {
  async function* all() {
    for (const request of requests) yield filled(request);
  }
  const found: IssueWaybillStreamResponse[] = [];
  for await (const response of stream(all(), options)) found.push(response);
  return found;
}

async function outcomesOf(requests: Request[]): Promise<Map<string, IssueItemOutcome>> {
  const found = await responses(requests);
  return new Map(found.flatMap(({ outcomes }) => outcomes.map((each) => [each.itemId, each])));
}

function numberOf(outcome: IssueItemOutcome | undefined): string {
  if (outcome?.outcome.case !== 'issued') throw new Error(JSON.stringify(outcome?.outcome.value));
  return outcome.outcome.value.waybillNumber;
}

function errorOf(outcome: IssueItemOutcome | undefined): [string, string] {
  if (outcome?.outcome.case !== 'error') throw new Error('was issued');
  return [reasonOf(outcome.outcome.value.reason), outcome.outcome.value.field];
}
