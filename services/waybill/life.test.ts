import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { RpcError } from '#libs/errors';
import { type Waybill, Waybill_State } from '#proto/queqiao/waybill/v1/waybill';
import {
  parcelOf,
  type SeededMerchant,
  seedMerchant,
  type TestSystem,
  testSystem,
} from '#test/support/system';
import { type Command, STATES, type State, stateToMessage } from './state.ts';

let system: TestSystem;
let shop: SeededMerchant;

beforeAll(async () => {
  system = await testSystem();
  shop = await seedMerchant(system);
});
afterAll(() => system[Symbol.asyncDispose]());

/** The life of a waybill as the contract tells it, written down a second time. */
const GRAPH: Record<string, Partial<Record<State, State>>> = {
  update: { issued: 'issued', prepositioned: 'prepositioned' },
  cancel: { issued: 'cancelled', prepositioned: 'cancelled', cancelled: 'cancelled' },
  release: { prepositioned: 'issued', issued: 'issued' },
  recall: { prepositioned: 'recalled', recalled: 'recalled' },
} satisfies Partial<Record<Command, Partial<Record<State, State>>>>;

const client = () => system.waybill(shop.apiKey);

/** What the model knows: the waybill as the last answer showed it, and all versions so far. */
type Model = { number: string; isHeld: boolean; now: Waybill; seen: Waybill[] };

async function run(command: string, { number, now }: Model, weightG: number) {
  const waybillNumber = number;
  if (command === 'cancel') return (await client().cancelWaybill({ waybillNumber })).waybill;
  if (command === 'release') return (await client().releaseWaybill({ waybillNumber })).waybill;
  if (command === 'recall') return (await client().recallWaybill({ waybillNumber })).waybill;
  const { version } = now;
  return (await client().updateWaybill({ waybillNumber, version, weightG })).waybill;
}

async function step(model: Model, command: string, weightG: number): Promise<void> {
  const from = STATES.find((state) => stateToMessage(state) === model.now.state) as State;
  // What was never held is not released, though it stands where a release would lead.
  const isNoMove = command === 'release' && from === 'issued' && !model.isHeld;
  const to = isNoMove ? undefined : GRAPH[command]?.[from];
  const answer = await run(command, model, weightG).catch((error) => error);
  if (to === undefined) {
    expect(answer).toMatchObject({ reason: 'STATE_NOT_ALLOWED', metadata: { state: from } });
    return;
  }
  if (answer instanceof RpcError) throw answer;
  const after = answer as Waybill;
  const isSame = command === 'update' ? weightG === model.now.weightG : to === from;
  expect(after.state).toBe(stateToMessage(to));
  expect(after.version).toBe(model.now.version + (isSame ? 0 : 1));
  if (isSame) expect(after).toEqual(model.now);
  else model.seen.push(after);
  model.now = after;
}

it('moves along the allowed graph alone, and its versions only grow', async () => {
  let count = 0;
  const commands = fc.array(
    fc.tuple(
      fc.constantFrom('update', 'update', 'cancel', 'release', 'recall'),
      fc.integer({ min: 1, max: 3 }),
    ),
    { minLength: 1, maxLength: 8 },
  );
  await fc.assert(
    fc.asyncProperty(commands, fc.boolean(), async (steps, isHeld) => {
      const parcel = parcelOf(shop, `LIFE-${count++}`, { holdNodeId: isHeld ? shop.nodeId : '' });
      const { issued } = await client().issueWaybill({ parcel });
      const number = issued?.waybillNumber ?? '';
      const { waybill } = await client().getWaybill({ waybillNumber: number });
      if (waybill === undefined) throw new Error('no waybill');
      const model: Model = { number, isHeld, now: waybill, seen: [waybill] };
      for (const [command, weightG] of steps) await step(model, command, weightG);
      const { versions } = await client().listWaybillVersions({ waybillNumber: number });
      expect(versions.map((version) => version.waybill)).toEqual(model.seen);
      // Whatever became of it, the parcel as it was first sent has this number.
      const again = (await client().issueWaybill({ parcel })).issued;
      expect(again).toMatchObject({ waybillNumber: number, state: model.now.state });
      // One event for each change, and none besides.
      const rows = await system.database.query(
        `select from waybill.outbox where position($1::bytea in payload) > 0`,
        [Buffer.from(number)],
      );
      expect(rows).toHaveLength(model.seen.length);
    }),
    { numRuns: 40 },
  );
});

it('names every state once', () => {
  const states = Object.values(Waybill_State).filter((state) => state !== 0);
  expect(STATES.map(stateToMessage).toSorted()).toEqual(states.toSorted());
});
