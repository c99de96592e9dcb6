import { expect, test } from 'vitest';
import { cellOf, distanceM } from '#libs/geo';
import { Node_Kind, Node_State } from '#proto/queqiao/network/v1/node';
import { Location_Datum } from '#proto/queqiao/type/v1/location';
import { fault, merchant, NOW, node, startNetwork, timestamp } from '../test-network.ts';

test('answers the node with its place in WGS-84 and its cell', async () => {
  await using network = await startNetwork();
  const answer = await network.as('operator').createNode({ node: node('yuhang') });
  expect(answer.node).toMatchObject({
    nodeId: 'yuhang',
    kind: Node_Kind.WAREHOUSE,
    displayName: '余杭仓',
    merchantId: '',
    state: Node_State.ACTIVE,
    address: node('yuhang').address,
    phone: '',
    // Unspecified is taken as WGS-84, and said so.
    location: { latitudeDeg: 30.28, longitudeDeg: 120.02, datum: Location_Datum.WGS84 },
    wgs84Location: { latitudeDeg: 30.28, longitudeDeg: 120.02, datum: Location_Datum.WGS84 },
    cell: cellOf({ latitudeDeg: 30.28, longitudeDeg: 120.02 }),
    createTime: timestamp(NOW),
  });
});

test('keeps a shifted location as measured and converts it', async () => {
  await using network = await startNetwork();
  const location = { latitudeDeg: 30.28, longitudeDeg: 120.02, datum: Location_Datum.GCJ02 };
  const given = node('yuhang', { location });
  const { node: answer } = await network.as('operator').createNode({ node: given });
  expect(answer?.location).toMatchObject(location);
  const [given2, wgs84] = [answer?.location, answer?.wgs84Location];
  if (given2 === undefined || wgs84 === undefined) throw new Error('no location');
  expect(wgs84.datum).toBe(Location_Datum.WGS84);
  // What maps of China shift here.
  expect(distanceM(given2, wgs84)).toBeGreaterThan(300);
  expect(distanceM(given2, wgs84)).toBeLessThan(800);
  expect(answer?.cell).toBe(cellOf(wgs84));
});

test('names the field at fault', async () => {
  await using network = await startNetwork();
  const address = node('yuhang').address;
  const location = node('yuhang').location;
  const faults: [Parameters<typeof node>[1], string, string][] = [
    [{ nodeId: '' }, 'node_id', 'REQUIRED'],
    [{ nodeId: '-yuhang' }, 'node_id', 'SLUG'],
    [{ kind: Node_Kind.UNSPECIFIED }, 'kind', 'REQUIRED'],
    [{ kind: 9 as Node_Kind }, 'kind', 'UNKNOWN_VALUE'],
    [{ displayName: '' }, 'display_name', 'REQUIRED'],
    [{ displayName: '仓'.repeat(81) }, 'display_name', 'TOO_LONG'],
    [{ merchantId: 'Shop' }, 'merchant_id', 'SLUG'],
    [{ state: 9 as Node_State }, 'state', 'UNKNOWN_VALUE'],
    [{ address: undefined }, 'address', 'REQUIRED'],
    [{ address: { ...address, province: '' } }, 'address.province', 'REQUIRED'],
    [{ address: { ...address, province: '省'.repeat(21) } }, 'address.province', 'TOO_LONG'],
    [{ address: { ...address, city: '市'.repeat(21) } }, 'address.city', 'TOO_LONG'],
    [{ address: { ...address, district: '区'.repeat(21) } }, 'address.district', 'TOO_LONG'],
    [{ address: { ...address, street: '街'.repeat(31) } }, 'address.street', 'TOO_LONG'],
    [{ address: { ...address, detail: ' ' } }, 'address.detail', 'REQUIRED'],
    [{ address: { ...address, detail: '号'.repeat(257) } }, 'address.detail', 'TOO_LONG'],
    [{ address: { ...address, detail: 'a\nb' } }, 'address.detail', 'CONTROL_CHARACTER'],
    [{ phone: '1234' }, 'phone', 'PHONE'],
    [{ phone: '0571 8888' }, 'phone', 'PHONE'],
    [{ phone: '123456789012345678901' }, 'phone', 'PHONE'],
    [{ location: undefined }, 'location', 'REQUIRED'],
    [{ location: { ...location, latitudeDeg: 90.1 } }, 'location.latitude_deg', 'OUT_OF_RANGE'],
    [{ location: { ...location, latitudeDeg: NaN } }, 'location.latitude_deg', 'OUT_OF_RANGE'],
    [{ location: { ...location, longitudeDeg: -181 } }, 'location.longitude_deg', 'OUT_OF_RANGE'],
    [{ location: { ...location, datum: 9 as Location_Datum } }, 'location.datum', 'UNKNOWN_VALUE'],
  ];
  for (const [given, field, problem] of faults) {
    const call = network.as('operator').createNode({ node: node('yuhang', given) });
    expect(await fault(call)).toEqual({ reason: 'FIELD_INVALID', field: `node.${field}`, problem });
  }
  const detail = '文一西路 969 号 #2';
  const call = network.as('operator').createNode({
    node: node('yuhang', { address: { ...address, detail } }),
  });
  expect(await fault(call)).toEqual({ reason: 'CHARACTER_ILLEGAL', field: 'node.address.detail' });
});

test('takes a node of a merchant that exists, and no other', async () => {
  await using network = await startNetwork();
  const operator = network.as('operator');
  const given = node('yuhang', { merchantId: 'shop', phone: '0571-88886666' });
  expect(await fault(operator.createNode({ node: given }))).toEqual({
    reason: 'MERCHANT_NOT_FOUND',
    field: '',
    id: 'shop',
  });
  await operator.createMerchant({ merchant: merchant('shop') });
  const answer = await operator.createNode({ node: given });
  expect(answer.node).toMatchObject({ merchantId: 'shop', phone: '0571-88886666' });
});

test('answers a repeat with the first node, announced once', async () => {
  await using network = await startNetwork();
  const operator = network.as('operator');
  const first = await operator.createNode({ node: node('yuhang') });
  network.clock.tick(1_000);
  expect(await operator.createNode({ node: node('yuhang') })).toEqual(first);
  expect(await network.events()).toEqual([
    { subject: 'queqiao.v1.network.node.changed', kind: 'node', id: 'yuhang', version: 1n },
  ]);
  const location = { latitudeDeg: 30.280001, longitudeDeg: 120.02 };
  const other = operator.createNode({ node: node('yuhang', { location }) });
  expect(await fault(other)).toMatchObject({ reason: 'RESOURCE_EXISTS', id: 'yuhang' });
});

test('makes one node of several creates at once', async () => {
  await using network = await startNetwork();
  const call = () => network.as('operator').createNode({ node: node('yuhang') });
  const outcomes = await network.atOnce('node', Array(6).fill(call));
  expect(outcomes[0]).toMatchObject({ status: 'fulfilled' });
  for (const outcome of outcomes) expect(outcome).toEqual(outcomes[0]);
  expect(await network.events()).toHaveLength(1);
});

test('is for operators only', async () => {
  await using network = await startNetwork();
  const call = network.as('merchant:shop').createNode({ node: node('yuhang') });
  expect(await fault(call)).toMatchObject({ reason: 'SCOPE_MISSING' });
});

test('tells nothing of a fault of its own', async () => {
  await using network = await startNetwork();
  await network.db.query('alter table network.node rename to elsewhere');
  const call = network.as('operator').createNode({ node: node('yuhang') });
  expect(await fault(call)).toEqual({ reason: 'INTERNAL', field: '', text: 'internal error' });
});
