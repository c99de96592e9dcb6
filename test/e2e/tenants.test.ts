import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { ofCourier, ofMerchant, openPool, roleOf, type TenantSetting } from '#libs/db';
import { RpcError } from '#libs/errors';
import { KIND_SCOPES, METHOD_SCOPES } from '#libs/grpc';
import { createLogger } from '#libs/log';
import { Subject_Kind } from '#proto/queqiao/network/v1/api_key';
import { type TestSystem, testSystem } from '#test/support/system';
import {
  type Clients,
  COMMON_TO_ALL,
  COMMON_TO_MERCHANTS,
  clientFor,
  seedTenant,
  TENANT_CALLS,
  type TenantWorld,
} from '#test/support/tenant-calls';

let system: TestSystem;
let world: TenantWorld;
let other: TenantWorld;
let keys: Record<'merchant' | 'courier' | 'otherMerchant' | 'otherCourier', string>;

beforeAll(async () => {
  system = await testSystem();
  world = await seedTenant(system);
  other = await seedTenant(system);
  await allFolded();
  keys = {
    merchant: await makeKey('merchant', world.owner.merchantId),
    courier: await makeKey('courier', world.owner.courierId),
    otherMerchant: await makeKey('merchant', other.owner.merchantId),
    otherCourier: await makeKey('courier', other.owner.courierId),
  };
});
afterAll(() => system[Symbol.asyncDispose]());

/** With everything that its kind may hold at most: only whose it is keeps it in bounds. */
async function makeKey(kind: 'merchant' | 'courier', id: string): Promise<string> {
  const subject = { kind: kind === 'merchant' ? Subject_Kind.MERCHANT : Subject_Kind.COURIER, id };
  const apiKey = { apiKeyId: `all-${id}`, subject, scopes: [...KIND_SCOPES[kind]] };
  return (await system.network().createApiKey({ apiKey })).secret;
}

function clientsOf(apiKey?: string): Clients {
  return {
    network: system.network(apiKey),
    waybill: system.waybill(apiKey),
    vault: system.vault(apiKey),
    account: system.account(apiKey),
    label: system.label(apiKey),
    addresses: system.addresses(apiKey),
  };
}

/** A call's answer as text, or the reason why it was refused. */
async function answerTo(method: string, apiKey: string | undefined): Promise<Answer> {
  const call = TENANT_CALLS[method];
  if (call === undefined) throw new Error(`test/support/tenant-calls.ts has no ${method}`);
  try {
    return { text: JSON.stringify(await call(clientsOf(apiKey), world), shown), reason: '' };
  } catch (error) {
    if (!(error instanceof RpcError)) throw error;
    return { text: '', reason: error.reason };
  }
}

/** An item's error says no more than what was asked for. */
function shown(_: string, value: unknown): unknown {
  if (typeof value === 'bigint') return String(value);
  const item = value as { case?: string; outcome?: { case?: string } } | null;
  return item?.case === 'error' || item?.outcome?.case === 'error' ? 'an error' : value;
}

/** All that the database holds of the merchant, apart from what others may change for it. */
async function stored(): Promise<string> {
  const tables = await system.database.query<{ name: string }>(
    `select attrelid::regclass::text as name
     from pg_attribute join pg_class on pg_class.oid = attrelid
     where attname = 'merchant_id' and relkind in ('r', 'p')
       and relnamespace::regnamespace::text in ('network', 'waybill')
     order by 1`,
  );
  const all: string[] = [];
  for (const { name } of tables) {
    const rows = await system.database.query<{ row: string }>(
      `select entry::text as row from ${name} as entry where merchant_id = $1 order by 1`,
      [world.owner.merchantId],
    );
    all.push(...rows.map(({ row }) => `${name} ${row}`));
  }
  // What is a courier's alone.
  for (const name of [
    'area',
    'area_cell',
    'area_division',
    'territory_branch',
    'sort_table',
    'sort_row',
  ]) {
    const rows = await system.database.query<{ row: string }>(
      `select entry::text as row from network.${name} as entry where courier_id = $1 order by 1`,
      [world.owner.courierId],
    );
    all.push(...rows.map(({ row }) => `${name} ${row}`));
  }
  return all.join('\n');
}

/** What accounts have used is moved in the background, which is no change by anybody. */
async function allFolded(): Promise<void> {
  await vi.waitFor(async () => {
    expect(await system.database.query('select from waybill.account_delta')).toEqual([]);
  }, 10_000);
}

const mayCall = (kind: 'merchant' | 'courier') =>
  Object.entries(METHOD_SCOPES)
    .filter(([, scope]) => KIND_SCOPES[kind].has(scope))
    .map(([method]) => method);
const methods = [...new Set([...mayCall('merchant'), ...mayCall('courier')])];
const closed = Object.keys(METHOD_SCOPES).filter((method) => !methods.includes(method));

