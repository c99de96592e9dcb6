import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openPool, type Pool, roleOf } from '#libs/db';
import { RpcError } from '#libs/errors';
import { type Identity, KIND_SCOPES } from '#libs/grpc';
import { createLogger } from '#libs/log';
import type { Merchant } from '#proto/queqiao/network/v1/merchant';
import { type TestDatabase, testDatabase } from '#test/support/database';
import type { Issue, IssueAnswer } from './issue.ts';
import type { ParcelDraft } from './parcel.ts';
import { Quotas } from './quota.ts';

const NOW_MS = Date.UTC(2026, 10, 11, 18);
const HOUR_MS = 3_600_000;

let db: TestDatabase;
let pool: Pool;
let nowMs = NOW_MS;
let quotaId = '';
beforeAll(async () => {
  db = await testDatabase({ schemas: { waybill: ['services/waybill/migrations'] } });
  const log = createLogger({ name: 'test', level: 'silent' });
  pool = openPool({ url: db.url, name: 'quota-test', role: roleOf('waybill'), log });
});
beforeEach(() => {
  nowMs = NOW_MS;
  quotaId = `key/${Math.random()}`;
});
afterAll(async () => {
  await pool[Symbol.asyncDispose]();
  await db[Symbol.asyncDispose]();
});

function open(): Quotas {
  return new Quotas({ pool, now: () => new Date(nowMs) });
}

function caller(waybillsPerDay: bigint): Identity {
  const limits = { callsPerS: 0, burstCount: 0, waybillsPerDay };
  return {
    kind: 'merchant',
    id: 'shop',
    scopes: KIND_SCOPES.merchant,
    keyId: 'k',
    limits,
    quotaId,
  };
}

const issued = (alreadyIssued = false) => ({ alreadyIssued }) as IssueAnswer;

/** Issues `count` parcels; `answer` says what becomes of each. Answers how many, or the refusal. */
async function take(
  quotas: Quotas,
  identity: Identity,
  count: number,
  answer: () => IssueAnswer = () => issued(),
): Promise<number | RpcError> {
  const issue: Issue = async (_, drafts) => drafts.map(() => answer());
  try {
    const drafts = Array.from({ length: count }, () => ({}) as ParcelDraft);
    return (await quotas.limit(issue)({} as Merchant, drafts, identity)).length;
  } catch (error) {
    if (error instanceof RpcError && error.reason === 'QUOTA_EXCEEDED') return error;
    throw error;
  }
}

describe('a daily quota', () => {
  it('lets so many through and no more, and says when to come back', async () => {
    const quotas = open();
    const shop = caller(250n);
    expect(await take(quotas, shop, 200)).toBe(200);
    expect(await take(quotas, shop, 51)).toMatchObject({
      reason: 'QUOTA_EXCEEDED',
      metadata: { waybills_per_day: '250', left: '50' },
      retryAfterMs: 6 * HOUR_MS,
    });
    // Refused as a whole: the rest is still there for a call that fits.
    expect(await take(quotas, shop, 50)).toBe(50);
    expect(await take(quotas, shop, 1)).toMatchObject({ metadata: { left: '0' } });
    nowMs += 6 * HOUR_MS;
    expect(await take(quotas, shop, 250)).toBe(250);
  });

  it('counts what was issued, not what was refused or issued before', async () => {
    const quotas = open();
    const shop = caller(10n);
    expect(await take(quotas, shop, 10, () => issued(true))).toBe(10);
    expect(await take(quotas, shop, 10, () => new RpcError('NODE_NOT_FOUND'))).toBe(10);
    expect(await take(quotas, shop, 10, () => new RpcError('OVERLOADED'))).toBe(10);
    // May be stored after all.
    expect(await take(quotas, shop, 5, () => new RpcError('DEPENDENCY_DOWN'))).toBe(5);
    expect(await take(quotas, shop, 6)).toBeInstanceOf(RpcError);
    expect(await take(quotas, shop, 5)).toBe(5);
  });

  it('is never exceeded by several processes and many calls at once', async () => {
    const processes = [open(), open(), open()];
    const shop = caller(500n);
    const calls = Array.from({ length: 300 }, (_, i) =>
      take(processes[i % 3] as Quotas, shop, 1 + (i % 5)),
    );
    const taken = (await Promise.all(calls)).map((outcome) =>
      typeof outcome === 'number' ? outcome : 0,
    );
    const total = taken.reduce((sum, count) => sum + count, 0);
    expect(total).toBeLessThanOrEqual(500);
    // What others hold in their pieces, and calls larger than what was left.
    expect(total).toBeGreaterThan(480);
    for (const each of processes) await each[Symbol.asyncDispose]();
    const last = open();
    let rest = 0;
    while ((await take(last, shop, 1)) === 1) rest += 1;
    expect(total + rest).toBe(500);
  });

  it('outlasts a restart, in order or not', async () => {
    const shop = caller(1_000n);
    const first = open();
    expect(await take(first, shop, 900)).toBe(900);
    await first[Symbol.asyncDispose]();
    const second = open();
    expect(await take(second, shop, 101)).toMatchObject({ metadata: { left: '100' } });
    // Killed with the rest in its hands.
    expect(await take(open(), shop, 1)).toBeInstanceOf(RpcError);
  });

  it('is none where nobody set one, and costs nothing then', async () => {
    const quotas = new Quotas({ pool: undefined as unknown as Pool, now: () => new Date(nowMs) });
    expect(await take(quotas, caller(0n), 1_000)).toBe(1_000);
  });
});
