import { expect, test } from 'vitest';
import { cellOf } from '#libs/geo';
import { Node_Kind, Node_State } from '#proto/queqiao/network/v1/node';
import { fault, merchant, node, startNetwork, type TestNetwork } from '../test-network.ts';

test('replaces what is neither fixed nor output only, the cell with the place', async () => {
  await using network = await startNetwork();
  const before = await seed(network);
  const operator = network.as('operator');
  const change = {
    displayName: '新仓',
    state: Node_State.DISABLED,
    phone: '057188886666',
    address: {
      province: '上海市',
      city: '',
      district: '青浦区',
      street: '',
      detail: '华新镇 1 号',
    },
    location: { latitudeDeg: 31.2, longitudeDeg: 121.2 },
  };
  const given = { ...node('yuhang', { merchantId: 'shop', ...change }), etag: before.etag };
  const { node: after } = await operator.updateNode({ node: given });
  expect(after).toMatchObject({
    ...change,
    wgs84Location: change.location,
    cell: cellOf(change.location),
    createTime: before.createTime,
  });
  expect(after?.cell).not.toBe(before.cell);
  expect((await operator.getNode({ nodeId: 'yuhang' })).node).toEqual(after);
  expect((await network.events()).map(({ kind, version }) => [kind, version])).toEqual([
    ['merchant', 1n],
    ['node', 1n],
    ['node', 2n],
  ]);
});

test('names the field at fault', async () => {
  await using network = await startNetwork();
  const before = await seed(network);
  const faults: [object, string, string][] = [
    [{ kind: Node_Kind.STORE }, 'kind', 'FIXED'],
    [{ merchantId: '' }, 'merchant_id', 'FIXED'],
    [{ merchantId: 'other' }, 'merchant_id', 'FIXED'],
    [{ state: Node_State.UNSPECIFIED }, 'state', 'REQUIRED'],
    [{ location: undefined }, 'location', 'REQUIRED'],
    [{ address: undefined }, 'address', 'REQUIRED'],
    [{ etag: '' }, 'etag', 'REQUIRED'],
  ];
  for (const [change, field, problem] of faults) {
    const call = network.as('operator').updateNode({ node: { ...before, ...change } });
    expect(await fault(call)).toEqual({ reason: 'FIELD_INVALID', field: `node.${field}`, problem });
  }
});

test('lets one of several updates at once win', async () => {
  await using network = await startNetwork();
  const before = await seed(network);
  const outcomes = await network.atOnce(
    'node',
    ['A', 'B', 'C', 'D'].map(
      (displayName) => () =>
        network.as('operator').updateNode({ node: { ...before, displayName } }),
    ),
  );
  expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  const stale = network.as('operator').updateNode({ node: before });
  expect(await fault(stale)).toEqual({ reason: 'CONFLICT', field: '' });
});

test('does not know a node that was never created', async () => {
  await using network = await startNetwork();
  const given = node('none', { state: Node_State.ACTIVE, etag: 'x' });
  const call = network.as('operator').updateNode({ node: given });
  expect(await fault(call)).toMatchObject({ reason: 'NODE_NOT_FOUND', id: 'none' });
});

test('is for operators only', async () => {
  await using network = await startNetwork();
  const call = network.as('merchant:shop').updateNode({ node: node('yuhang') });
  expect(await fault(call)).toMatchObject({ reason: 'SCOPE_MISSING' });
});

async function seed(network: TestNetwork) {
  const operator = network.as('operator');
  await operator.createMerchant({ merchant: merchant('shop') });
  const answer = await operator.createNode({ node: node('yuhang', { merchantId: 'shop' }) });
  if (answer.node === undefined) throw new Error('no node');
  return answer.node;
}
