import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { reasonOf } from '#libs/errors';
import { Courier_State } from '#proto/queqiao/network/v1/courier';
import { Merchant_State } from '#proto/queqiao/network/v1/merchant';
import { Node_State } from '#proto/queqiao/network/v1/node';
import {
  NumberRange_CheckDigitScheme,
  NumberRange_State,
} from '#proto/queqiao/network/v1/number_range';
import { Waybill_State } from '#proto/queqiao/waybill/v1/waybill';
import type { IssueOutcome } from '#proto/queqiao/waybill/v1/waybill_service';
import {
  type ParcelInit,
  parcelOf,
  type SeededMerchant,
  seedMerchant,
  type TestSystem,
  testSystem,
} from '#test/support/system';
import { checkDigit } from '../number.ts';

let system: TestSystem;
let shop: SeededMerchant;

beforeAll(async () => {
  system = await testSystem();
  shop = await seedMerchant(system);
});
afterAll(() => system[Symbol.asyncDispose]());

function issue(parcels: ParcelInit[], merchant = shop) {
  return system.waybill(merchant.apiKey).issueWaybills({ parcels });
}

function numberOf(outcome: IssueOutcome | undefined): string {
  if (outcome?.outcome.case !== 'issued') throw new Error(JSON.stringify(outcome?.outcome.value));
  return outcome.outcome.value.waybillNumber;
}

function errorOf(outcome: IssueOutcome | undefined) {
  if (outcome?.outcome.case !== 'error') throw new Error('was issued');
  const { reason, field, metadata, textEn, textZh, code } = outcome.outcome.value;
  return { reason: reasonOf(reason), field, metadata, textEn, textZh, code };
}

