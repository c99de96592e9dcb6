import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import { metrics, trace } from '@opentelemetry/api';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RpcError } from '#libs/errors';
import { createClient } from '#libs/grpc';
import { Keyring, type MasterKey } from '#libs/privacy';
import { Subject_Kind } from '#proto/queqiao/network/v1/api_key';
import { Purpose } from '#proto/queqiao/waybill/v1/vault_service';
import { WaybillService } from '#proto/queqiao/waybill/v1/waybill_service';
import {
  CANARY,
  databaseText,
  errorText,
  hear,
  leaks,
  recordTelemetry,
  type Telemetry,
} from '#test/support/canary';
import { testFolder } from '#test/support/folder';
import { startTestNats, type TestNats } from '#test/support/nats';
import { textsOfPdf } from '#test/support/pictures';
import {
  type ParcelInit,
  parcelOf,
  type SeededMerchant,
  seedMerchant,
  type TestSystem,
  testSystem,
} from '#test/support/system';
import { cli } from '../../services/cli/commands/cli.fixture.ts';
import { issueCommand } from '../../services/cli/commands/issue.ts';
import { labelCommand } from '../../services/cli/commands/label.ts';
import { vaultCommand } from '../../services/cli/commands/vault.ts';
import { waybillCommand } from '../../services/cli/commands/waybill.ts';
import { render } from '../../services/waybill/label.fixture.ts';

// One run through everything that ever holds a consignee, then a search of everything that was
// written, sent, counted or said meanwhile.

let telemetry: Telemetry;
let nats: TestNats;
let system: TestSystem;
let bus: Awaited<ReturnType<typeof hear>>;
let folder: Awaited<ReturnType<typeof testFolder>>;
let shop: SeededMerchant;
let key: string;
/** What callers were answered, errors apart; and the errors. */
const answers: unknown[] = [];
const errors: string[] = [];
/** What commands wrote to the terminal. */
const printed: string[] = [];

const purpose = Purpose.CUSTOMER_SERVICE;
const { name, phone, ...places } = CANARY;
const consignee = {
  ...{ name, phone },
  address: { province: '浙江省', city: '杭州市', district: '西湖区', ...places },
};

beforeAll(async () => {
  telemetry = recordTelemetry();
  nats = await startTestNats();
  bus = await hear(nats.url);
  system = await testSystem({ natsUrl: nats.url });
  folder = await testFolder();
  shop = await seedMerchant(system);
  const kinds = ['issue', 'read', 'cancel', 'print'].map((each) => `waybill.${each}`);
  const vault = ['read', 'find', 'erase', 'audit'].map((each) => `consignee.${each}`);
  const { secret } = await system.network().createApiKey({
    apiKey: {
      apiKeyId: 'canary',
      subject: { kind: Subject_Kind.MERCHANT, id: shop.merchantId },
      scopes: [...kinds, ...vault],
    },
  });
  key = secret;
});
afterAll(async () => {
  await folder?.[Symbol.asyncDispose]();
  await system?.[Symbol.asyncDispose]();
  await bus?.[Symbol.asyncDispose]();
  await nats?.[Symbol.asyncDispose]();
  await telemetry?.[Symbol.asyncDispose]();
});

function parcel(orderRef: string, change: ParcelInit = {}): ParcelInit {
  return parcelOf(shop, orderRef, { consignee, ...change });
}

/** Keeps what a call answers, or its error. */
async function say<T>(call: Promise<T>): Promise<T | undefined> {
  try {
    const answer = await call;
    answers.push(answer);
    return answer;
  } catch (error) {
    errors.push(errorText(error));
    return undefined;
  }
}

async function run(...args: string[]): Promise<void> {
  const { address } = system;
  const commands = [issueCommand, waybillCommand, vaultCommand, labelCommand];
  const { stdout, stderr } = await cli(commands, args, { address, apiKey: key });
  printed.push(stdout, stderr);
}

