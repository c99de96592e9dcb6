import type { MessageInitShape } from '@bufbuild/protobuf';
import { expect, test } from 'vitest';
import {
  type AddedServiceAttributeSchema,
  type AddedServiceSchema,
  Courier_State,
  AddedServiceAttribute_Type as Type,
} from '#proto/queqiao/network/v1/courier';
import { courier, fault, NOW, startNetwork, timestamp } from '../test-network.ts';

test('answers the courier as registered, services in their order', async () => {
  await using network = await startNetwork();
  const services = ['zz', 'aa', 'mm'].map((serviceCode) => ({ serviceCode, displayName: '服务' }));
  const answer = await network
    .as('operator')
    .createCourier({ courier: courier('swift', { services }) });
  expect(answer.courier).toMatchObject({
    courierId: 'swift',
    displayName: 'Swift 快递',
    state: Courier_State.ACTIVE,
    createTime: timestamp(NOW),
    updateTime: timestamp(NOW),
  });
  expect(answer.courier?.services).toMatchObject(services);
});

test('names the field at fault', async () => {
  await using network = await startNetwork();
  const service = { serviceCode: 'standard', displayName: '标快' };
  const services = (change: object) => ({ services: [service, { ...service, ...change }] });
  const faults: [Parameters<typeof courier>[1], string, string][] = [
    [{ courierId: '' }, 'courier_id', 'REQUIRED'],
    [{ courierId: 'swift_1' }, 'courier_id', 'SLUG'],
    [{ displayName: '' }, 'display_name', 'REQUIRED'],
    [{ displayName: 'x'.repeat(81) }, 'display_name', 'TOO_LONG'],
    [{ displayName: 'a\u007fb' }, 'display_name', 'CONTROL_CHARACTER'],
    [{ state: 9 as Courier_State }, 'state', 'UNKNOWN_VALUE'],
    [{ services: [] }, 'services', 'LIST_SIZE'],
    [{ services: Array(21).fill(service) }, 'services', 'LIST_SIZE'],
    [services({ serviceCode: '' }), 'services[1].service_code', 'REQUIRED'],
    [services({ serviceCode: 'A' }), 'services[1].service_code', 'SERVICE_CODE'],
    [services({}), 'services[1].service_code', 'REPEATED'],
    [services({ serviceCode: 'x', displayName: '' }), 'services[1].display_name', 'REQUIRED'],
    [
      services({ serviceCode: 'x', displayName: 'x'.repeat(41) }),
      'services[1].display_name',
      'TOO_LONG',
    ],
  ];
  for (const [given, field, problem] of faults) {
    const call = network.as('operator').createCourier({ courier: courier('swift', given) });
    expect(await fault(call)).toEqual({
      reason: 'FIELD_INVALID',
      field: `courier.${field}`,
      problem,
    });
  }
});

test('answers a repeat with the first courier, announced once', async () => {
  await using network = await startNetwork();
  const operator = network.as('operator');
  const first = await operator.createCourier({ courier: courier('swift') });
  network.clock.tick(1_000);
  expect(await operator.createCourier({ courier: courier('swift') })).toEqual(first);
  expect(await network.events()).toEqual([
    { subject: 'queqiao.v1.network.courier.changed', kind: 'courier', id: 'swift', version: 1n },
  ]);
  // The order of services is part of the contents: the first is the default.
  const services = courier('swift').services.toReversed();
  const other = operator.createCourier({ courier: courier('swift', { services }) });
  expect(await fault(other)).toMatchObject({ reason: 'RESOURCE_EXISTS', id: 'swift' });
});

test('makes one courier of several creates at once', async () => {
  await using network = await startNetwork();
  const call = () => network.as('operator').createCourier({ courier: courier('swift') });
  const outcomes = await network.atOnce('courier', Array(6).fill(call));
  expect(outcomes[0]).toMatchObject({ status: 'fulfilled' });
  for (const outcome of outcomes) expect(outcome).toEqual(outcomes[0]);
  expect(await network.events()).toHaveLength(1);
});

test('is for operators only', async () => {
  await using network = await startNetwork();
  const call = network.as('courier:swift').createCourier({ courier: courier('swift') });
  expect(await fault(call)).toMatchObject({ reason: 'SCOPE_MISSING' });
});

test('tells nothing of a fault of its own', async () => {
  await using network = await startNetwork();
  await network.db.query('alter table network.courier rename to elsewhere');
  const call = network.as('operator').createCourier({ courier: courier('swift') });
  expect(await fault(call)).toEqual({ reason: 'INTERNAL', field: '', text: 'internal error' });
});