describe('IssueWaybills', () => {
  it('answers a number with a right check digit for each parcel, in request order', async () => {
    const parcels = ['R-3', 'R-1', 'R-2'].map((orderRef) => parcelOf(shop, orderRef));
    const { outcomes } = await issue(parcels);
    expect(outcomes.map(({ orderRef, parcelNo }) => [orderRef, parcelNo])).toEqual([
      ['R-3', 1],
      ['R-1', 1],
      ['R-2', 1],
    ]);
    const numbers = outcomes.map(numberOf);
    expect(new Set(numbers).size).toBe(3);
    for (const number of numbers) {
      expect(number).toMatch(/^Q\d{16}$/);
      const scheme = NumberRange_CheckDigitScheme.ISO7064_MOD11_10;
      expect(checkDigit(scheme, number.slice(0, -1))).toBe(number.slice(-1));
    }
  });

  it('stores the consignee sealed and masked, never plain', async () => {
    const number = numberOf((await issue([parcelOf(shop, 'S-1')])).outcomes[0]);
    const [row] = await system.database.query<{ whole: string }>(
      `select encode(waybill::text::bytea, 'escape') || encode(body, 'escape')
         || encode(consignee_masked, 'escape') || encode(consignee_sealed, 'escape') as whole
       from waybill.waybill where waybill_number = $1`,
      [number],
    );
    const escaped = (text: string) =>
      [...Buffer.from(text)]
        .map((byte) => (byte < 128 ? String.fromCharCode(byte) : `\\${byte.toString(8)}`))
        .join('');
    expect(row?.whole).toContain(escaped('余杭区'));
    for (const secret of ['修远', '13812345678', '文一西路', '仓前']) {
      expect(row?.whole).not.toContain(escaped(secret));
    }
  });

  it('answers a repeat, whole or in part, with the first numbers', async () => {
    const parcels = [1, 2, 3].map((no) => parcelOf(shop, 'AGAIN', { parcelNo: no }));
    const first = (await issue(parcels)).outcomes.map(numberOf);
    const { outcomes } = await issue([...parcels].reverse());
    expect(outcomes.map(numberOf)).toEqual([...first].reverse());
    for (const { outcome } of outcomes) {
      expect(outcome.value).toMatchObject({ alreadyIssued: true, state: Waybill_State.ISSUED });
    }
  });

  it.each([
    ['courier_id', { courierId: 'other' }],
    ['node_id', { nodeId: 'other' }],
    ['service_code', { serviceCode: 'same-day' }],
    ['weight_g', { weightG: 1_251 }],
    ['goods_description', { goodsDescription: '咖啡' }],
    ['remark', { remark: '易碎' }],
    ['merged_order_refs', { mergedOrderRefs: ['X'] }],
    ['order_ref', { orderRef: 'keyed' }],
  ])('refuses a used parcel key with another %s', async (field, change) => {
    const number = numberOf((await issue([parcelOf(shop, 'KEYED')])).outcomes[0]);
    const error = errorOf((await issue([parcelOf(shop, 'KEYED', change)])).outcomes[0]);
    expect(error).toMatchObject({ reason: 'PARCEL_KEY_REUSED', field });
    expect(error.metadata).toMatchObject({ field, waybill_number: number });
  });

  it('refuses a used parcel key with another consignee, without telling the first', async () => {
    const parcel = parcelOf(shop, 'KEYED-2');
    await issue([parcel]);
    const other = { ...parcel, consignee: { ...parcel.consignee, phone: '13900000000' } };
    const error = errorOf((await issue([other as typeof parcel])).outcomes[0]);
    expect(error).toMatchObject({ reason: 'PARCEL_KEY_REUSED', field: 'consignee.phone' });
    expect(JSON.stringify(error)).not.toMatch(/13812345678|13900000000/);
  });

  it.each<[string, string, ParcelInit]>([
    ['order_ref', 'FIELD_INVALID', { orderRef: 'a b' }],
    ['order_ref', 'FIELD_INVALID', { orderRef: '' }],
    ['parcel_no', 'FIELD_INVALID', { parcelNo: 1_000 }],
    ['parcel_no', 'FIELD_INVALID', { parcelNo: -1 }],
    ['courier_id', 'FIELD_INVALID', { courierId: '' }],
    ['courier_id', 'COURIER_NOT_FOUND', { courierId: 'nobody' }],
    ['node_id', 'FIELD_INVALID', { nodeId: 'A' }],
    ['node_id', 'NODE_NOT_FOUND', { nodeId: 'nowhere' }],
    ['service_code', 'SERVICE_NOT_OFFERED', { serviceCode: 'teleport' }],
    ['weight_g', 'FIELD_INVALID', { weightG: 1_000_001 }],
    ['volume_ml', 'FIELD_INVALID', { volumeMl: -1 }],
    ['goods_value_fen', 'FIELD_INVALID', { goodsValueFen: 1_000_000_001n }],
    ['goods_description', 'CHARACTER_ILLEGAL', { goodsDescription: '茶 & 叶' }],
    ['remark', 'FIELD_INVALID', { remark: '字'.repeat(201) }],
    ['remark', 'FIELD_INVALID', { remark: 'a\u0000b' }],
    ['merged_order_refs[1]', 'FIELD_INVALID', { mergedOrderRefs: ['A', 'B C'] }],
    ['consignee', 'FIELD_INVALID', { consignee: undefined as never }],
    ['consignee.name', 'FIELD_INVALID', { consignee: { name: ' ' } }],
    ['consignee.phone', 'FIELD_INVALID', { consignee: { name: '李四', phone: '12a45' } }],
    ['consignee.address', 'FIELD_INVALID', { consignee: { name: '李四', phone: '13900000000' } }],
  ])('refuses a malformed %s with %s and issues the rest', async (field, reason, change) => {
    const tag = `B-${Math.random().toString(36).slice(2, 10)}`;
    const bad = parcelOf(shop, `${tag}-bad`, change);
    const { outcomes } = await issue([parcelOf(shop, `${tag}-1`), bad, parcelOf(shop, `${tag}-2`)]);
    numberOf(outcomes[0]);
    numberOf(outcomes[2]);
    const error = errorOf(outcomes[1]);
    expect(error).toMatchObject({ reason, field });
    expect(error.textEn).toMatch(/^\S.*\w/);
    expect(error.textZh).toMatch(/\p{Script=Han}/u);
  });

  it('refuses an empty batch and one over 1,000', async () => {
    const listSize = { reason: 'FIELD_INVALID', field: 'parcels' };
    await expect(issue([])).rejects.toMatchObject(listSize);
    const many = Array.from({ length: 1_001 }, (_, i) => parcelOf(shop, `M-${i}`));
    await expect(issue(many)).rejects.toMatchObject(listSize);
  });

  it('issues 1,000 at once', async () => {
    const many = Array.from({ length: 1_000 }, (_, i) => parcelOf(shop, `K-${i}`));
    expect(new Set((await issue(many)).outcomes.map(numberOf)).size).toBe(1_000);
  });

  it('treats two equal parcels of one batch as one, and unequal ones as a clash', async () => {
    const { outcomes } = await issue([
      parcelOf(shop, 'TWIN'),
      parcelOf(shop, 'TWIN'),
      parcelOf(shop, 'twin', { weightG: 5 }),
    ]);
    expect(numberOf(outcomes[1])).toBe(numberOf(outcomes[0]));
    expect(errorOf(outcomes[2]).reason).toBe('PARCEL_KEY_REUSED');
  });

  it('gives one number to a parcel that twenty calls ask for at once', async () => {
    const calls = Array.from({ length: 20 }, () => issue([parcelOf(shop, 'RACE')]));
    const numbers = (await Promise.all(calls)).map(({ outcomes }) => numberOf(outcomes[0]));
    expect(new Set(numbers).size).toBe(1);
  });

  it('gives numbers back that a repeat did not need', async () => {
    const small = await seedMerchant(system, { numberCount: 40n });
    const first = Array.from({ length: 20 }, (_, i) => parcelOf(small, `G-${i}`));
    for (let round = 0; round < 10; round++) await issue(first, small);
    const rest = Array.from({ length: 20 }, (_, i) => parcelOf(small, `H-${i}`));
    const { outcomes } = await issue(rest, small);
    expect(new Set(outcomes.map(numberOf)).size).toBe(20);
  });
});