async function issueAndRead(): Promise<string> {
  const client = system.waybill(key);
  const answer = await say(client.issueWaybill({ parcel: parcel('CANARY') }));
  const waybillNumber = answer?.issued?.waybillNumber ?? '';
  await say(client.issueWaybills({ parcels: [parcel('CANARY'), parcel('CANARY-2')] }));
  const requests = async function* () {
    yield { items: [{ itemId: 'x', parcel: parcel('CANARY-3') }] };
    yield { items: [{ itemId: 'y', parcel: parcel('BAD', { nodeId: 'nowhere' }) }] };
  };
  for await (const response of client.issueWaybillStream(requests())) answers.push(response);
  await say(client.getWaybill({ waybillNumber }));
  await say(client.batchGetWaybills({ waybillNumbers: [waybillNumber, 'ZZ99999'] }));
  await say(client.lookUpWaybills({ keys: [{ orderRef: 'CANARY' }] }));
  await say(client.listWaybills({}));
  return waybillNumber;
}

/** Those who ask for the whole get it: it is not kept here with the other answers. */
async function openIt(waybillNumber: string): Promise<void> {
  const vault = system.vault(key);
  const one = await vault.getConsignee({ waybillNumber, purpose });
  expect(one.consignee).toMatchObject({ name, phone });
  const several = await vault.batchGetConsignees({ waybillNumbers: [waybillNumber], purpose });
  expect(several.outcomes[0]?.outcome.value).toMatchObject({ name, phone });
  const found = await say(vault.findWaybillsByPhone({ phone, purpose }));
  expect(found?.waybills).toHaveLength(3);
  await say(vault.findWaybillsByPhone({ phone, purpose, pageSize: 1 }));
  await say(vault.findWaybillsByPhone({ phone: '139-7766-5544', purpose, pageToken: 'x' }));
  await say(vault.findWaybillsByPhone({ phone: `${phone}x`, purpose }));
  await say(vault.findWaybillsByPhone({ phone, purpose, merchantId: 'somebody' }));
  await say(vault.findWaybillsByPhone({ phone, purpose: 77 as Purpose }));
  await say(vault.listConsigneeAccesses({}));
}

/** On a label stand the road and masked forms, and never the person. */
async function printIt(waybillNumber: string): Promise<void> {
  const items = [{ waybillNumber }, { waybillNumber: 'ZZ99999' }];
  const { outcomes, files } = await render(system, key, { items });
  answers.push(outcomes);
  const [text = ''] = await textsOfPdf(files.get(0) ?? Buffer.alloc(0));
  expect(text).toContain('慕容** 139******44');
  expect(text.replace(/\s/g, '')).toContain('鹊桥测试街道');
  expect(text).not.toMatch(/雀翎|77665544|777|77幢/);
  await say(system.label(key).listLabelPrints({}));
  await say(render(system, key, { items: [{ waybillNumber, customTexts: { name } }] }));
  await say(render(system, key, { items, reason: 'x'.repeat(300) }));
}

/** Where it was delivered is learnt, and its address is open for that alone. */
async function learnFrom(waybillNumber: string): Promise<void> {
  const apiKey = { apiKeyId: 'canary-courier', scopes: ['address.learn', 'address.parse'] };
  const subject = { kind: Subject_Kind.COURIER, id: shop.courierId };
  const { secret } = await system.network().createApiKey({ apiKey: { ...apiKey, subject } });
  const client = system.addresses(secret);
  const location = { latitudeDeg: 30.25, longitudeDeg: 120.13 };
  const point = { waybillNumber, location, deliveryTime: timestampFromDate(new Date()) };
  const learnt = await say(client.reportDeliveryPoints({ points: [point] }));
  expect(learnt?.outcomes[0]?.outcome.case).toBe('accepted');
  const tokyo = { latitudeDeg: 35.68, longitudeDeg: 139.77 };
  await say(client.reportDeliveryPoints({ points: [{ ...point, location: tokyo }] }));
  const broken = [{ ...point, deliveryTime: timestampFromDate(new Date()) }];
  const { database } = system;
  await database.query('alter table waybill.address_fix add constraint no check (false) not valid');
  await say(client.reportDeliveryPoints({ points: broken }));
  await database.query('alter table waybill.address_fix drop constraint no');
}