describe('a tenant’s wall', () => {
  it.each(methods)('lets nobody else learn or change anything by %s', async (method) => {
    const before = await stored();
    const byMerchant = await answerTo(method, keys.otherMerchant);
    const byCourier = await answerTo(method, keys.otherCourier);
    expect(await stored()).toBe(before);
    const { ofMerchant: hidden, ofCourier: alsoHidden } = world;
    if (!COMMON_TO_MERCHANTS.has(method)) expect(found(byMerchant, hidden)).toEqual([]);
    expect(found(byCourier, [...hidden, ...alsoHidden])).toEqual([]);
  });

  it.each(closed)('lets no tenant call %s', async (method) => {
    const [service = '', name = ''] = method.split('/');
    for (const key of Object.values(keys)) {
      const client = clientFor(clientsOf(key), service);
      const call = (client as unknown as Record<string, (request: object) => Promise<unknown>>)[
        name.charAt(0).toLowerCase() + name.slice(1)
      ];
      await expect(call?.({})).rejects.toMatchObject({ reason: 'SCOPE_MISSING' });
    }
  });

  // Last, since it changes what the calls are about. The statements are those of the wall behind.
  it('would stand if every statement forgot to ask whose a row is', async () => {
    const statements = await recorded(async () => {
      for (const method of methods) {
        const answers = [
          await answerTo(method, keys.merchant),
          await answerTo(method, keys.courier),
          await answerTo(method, undefined),
        ];
        const { ofMerchant: known, ofCourier: alsoKnown } = world;
        const isMeant = answers.some(
          (answer) =>
            found(answer, [...known, ...alsoKnown]).length > 0 ||
            (COMMON_TO_ALL.has(method) && answer.text !== ''),
        );
        expect(isMeant, `${method} works for nobody: ${JSON.stringify(answers)}`).toBe(true);
      }
    });
    expect(statements.length).toBeGreaterThan(10);
    await allFolded();
    expect(await leaks(statements)).toEqual([]);

    // Without its policies, the wall is seen to be missing.
    const toggle = (verb: string) =>
      system.database.query(`alter table waybill.waybill ${verb} row level security`);
    await toggle('disable');
    try {
      expect(await leaks(statements)).not.toEqual([]);
    } finally {
      await toggle('enable');
    }
    // Thousands of statements, each sent as every other tenant.
  }, 240_000);
});

describe('the tables', () => {
  it('of a tenant stand behind the wall, each of them', async () => {
    const bare = await system.database.query<{ name: string }>(
      `select attrelid::regclass::text as name
       from pg_attribute join pg_class on pg_class.oid = attrelid
       where attname in ('merchant_id', 'courier_id') and relkind in ('r', 'p')
         and relnamespace::regnamespace::text in ('network', 'waybill')
         and not (relrowsecurity and relforcerowsecurity
           and exists (select from pg_policy where polrelid = pg_class.oid))`,
    );
    expect(bare).toEqual([]);
  });

  // After the walk, which puts something into each of them.
  it('show nobody else a row, whatever a statement asks, but without their wall', async () => {
    const { merchantId, courierId } = other.owner;
    const others = [ofMerchant(merchantId), ofCourier(courierId), undefined];
    const tables = await system.database.query<{ name: string }>(
      `select oid::regclass::text as name from pg_class
       where relkind in ('r', 'p') and relrowsecurity order by 1`,
    );
    const shownTo = async (name: string) => {
      const all = others.map(async (tenant) => {
        const text = await seen(name, tenant);
        return found({ text, reason: '' }, hiddenIn(name, tenant));
      });
      return (await Promise.all(all)).flat();
    };
    expect(tables.length).toBeGreaterThan(12);
    for (const { name } of tables) {
      expect([name, await shownTo(name)]).toEqual([name, []]);
      // Its rows are folded into others all the time.
      if (name === 'waybill.account_delta') continue;
      await system.database.query(`alter table ${name} disable row level security`);
      try {
        expect([name, await shownTo(name)]).not.toEqual([name, []]);
      } finally {
        await system.database.query(`alter table ${name} enable row level security`);
      }
    }
  });

  it('without a tenant are known, each of them', async () => {
    const open = await system.database.query<{ name: string }>(
      `select pg_class.oid::regclass::text as name from pg_class
       where relkind in ('r', 'p') and not relrowsecurity
         and relnamespace::regnamespace::text in ('network', 'waybill')
         and relname !~ '^(outbox|inbox|migration)'
       order by 1`,
    );
    expect(open.map(({ name }) => name)).toEqual([
      'network.dead_letter',
      // Where houses are, whoever sends there; keyed hashes name them.
      'waybill.address_fix',
      'waybill.index_key',
      'waybill.issue_quota',
      'waybill.number_cursor',
      'waybill.number_lease',
    ]);
  });
});

