import type { Worker } from 'node:worker_threads';
import { afterAll, describe, expect, test, vi } from 'vitest';
import { sampleLabel } from './label.fixture.ts';
import { LabelFile, type LabelForm } from './label-file.ts';
import { LabelPress } from './press.ts';

const threads: Worker[] = vi.hoisted(() => []);

vi.mock('node:worker_threads', async (original) => {
  const actual = await original<typeof import('node:worker_threads')>();
  class Thread extends actual.Worker {
    constructor(...args: ConstructorParameters<typeof Worker>) {
      super(...args);
      threads.push(this);
    }
  }
  return { ...actual, Worker: Thread };
});

const PDF: LabelForm = { format: 'pdf', size: '76x130', dpi: 203 };
const labels = Array.from({ length: 40 }, (_, i) => sampleLabel({ orderRef: `SO-${i}` }));
const tooLong = sampleLabel({ waybillNumber: 'SF'.repeat(16) });

const press = new LabelPress();
afterAll(() => press[Symbol.asyncDispose]());

describe('a press', () => {
  test('begins its thread with the first file, and draws many files at once', async () => {
    expect(threads).toHaveLength(0);
    const alone = await drawn(PDF, labels);
    const all = await Promise.all(labels.slice(0, 5).map(() => drawn(PDF, labels)));
    expect(all).toEqual(all.map(() => alone));
    expect(threads).toHaveLength(1);
  });

  test.each(['pdf', 'zpl', 'png'] as const)('draws %s as without a thread', async (format) => {
    const form = { ...PDF, format };
    const few = labels.slice(0, format === 'pdf' ? 40 : 2);
    const file = new LabelFile(form);
    const expected = [...few.map((label) => file.add(label)), file.end()];
    expect(await drawn(form, few)).toEqual(expected.map(bytesOf));
  });

  test('fails the file whose label cannot be drawn, and no other', async () => {
    const results = await Promise.allSettled([drawn(PDF, labels), drawn(PDF, [tooLong])]);
    expect(results).toMatchObject([
      { status: 'fulfilled' },
      { reason: { message: expect.stringContaining('too long') } },
    ]);
  });

  test('fails what its thread was drawing when that ends, and takes a new one', async () => {
    using file = press.open(PDF);
    await file.draw(labels);
    const drawing = expect(file.draw(labels)).rejects.toThrow('has ended');
    await threads.at(-1)?.terminate();
    await drawing;
    await expect(file.end()).rejects.toThrow('has ended');
    expect((await drawn(PDF, labels)).length).toBeGreaterThan(0);
    expect(threads).toHaveLength(2);
  });

  test('takes no file once it is closed, and leaves no thread', async () => {
    await press[Symbol.asyncDispose]();
    expect(() => press.open(PDF)).toThrow('closed');
    expect(threads.map(({ threadId }) => threadId)).toEqual([-1, -1]);
  });
});

async function drawn(form: LabelForm, given: typeof labels) {
  using file = press.open(form);
  return [...(await file.draw(given)), await file.end()].map(bytesOf);
}

function bytesOf(bytes: Uint8Array | undefined): Buffer {
  return Buffer.from(bytes ?? []);
}