/** Changed, kept as an old version, and sent back by who got it. */
async function changeAndReturn(waybillNumber: string): Promise<void> {
  const client = system.waybill(key);
  const change = { waybillNumber, version: 1, consignee: { ...consignee, name: '王五' } };
  await say(client.updateWaybill(change));
  await say(client.updateWaybill(change));
  await say(client.updateWaybill({ ...change, consignee: { ...consignee, name: `${name}&` } }));
  await say(client.updateWaybill({ waybillNumber, version: 2, consignee }));
  await say(client.updateWaybill({ ...change, version: 1 }));
  await say(client.listWaybillVersions({ waybillNumber }));
  await say(client.issueReturnWaybill({ outwardWaybillNumber: waybillNumber, parcelNo: 2 }));
  await say(client.getShipment({ waybillNumber }));
}

async function failInEveryWay(): Promise<void> {
  const client = system.waybill(key);
  const bad = [
    parcel('x y'),
    parcel('BAD', { nodeId: 'nowhere' }),
    parcel('BAD', { courierId: CANARY.phone }),
    parcel('BAD', { consignee: { ...consignee, phone: `${phone}x` } }),
    parcel('BAD', { consignee: { ...consignee, name: `${name}&` } }),
    parcel('BAD', { consignee: { ...consignee, name: name.repeat(20) } }),
    parcel('BAD', { consignee: { ...consignee, address: { province: '', ...places } as never } }),
    parcel('CANARY', { consignee: { ...consignee, name: `${name}儿` } }),
    parcel('CANARY', { weightG: 7 }),
  ];
  await say(client.issueWaybills({ parcels: bad }));
  for (const one of bad) await say(client.issueWaybill({ parcel: one }));
  // Nobody, somebody else, too late, gone.
  await say(system.waybill('no-key').issueWaybill({ parcel: parcel('NO-KEY') }));
  await say(client.issueWaybill({ merchantId: 'somebody', parcel: parcel('FOREIGN') }));
  await say(client.issueWaybill({ parcel: parcel('LATE') }, { deadlineMs: 1 }));
  const signal = AbortSignal.abort();
  await say(client.issueWaybill({ parcel: parcel('GONE') }, { signal }));
  const nowhere = { address: '127.0.0.1:1', credentials: { apiKey: key }, deadlineMs: 300 };
  using away = createClient(WaybillService, nowhere);
  await say(away.issueWaybill({ parcel: parcel('AWAY') }));
}

async function useCommands(waybillNumber: string): Promise<void> {
  const file = join(folder.path, 'orders.csv');
  const header = 'order_ref,name,phone,province,city,street,detail,weight_kg,courier_id,node_id';
  const row = (ref: string, change: Record<string, string> = {}) => {
    const place = { province: '浙江省', city: '杭州市', ...places, kg: '1' };
    const cells = { ref, name, phone, ...place, courier: shop.courierId, node: shop.nodeId };
    return Object.values({ ...cells, ...change }).join(',');
  };
  const rows = [
    ...[row('FILE-1'), row('FILE-1', { name: `${name}儿` }), row('FILE 2')],
    ...[row('FILE-3', { phone: `${phone}x` }), row('FILE-4', { name: `${name}&` })],
    ...[row('FILE-5', { kg: phone }), row('FILE-6', { node: 'nowhere' }), `${row('FILE-7')},,,`],
  ];
  await writeFile(file, [header, ...rows].join('\n'));
  await run('issue', file);
  await run('issue', file, '--json');
  await run('waybill', 'get', waybillNumber);
  await run('waybill', 'list', '--json');
  await run('vault', 'find', phone, '--purpose', 'delivery');
  await run('vault', 'find', `${phone}x`, '--purpose', 'delivery', '--json');
  await run('vault', 'accesses');
  await run('label', 'print', waybillNumber, '--output', join(folder.path, 'labels.pdf'));
}