describe('IssueWaybills, when numbers or parties are missing', () => {
  it('issues up to the last number of the range and refuses the rest', async () => {
    const small = await seedMerchant(system, { numberCount: 25n });
    const parcels = Array.from({ length: 30 }, (_, i) => parcelOf(small, `E-${i}`));
    const { outcomes } = await issue(parcels, small);
    expect(new Set(outcomes.slice(0, 25).map(numberOf)).size).toBe(25);
    for (const outcome of outcomes.slice(25)) {
      expect(errorOf(outcome)).toMatchObject({
        reason: 'NUMBER_RANGE_EXHAUSTED',
        field: 'courier_id',
      });
    }
    // What was issued keeps its answer, though there is no number any more.
    const again = await issue(parcels, small);
    expect(again.outcomes.slice(0, 25).map(numberOf)).toEqual(outcomes.slice(0, 25).map(numberOf));
  });

  it('refuses new parcels of a disabled party, and still answers old ones', async () => {
    const other = await seedMerchant(system);
    const network = system.network();
    const first = numberOf((await issue([parcelOf(other, 'D-1')], other)).outcomes[0]);
    const expectRefusal = async (reason: string) => {
      await expect
        .poll(async () => {
          const { outcomes } = await issue([parcelOf(other, 'D-2'), parcelOf(other, 'D-1')], other);
          if (outcomes[0]?.outcome.case === 'issued') return 'issued';
          expect(numberOf(outcomes[1])).toBe(first);
          return errorOf(outcomes[0]).reason;
        })
        .toBe(reason);
    };
    const { numberRange } = await network.getNumberRange({ rangeId: other.rangeId });
    if (numberRange === undefined) throw new Error('no range');
    await network.updateNumberRange({
      numberRange: { ...numberRange, state: NumberRange_State.DISABLED },
    });
    // D-2 may have been issued before the change arrived: ask for a fresh one each time.
    let i = 0;
    const refused = async () => {
      const { outcomes } = await issue([parcelOf(other, `D-x${i++}`)], other);
      return outcomes[0]?.outcome.case === 'issued' ? 'issued' : errorOf(outcomes[0]).reason;
    };
    await expect.poll(refused).toBe('NUMBER_RANGE_DISABLED');
    await expectRefusal('NUMBER_RANGE_DISABLED');

    const { courier } = await network.getCourier({ courierId: other.courierId });
    if (courier === undefined) throw new Error('no courier');
    await network.updateCourier({ courier: { ...courier, state: Courier_State.DISABLED } });
    await expect.poll(refused).toBe('COURIER_DISABLED');

    const { node } = await network.getNode({ nodeId: other.nodeId });
    if (node === undefined) throw new Error('no node');
    await network.updateNode({ node: { ...node, state: Node_State.DISABLED } });
    await expect.poll(refused).toBe('NODE_DISABLED');

    const { merchant } = await network.getMerchant({ merchantId: other.merchantId });
    if (merchant === undefined) throw new Error('no merchant');
    await network.updateMerchant({ merchant: { ...merchant, state: Merchant_State.DISABLED } });
    await expect.poll(refused).toBe('MERCHANT_DISABLED');
    expect(numberOf((await issue([parcelOf(other, 'D-1')], other)).outcomes[0])).toBe(first);
  });

  it('says which merchant has no range of a courier', async () => {
    const other = await seedMerchant(system);
    const courierId = `bare-${shop.merchantId.slice(5)}`;
    await system.network().createCourier({
      courier: {
        courierId,
        displayName: '空',
        services: [{ serviceCode: 'standard', displayName: '标快' }],
      },
    });
    const { outcomes } = await issue([parcelOf(other, 'N-1', { courierId })], other);
    expect(errorOf(outcomes[0])).toMatchObject({
      reason: 'NUMBER_RANGE_MISSING',
      metadata: { courier_id: courierId, merchant_id: other.merchantId },
    });
  });

  it('does not let one merchant use another one’s node or name', async () => {
    const other = await seedMerchant(system);
    const { outcomes } = await issue([parcelOf(shop, 'F-1', { nodeId: other.nodeId })]);
    expect(errorOf(outcomes[0])).toMatchObject({ reason: 'NODE_NOT_FOUND', field: 'node_id' });
    const foreign = system
      .waybill(shop.apiKey)
      .issueWaybills({ merchantId: other.merchantId, parcels: [parcelOf(shop, 'F-2')] });
    await expect(foreign).rejects.toMatchObject({ reason: 'TENANT_FOREIGN' });
  });

  it('keeps one call’s fault from its neighbours in the same write', async () => {
    await system.database.query(
      `create function pg_temp_fail() returns trigger language plpgsql as
       $$ begin raise exception 'secret detail of %', new.order_ref; end $$`,
    );
    await system.database.query(
      `create trigger fail before insert on waybill.waybill for each row
       when (new.order_ref = 'POISON') execute function pg_temp_fail()`,
    );
    const good = Array.from({ length: 20 }, (_, i) => issue([parcelOf(shop, `P-${i}`)]));
    const bad = issue([parcelOf(shop, 'POISON')]);
    for (const { outcomes } of await Promise.all(good)) numberOf(outcomes[0]);
    const error = errorOf((await bad).outcomes[0]);
    expect(error).toMatchObject({ reason: 'INTERNAL', textEn: 'internal error' });
    expect(JSON.stringify(error)).not.toContain('secret detail');
    await system.database.query('drop trigger fail on waybill.waybill');
    const healed = await issue([parcelOf(shop, 'POISON')]);
    numberOf(healed.outcomes[0]);
  });
});