/** All rows of a table, as the service sees them that works for this tenant. */
async function seen(name: string, tenant: TenantSetting | undefined): Promise<string> {
  const [schema = ''] = name.split('.');
  const log = createLogger({ name: 'test', level: 'silent' });
  const role = roleOf(schema);
  await using pool = openPool({ url: system.database.url, name: 'all', role, log });
  const text = `select string_agg(entry::text, ' ') as text from ${name} as entry`;
  const rows = await pool.query<{ text: string | null }>(text, [], tenant && { tenant });
  return rows[0]?.text ?? '';
}

/** What tells a row that is not this tenant's. Merchants may see all couriers and their ranges. */
function hiddenIn(name: string, tenant: TenantSetting | undefined): string[] {
  if (!tenant?.startsWith('merchant:')) return [...world.ofMerchant, ...world.ofCourier];
  return name === 'network.courier' ? [] : world.ofMerchant;
}

function found({ text }: Answer, secrets: string[]): string[] {
  return secrets.filter((secret) => text.includes(secret));
}

/**
 * The statements for a tenant that `work` made the services send: with the tenant themselves, or in
 * a transaction after one that has.
 */
async function recorded(work: () => Promise<void>): Promise<Statement[]> {
  const statements = new Map<string, Statement>();
  const inTransaction = new WeakSet<Client>();
  const walled = new WeakSet<Client>();
  const query = vi.spyOn(Client.prototype, 'query');
  query.mockImplementation(function (this: Client, ...given: unknown[]) {
    const { text, values } = given[0] as Statement;
    const isTenants = isTenantQuery(given[0]);
    if (text === 'begin') inTransaction.add(this);
    if (isTenants && inTransaction.has(this)) walled.add(this);
    if (/^(commit|rollback)$/.test(text))
      for (const set of [inTransaction, walled]) set.delete(this);
    if ((isTenants || walled.has(this)) && !NO_TENANTS.test(text)) {
      // Parameters are written into memory that the next statement uses again.
      const kept = values.map((value) => (Buffer.isBuffer(value) ? Buffer.from(value) : value));
      statements.set(JSON.stringify([text, values], shown), { text, values: kept });
    }
    return plainQuery.apply(this, given);
  } as never);
  try {
    await work();
  } finally {
    query.mockRestore();
  }
  return [...statements.values()];
}

/** What frames a transaction, and events, which no tenant reads from a table. */
const NO_TENANTS = /^(begin|commit|rollback|savepoint|release|set |insert into \w+\.outbox)/;

const plainQuery = Client.prototype.query as unknown as (
  this: Client,
  ...given: unknown[]
) => unknown;

function isTenantQuery(query: unknown): boolean {
  return (query as object).constructor.name === 'TenantQuery';
}

/** Sends each as every other tenant and as nobody; answers those that showed or changed a row. */
async function leaks(statements: Statement[]): Promise<string[]> {
  const log = createLogger({ name: 'test', level: 'silent' });
  const { merchantId, courierId } = other.owner;
  const callers = [ofMerchant(merchantId), ofCourier(courierId), undefined];
  const leaking: string[] = [];
  for (const { text, values } of statements) {
    const schema = text.includes('network.') ? 'network' : 'waybill';
    const options = { url: system.database.url, name: 'replay', role: roleOf(schema), log };
    await using pool = openPool(options);
    for (const tenant of callers) {
      const before = await stored();
      const answer = await replay(pool, { text, values, tenant });
      const isCommon = /from network\.courier/.test(text) && tenant?.startsWith('merchant:');
      const hidden = isCommon ? [] : world.ofMerchant;
      // It answers the keys that it is asked with, and zero for what is not seen.
      const isShown = /^select wanted\.merchant_id/.test(text)
        ? countsOf(world.owner.merchantId, answer).some((count) => count !== '0')
        : found({ text: answer, reason: '' }, hidden).length > 0;
      if (isShown || (await stored()) !== before) leaking.push(`${tenant}: ${text}`);
    }
  }
  return leaking;
}

function countsOf(merchantId: string, answer: string): string[] {
  const rows = (answer === '' ? [] : JSON.parse(answer)) as Record<string, string>[];
  return rows
    .filter((row) => row['merchant_id'] === merchantId)
    .flatMap((row) =>
      Object.keys(row).flatMap((key) => (/_count$/.test(key) ? [row[key] ?? ''] : [])),
    );
}

async function replay(
  pool: ReturnType<typeof openPool>,
  {
    text,
    values,
    tenant,
  }: Pick<Statement, 'text' | 'values'> & { tenant?: TenantSetting | undefined },
): Promise<string> {
  try {
    return JSON.stringify(await pool.query(text, values, tenant && { tenant }));
  } catch (error) {
    const { code } = error as { code?: string };
    // Row-level security refuses a row of somebody else.
    if (code === '42501') return '';
    // The row was taken and met the owner's: so far it must not come.
    if (code === '23505') return world.waybillNumber;
    throw error;
  }
}

type Answer = { text: string; reason: string };
type Statement = { text: string; values: unknown[] };
