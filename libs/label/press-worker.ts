// The thread of a LabelPress: draws one task after the other. It is told what stands on labels,
// masked names, and no key.
import { parentPort } from 'node:worker_threads';
import type { Label } from './label.ts';
import { LabelFile, type LabelForm } from './label-file.ts';

const files = new Map<number, LabelFile>();

const TASKS = {
  draw(fileId: number, form: LabelForm, labels: readonly Label[]): (Uint8Array | undefined)[] {
    const file = files.get(fileId) ?? new LabelFile(form);
    files.set(fileId, file);
    return labels.map((label) => file.add(label));
  },

  end(fileId: number): Uint8Array | undefined {
    const file = files.get(fileId);
    files.delete(fileId);
    return file?.end();
  },
};

parentPort?.on('message', ({ taskId, name, args }: Task) => {
  try {
    const run = TASKS[name] as (...args: unknown[]) => unknown;
    parentPort?.postMessage({ taskId, result: run(...args) } satisfies TaskAnswer);
  } catch (error) {
    parentPort?.postMessage({ taskId, error } satisfies TaskAnswer);
  }
});

export type PressTasks = typeof TASKS;
export type Task = { taskId: number; name: keyof PressTasks; args: readonly unknown[] };
export type TaskAnswer = { taskId: number; result?: unknown; error?: unknown };
