import { expect, test } from 'vitest';
import { Courier_State } from '#proto/queqiao/network/v1/courier';
import { courier, fault, startNetwork, type TestNetwork } from '../test-network.ts';

test('replaces name, state and services', async () => {
  await using network = await startNetwork();
  const before = await seed(network);
  const services = [{ serviceCode: 'cold', displayName: '冷链' }];
  const change = { displayName: 'New', state: Courier_State.DISABLED, services };
  const operator = network.as('operator');
  const { courier: after } = await operator.updateCourier({
    courier: { ...courier('swift', change), etag: before.etag },
  });
  expect(after).toMatchObject({ ...change, createTime: before.createTime });
  expect((await operator.getCourier({ courierId: 'swift' })).courier).toEqual(after);
  expect((await network.events()).map(({ kind, version }) => [kind, version])).toEqual([
    ['courier', 1n],
    ['courier', 2n],
  ]);
});

test('names the field at fault', async () => {
  await using network = await startNetwork();
  const before = await seed(network);
  const faults: [object, string, string][] = [
    [{ displayName: '' }, 'display_name', 'REQUIRED'],
    [{ state: Courier_State.UNSPECIFIED }, 'state', 'REQUIRED'],
    [{ services: [] }, 'services', 'LIST_SIZE'],
    [{ etag: '' }, 'etag', 'REQUIRED'],
  ];
  for (const [change, field, problem] of faults) {
    const call = network.as('operator').updateCourier({ courier: { ...before, ...change } });
    expect(await fault(call)).toEqual({
      reason: 'FIELD_INVALID',
      field: `courier.${field}`,
      problem,
    });
  }
});

test('lets one of several updates at once win', async () => {
  await using network = await startNetwork();
  const before = await seed(network);
  const outcomes = await network.atOnce(
    'courier',
    ['A', 'B', 'C', 'D'].map(
      (displayName) => () =>
        network.as('operator').updateCourier({ courier: { ...before, displayName } }),
    ),
  );
  expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  const stale = network.as('operator').updateCourier({ courier: before });
  expect(await fault(stale)).toEqual({ reason: 'CONFLICT', field: '' });
});

test('does not know a courier that was never created', async () => {
  await using network = await startNetwork();
  const given = courier('none', { state: Courier_State.ACTIVE, etag: 'x' });
  const call = network.as('operator').updateCourier({ courier: given });
  expect(await fault(call)).toMatchObject({ reason: 'COURIER_NOT_FOUND', id: 'none' });
});

test('is for operators only', async () => {
  await using network = await startNetwork();
  const call = network.as('courier:swift').updateCourier({ courier: courier('swift') });
  expect(await fault(call)).toMatchObject({ reason: 'SCOPE_MISSING' });
});

async function seed(network: TestNetwork) {
  const answer = await network.as('operator').createCourier({ courier: courier('swift') });
  if (answer.courier === undefined) throw new Error('no courier');
  return answer.courier;
}
