import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { KIND_SCOPES } from '#libs/grpc';
import { Subject_Kind } from '#proto/queqiao/network/v1/api_key';
import {
  AddressGuess_Reason,
  type ParsedAddress,
  ParsedAddress_Precision,
} from '#proto/queqiao/waybill/v1/address_service';
import {
  type SeededMerchant,
  seedMerchant,
  type TestSystem,
  testSystem,
} from '#test/support/system';

let system: TestSystem;
let shop: SeededMerchant;

beforeAll(async () => {
  system = await testSystem();
  shop = await seedMerchant(system);
});
afterAll(() => system[Symbol.asyncDispose]());

async function keyOf(scopes: string[]): Promise<string> {
  const subject = { kind: Subject_Kind.MERCHANT, id: shop.merchantId };
  const apiKeyId = `parse-${scopes.length}`;
  return (await system.network().createApiKey({ apiKey: { apiKeyId, subject, scopes } })).secret;
}

const parse = (...texts: string[]) => system.addresses().parseAddresses({ texts });

async function addressOf(text: string): Promise<ParsedAddress> {
  const [outcome] = (await parse(text)).outcomes;
  if (outcome?.outcome.case !== 'address') throw new Error('no address');
  return outcome.outcome.value;
}

describe('ParseAddresses', () => {
  it('answers the parts, how surely, and a point', async () => {
    const text = '李雷 +86 138-0000-1234 浙江杭州萧山区北干街道金蓬街100号2幢3单元301室';
    expect(await addressOf(text)).toMatchObject({
      code: '330109',
      province: '浙江省',
      provinceCode: '330000',
      city: '杭州市',
      cityCode: '330100',
      county: '萧山区',
      countyCode: '330109',
      street: '北干街道',
      streetCode: expect.stringMatching(/^330109\d{3}$/),
      road: '金蓬街',
      number: '100号',
      building: '2幢',
      unit: '3单元',
      room: '301室',
      name: '李雷',
      phone: '13800001234',
      detail: '北干街道金蓬街100号2幢3单元301室',
      precision: ParsedAddress_Precision.ROOM,
      conflicts: [],
      candidates: [],
      location: { latitudeDeg: expect.closeTo(30.17, 1), longitudeDeg: expect.closeTo(120.26, 1) },
      locationCode: expect.stringMatching(/^330109/),
    });
  });

  it('says what was guessed, what contradicts itself and what is open', async () => {
    expect((await addressOf('宁波江东区百丈街道')).guesses).toMatchObject([
      { field: 'city', reason: AddressGuess_Reason.SHORT_NAME },
      { field: 'county', reason: AddressGuess_Reason.FORMER_NAME },
    ]);
    expect(await addressOf('浙江省南京市鼓楼区')).toMatchObject({
      code: '',
      conflicts: ['浙江省', '南京市'],
      precision: ParsedAddress_Precision.NONE,
      locationCode: '',
    });
    expect((await addressOf('杭州市江干区学林街1号')).candidates.toSorted()).toEqual([
      '330102',
      '330114',
    ]);
    expect(await addressOf('韩国首尔市江南区')).toMatchObject({ code: '', country: '韩国' });
  });

  it('has an outcome for each text, in order; a bad one stops no other', async () => {
    const texts = ['西湖区', '', '杭州市西湖区', ' \n', '村'.repeat(501), '𠮷'.repeat(500)];
    const { outcomes } = await parse(...texts);
    expect(outcomes.map(({ outcome }) => outcome.case)).toEqual([
      'address',
      'error',
      'address',
      'error',
      'error',
      'address',
    ]);
    expect(outcomes[1]?.outcome.value).toMatchObject({
      code: 3,
      field: 'text',
      metadata: { problem: 'REQUIRED' },
    });
    expect(outcomes[4]?.outcome.value).toMatchObject({
      field: 'text',
      metadata: { problem: 'TOO_LONG', max: '500' },
    });
  });

  it('takes 1 to 1,000 texts', async () => {
    const problem = { reason: 'FIELD_INVALID', field: 'texts', metadata: { problem: 'LIST_SIZE' } };
    await expect(parse()).rejects.toMatchObject(problem);
    await expect(parse(...Array<string>(1_001).fill('x'))).rejects.toMatchObject(problem);
    const texts = Array.from({ length: 1_000 }, (_, i) => `杭州市西湖区金蓬街${i}号`);
    const { outcomes } = await parse(...texts);
    const numbers = outcomes.map(({ outcome }) =>
      outcome.case === 'address' ? outcome.value.number : '',
    );
    expect(numbers).toEqual(texts.map((_, i) => `${i}号`));
  });

  it('is for keys with its scope, of merchants, couriers and operators', async () => {
    for (const kind of ['merchant', 'courier', 'operator'] as const) {
      expect(KIND_SCOPES[kind]).toContain('address.parse');
    }
    const may = system.addresses(await keyOf(['address.parse']));
    expect((await may.parseAddresses({ texts: ['北京市'] })).outcomes).toHaveLength(1);
    const mayNot = system.addresses(await keyOf(['waybill.read', 'waybill.issue']));
    await expect(mayNot.parseAddresses({ texts: ['北京市'] })).rejects.toMatchObject({
      reason: 'SCOPE_MISSING',
    });
  });

  it('writes nothing of what it reads into the log', async () => {
    await parse('皇甫铁柱 13911112222 某某市某某区秘密街7号', '秘密'.repeat(300));
    expect(system.logged()).toContain('ParseAddresses');
    expect(system.logged()).not.toMatch(/皇甫|13911112222|秘密/);
  });
});