async function breakThings(waybillNumber: string): Promise<void> {
  const { database } = system;
  for (const table of ['waybill', 'consignee_access', 'label_print']) {
    await database.query(`alter table waybill.${table} add constraint no check (false) not valid`);
    await say(system.waybill(key).issueWaybill({ parcel: parcel('BROKEN') }));
    await say(system.vault(key).findWaybillsByPhone({ phone, purpose }));
    await say(render(system, key, { items: [{ waybillNumber }] }));
    await database.query(`alter table waybill.${table} drop constraint no`);
  }
  const down = () => Promise.reject(new RpcError('DEPENDENCY_DOWN'));
  const away: MasterKey = { keyId: 'away', wrap: down, unwrap: down };
  await system.restart({ keyring: new Keyring({ current: away }) });
  await say(system.waybill(key).issueWaybill({ parcel: parcel('NO-KMS') }));
  await say(system.vault(key).findWaybillsByPhone({ phone, purpose }));
  await system.restart();
}

async function giveUpAndErase(waybillNumber: string): Promise<void> {
  await say(system.waybill(key).cancelWaybill({ waybillNumber }));
  const request = { waybillNumber, confirm: waybillNumber, reason: '测试' };
  await say(system.vault(key).eraseConsignee(request));
  await say(system.vault(key).getConsignee({ waybillNumber, purpose }));
  await expect.poll(() => bus.text()).toContain('.consignee_erased');
}

/** Everything that was left behind anywhere. */
async function everything(): Promise<Record<string, string>> {
  const files: string[] = [];
  for (const file of await readdir(folder.path)) {
    if (file !== 'orders.csv') files.push(file, await readFile(join(folder.path, file), 'utf8'));
  }
  return {
    log: system.logged(),
    bus: bus.text(),
    metrics: await telemetry.metrics(),
    spans: telemetry.spans(),
    answers: JSON.stringify(answers, (_, value) =>
      typeof value === 'bigint' ? String(value) : value,
    ),
    errors: errors.join('\n'),
    database: await databaseText(system.database),
    terminal: printed.join('\n'),
    files: files.join('\n'),
  };
}

describe('a consignee', () => {
  it('shows nowhere but to those who ask for it by its own call', async () => {
    const waybillNumber = await issueAndRead();
    await openIt(waybillNumber);
    await printIt(waybillNumber);
    await learnFrom(waybillNumber);
    await changeAndReturn(waybillNumber);
    await failInEveryWay();
    await useCommands(waybillNumber);
    await breakThings(waybillNumber);
    await giveUpAndErase(waybillNumber);
    const left = await everything();
    expect(leaks(left)).toEqual([]);
    // There is something in each place, and what may be seen is.
    for (const [place, text] of Object.entries(left))
      expect(text.length, place).toBeGreaterThan(99);
    expect(left['answers']).toContain('慕容**');
    expect(left['log']).toContain('IssueWaybill');
    expect(left['metrics']).toContain('rpc.server.call.duration');
    expect(left['spans']).toContain('VaultService/FindWaybillsByPhone');
    expect(left['bus']).toContain('ce-type: queqiao.waybill.v1.ConsigneesErased');
    expect(left['errors']).toContain('PARCEL_KEY_REUSED');
    expect(left['terminal']).toContain('139******44');
    expect(left['files']).toMatch(/FILE-1.*Q\d{16}/);
  });

  it('the check bites: what is planted in any one place is found there', async () => {
    system.log.info({ note: name }, 'planted');
    metrics.getMeter('test').createCounter('planted').add(1, { to: phone });
    trace
      .getTracer('test')
      .startSpan('planted', { attributes: { to: places.detail } })
      .end();
    answers.push({ street: places.street });
    errors.push(errorText(new RpcError('INTERNAL', { cause: new Error(phone) })));
    printed.push(`to ${name}`);
    await writeFile(join(folder.path, 'planted'), phone);
    await system.database.query(
      `insert into waybill.outbox (event_id, subject, type, payload) values
         (gen_random_uuid(), $1, 'queqiao.waybill.v1.WaybillCancelled', convert_to($2, 'UTF8'))`,
      [`queqiao.v1.waybill.${shop.courierId}.cancelled`, name],
    );
    await expect.poll(async () => leaks({ bus: bus.text() })).not.toEqual([]);
    const found = leaks(await everything()).map((leak) => leak.split(':')[0]);
    const all = Object.keys(await everything());
    expect([...new Set(found)].toSorted()).toEqual(all.toSorted());
  });
});