const AMOUNT: Attribute = { name: 'amount_fen', type: Type.INTEGER, required: true, min: 1n };
const COD: Added = {
  code: 'cod',
  displayName: '代收货款',
  attributes: [{ ...AMOUNT, max: 1_000_000n }],
  serviceCodes: ['standard'],
};

test('answers added services as declared, and tells them from none', async () => {
  await using network = await startNetwork();
  const operator = network.as('operator');
  const packed: Added = {
    code: 'freight',
    displayName: '零担',
    attributes: [
      { name: 'package', type: Type.ENUM, values: ['托盘', '木箱'] },
      { name: 'note', type: Type.TEXT, maxLength: 50 },
      { name: 'temperature_min_decic', type: Type.INTEGER, min: -300n },
    ],
    required: true,
  };
  const given = courier('swift', { addedServices: [COD, packed] });
  const first = await operator.createCourier({ courier: given });
  expect(first.courier?.addedServices).toMatchObject([COD, packed]);
  expect(await operator.createCourier({ courier: given })).toEqual(first);
  const without = operator.createCourier({ courier: courier('swift') });
  expect(await fault(without)).toMatchObject({ reason: 'RESOURCE_EXISTS' });
  const change = { ...given, state: Courier_State.ACTIVE, etag: first.courier?.etag ?? '' };
  const { courier: after } = await operator.updateCourier({
    courier: { ...change, addedServices: [packed] },
  });
  expect(after?.addedServices).toMatchObject([packed]);
});

test.each<[string, string, Added[]]>([
  ['', 'LIST_SIZE', Array(21).fill(COD)],
  ['[0].code', 'SERVICE_CODE', [{ ...COD, code: 'C' }]],
  ['[1].code', 'REPEATED', [COD, COD]],
  ['[0].display_name', 'REQUIRED', [{ ...COD, displayName: '' }]],
  ['[0].service_codes[0]', 'UNKNOWN_VALUE', [{ ...COD, serviceCodes: ['teleport'] }]],
  ['[0].service_codes[1]', 'REPEATED', [{ ...COD, serviceCodes: ['standard', 'standard'] }]],
  ['[0].attributes', 'LIST_SIZE', [{ ...COD, attributes: Array(21).fill(AMOUNT) }]],
  ['[0].attributes[1].name', 'REPEATED', [{ ...COD, attributes: [AMOUNT, AMOUNT] }]],
  ['[0].attributes[0].name', 'ATTRIBUTE_NAME', attribute({ name: 'Amount' })],
  ['[0].attributes[0].type', 'REQUIRED', attribute({ type: Type.UNSPECIFIED })],
  ['[0].attributes[0].max', 'OUT_OF_RANGE', attribute({ max: 0n })],
  ['[0].attributes[0].min', 'OUT_OF_RANGE', attribute({ min: 2n ** 60n })],
  ['[0].attributes[0].min', 'NOT_ALLOWED', attribute({ type: Type.TEXT })],
  ['[0].attributes[0].max_length', 'NOT_ALLOWED', attribute({ maxLength: 5 })],
  ['[0].attributes[0].max_length', 'OUT_OF_RANGE', text({ maxLength: 201 })],
  ['[0].attributes[0].values', 'LIST_SIZE', attribute({ values: ['a'] })],
  ['[0].attributes[0].values', 'LIST_SIZE', text({ type: Type.ENUM })],
  ['[0].attributes[0].values[1]', 'REPEATED', text({ type: Type.ENUM, values: ['a', 'a'] })],
])('refuses added_services%s: %s', async (field, problem, addedServices) => {
  await using network = await startNetwork();
  const call = network
    .as('operator')
    .createCourier({ courier: courier('swift', { addedServices }) });
  const path = `courier.added_services${field}`;
  expect(await fault(call)).toEqual({ reason: 'FIELD_INVALID', field: path, problem });
});

function attribute(change: Attribute): Added[] {
  return [{ ...COD, attributes: [{ ...AMOUNT, ...change }] }];
}

function text(change: Attribute): Added[] {
  return [{ ...COD, attributes: [{ name: 'note', type: Type.TEXT, ...change }] }];
}

type Added = Exclude<MessageInitShape<typeof AddedServiceSchema>, { $typeName: string }>;
type Attribute = Exclude<
  MessageInitShape<typeof AddedServiceAttributeSchema>,
  { $typeName: string }
>;
