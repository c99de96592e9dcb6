import { expect, test } from 'vitest';
import { KIND_SCOPES } from '#libs/grpc';
import { Subject_Kind } from '#proto/queqiao/network/v1/api_key';
import { createOperatorKey } from './bootstrap.ts';
import { startNetwork } from './test-network.ts';

test('makes an operator key with every scope, another one each time', async () => {
  await using network = await startNetwork();
  const { pool, pepper, clock } = network;
  const secrets = [
    await createOperatorKey({ pool, pepper, now: clock.now }),
    await createOperatorKey({ pool, pepper, now: clock.now }),
  ];
  expect(secrets[0]).not.toBe(secrets[1]);
  for (const secret of secrets) {
    const answer = await network.as('service:waybill').authenticateApiKey({ secret });
    expect(answer.subject).toMatchObject({ kind: Subject_Kind.OPERATOR, id: '' });
    expect(new Set(answer.scopes)).toEqual(KIND_SCOPES.operator);
  }
  expect((await network.events()).map(({ kind }) => kind)).toEqual(['api_key', 'api_key']);
});
