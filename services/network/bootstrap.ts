import { randomBytes } from 'node:crypto';
import { OF_EVERYBODY, type Pool, type Tx, transaction } from '#libs/db';
import { RpcError } from '#libs/errors';
import { KIND_SCOPES } from '#libs/grpc';
import type { Clock } from '#libs/run';
import type { Ancestry, ApiKeyDraft } from './api-key.ts';
import { announce } from './events.ts';
import { makeSecret } from './secret.ts';
import { insertApiKey } from './store.ts';

/**
 * Makes an operator's key with every scope and answers its secret, which is stored nowhere: for
 * the first key, which no other key can ask for. Each call makes a key of its own.
 */
export async function createOperatorKey({ pool, pepper, now }: Options): Promise<string> {
  const { secret, ...stored } = makeSecret(pepper);
  const id = `operator-${randomBytes(4).toString('hex')}`;
  const apiKey: ApiKeyDraft & Ancestry = {
    api_key_id: id,
    line_id: id,
    predecessor_id: null,
    subject_kind: 'operator',
    subject_id: '',
    scopes: [...KIND_SCOPES.operator],
    expire_time: null,
    allowed_cidrs: [],
    calls_per_s: 0,
    burst_count: 0,
    waybills_per_day: '0',
  };
  const insert = async (tx: Tx) => {
    const created = await insertApiKey(tx, apiKey, { ...stored, createTime: now() });
    // The random part of the id was used before: the caller may try again.
    if (created === undefined) throw new RpcError('CONFLICT');
    await announce(tx, { kind: 'api_key', id, version: created.version });
  };
  await transaction(pool, insert, { tenant: OF_EVERYBODY });
  return secret;
}

type Options = { pool: Pool; pepper: Buffer; now: Clock };
