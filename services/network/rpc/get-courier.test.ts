import { expect, test } from 'vitest';
import { courier, fault, startNetwork } from '../test-network.ts';

test('answers the courier as it was created', async () => {
  await using network = await startNetwork();
  const operator = network.as('operator');
  const created = await operator.createCourier({ courier: courier('swift') });
  const found = await operator.getCourier({ courierId: 'swift' });
  expect(found.courier).toEqual(created.courier);
});

test('names the field at fault', async () => {
  await using network = await startNetwork();
  const call = network.as('operator').getCourier({ courierId: 'SWIFT' });
  expect(await fault(call)).toMatchObject({ field: 'courier_id', problem: 'SLUG' });
});

test('shows a courier to every merchant and to itself, not to other couriers', async () => {
  await using network = await startNetwork();
  await network.as('operator').createCourier({ courier: courier('swift') });
  const get = (who: Parameters<typeof network.as>[0]) =>
    network.as(who).getCourier({ courierId: 'swift' });
  for (const who of ['operator', 'service:waybill', 'merchant:any', 'courier:swift'] as const) {
    expect((await get(who)).courier?.courierId).toBe('swift');
  }
  expect(await fault(get('courier:other'))).toEqual({
    reason: 'COURIER_NOT_FOUND',
    field: '',
    id: 'swift',
  });
});
