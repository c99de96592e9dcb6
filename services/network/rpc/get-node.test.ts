import { expect, test } from 'vitest';
import { fault, merchant, node, startNetwork } from '../test-network.ts';

test('answers the node as it was created', async () => {
  await using network = await startNetwork();
  const operator = network.as('operator');
  const created = await operator.createNode({ node: node('yuhang') });
  expect((await operator.getNode({ nodeId: 'yuhang' })).node).toEqual(created.node);
  expect(await fault(operator.getNode({}))).toMatchObject({ field: 'node_id' });
});

test('shows a node of its own or of nobody to a merchant, not that of another one', async () => {
  await using network = await startNetwork();
  const operator = network.as('operator');
  await operator.createMerchant({ merchant: merchant('shop') });
  await operator.createNode({ node: node('common') });
  await operator.createNode({ node: node('owned', { merchantId: 'shop' }) });
  const seen = async (who: Parameters<typeof network.as>[0]) => {
    const nodes: string[] = [];
    for (const nodeId of ['common', 'owned']) {
      await network
        .as(who)
        .getNode({ nodeId })
        .then(
          ({ node }) => nodes.push(node?.nodeId ?? ''),
          // A foreign node looks like one that does not exist.
          (error) =>
            expect(error).toMatchObject({ reason: 'NODE_NOT_FOUND', metadata: { id: nodeId } }),
        );
    }
    return nodes;
  };
  expect(await seen('merchant:shop')).toEqual(['common', 'owned']);
  expect(await seen('merchant:other')).toEqual(['common']);
  expect(await seen('courier:shop')).toEqual([]);
  expect(await seen('service:waybill')).toEqual(['common', 'owned']);
});
