import { describe, expect, it, vi } from 'vitest';
import { invalid, RpcError } from '#libs/errors';
import { LabelService } from '#proto/queqiao/waybill/v1/label_service';
import { failure, gate, startFixture } from './fixture.ts';
import { type Handlers, implement } from './index.ts';

describe('a stream of answers', () => {
  it('answers its one request with as much as there is, and has one line in the log', async () => {
    await using it = await startAnswers(async function* ({ requestId }) {
      for (const item of ['a', 'b', 'c']) yield outcome(requestId + item);
    });
    const answers = it.client().renderLabels({ requestId: '鹊' });
    expect(await outcomesIn(answers)).toEqual(['鹊a', '鹊b', '鹊c']);
    expect(it.calls()).toMatchObject([{ code: 'OK', requests: 1, responses: 3 }]);
  });

  it.each([
    ['an error with a reason', invalid('items', 'REQUIRED'), 'FIELD_INVALID'],
    ['any other', new Error('CANARY'), 'INTERNAL'],
  ])('ends with %s of its handler', async (_, error, reason) => {
    await using it = await startAnswers(async function* () {
      yield outcome('first');
      throw error;
    });
    const answers = it.client().renderLabels({});
    expect((await answers.next()).done).toBe(false);
    expect((await failure(answers.next())).reason).toBe(reason);
  });

  it('stops its handler when the caller leaves', async () => {
    const left = gate();
    await using it = await startAnswers(async function* () {
      try {
        for (;;) yield outcome('x'.repeat(10_000));
      } finally {
        left.open();
      }
    });
    for await (const { part } of it.client().renderLabels({})) {
      expect(part.case).toBe('outcome');
      break;
    }
    await left.opened;
  });

  it('asks its handler for no more than the caller reads', async () => {
    let made = 0;
    await using it = await startAnswers(async function* () {
      for (; made < 10_000; made += 1) yield outcome('x'.repeat(10_000));
    });
    const answers = it.client().renderLabels({});
    await answers.next();
    const reached = await settled(() => made);
    expect(reached).toBeLessThan(1_000);
    await answers.return?.();
  });

  it('ends in full when the server stops', async () => {
    const begun = gate();
    const goOn = gate();
    await using it = await startAnswers(async function* () {
      yield outcome('one');
      begun.open();
      await goOn.opened;
      yield outcome('two');
    });
    const all = outcomesIn(it.client().renderLabels({}));
    await begun.opened;
    const stopped = it.server.stop({ graceMs: 20_000 });
    goOn.open();
    expect(await all).toEqual(['one', 'two']);
    await stopped;
  });
});

async function startAnswers(renderLabels: Handlers<typeof LabelService>['renderLabels']) {
  const refuse = () => {
    throw new RpcError('METHOD_UNKNOWN');
  };
  const names = LabelService.methods.map(({ localName }) => [localName, refuse]);
  const all = Object.fromEntries(names) as Handlers<typeof LabelService>;
  const services = [implement(LabelService, { ...all, renderLabels })];
  const fixture = await startFixture({}, { services });
  return Object.assign(fixture, { client: () => fixture.connect(LabelService) });
}

function outcome(waybillNumber: string) {
  return { part: { case: 'outcome' as const, value: { waybillNumber } } };
}

async function outcomesIn(
  answers: AsyncIterable<{ part: { case?: string | undefined; value?: unknown } }>,
): Promise<unknown[]> {
  const all: unknown[] = [];
  for await (const { part } of answers)
    all.push((part.value as { waybillNumber: string }).waybillNumber);
  return all;
}

/** The value once it has stopped to grow. */
async function settled(read: () => number): Promise<number> {
  let before = -1;
  await vi.waitFor(
    () => {
      const now = read();
      const isSettled = now === before;
      before = now;
      expect(isSettled).toBe(true);
    },
    { interval: 100 },
  );
  return before;
}
