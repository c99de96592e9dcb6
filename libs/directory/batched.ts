/**
 * Answers each question of a group out of one answer for all that were asked in the same turn of
 * the event loop, `max` at a time: a block of labels is one call, not hundreds.
 */
export function batched<T>({ load, max }: Batching<T>): (group: string, key: string) => Promise<T> {
  const waiting = new Map<string, Question<T>[]>();
  const ask = (group: string) => {
    const questions = waiting.get(group) ?? [];
    waiting.delete(group);
    for (let from = 0; from < questions.length; from += max) {
      void answer(load, group, questions.slice(from, from + max));
    }
  };
  return (group, key) =>
    new Promise((resolve, reject) => {
      const question = { key, resolve, reject };
      const known = waiting.get(group);
      if (known !== undefined) {
        known.push(question);
        return;
      }
      waiting.set(group, [question]);
      setImmediate(ask, group);
    });
}

async function answer<T>(
  load: Batching<T>['load'],
  group: string,
  questions: readonly Question<T>[],
): Promise<void> {
  try {
    const answers = await load(
      group,
      questions.map(({ key }) => key),
    );
    if (answers.length !== questions.length) throw new Error('an answer is missing');
    for (const [i, { resolve }] of questions.entries()) resolve(answers[i] as T);
  } catch (error) {
    for (const { reject } of questions) reject(error);
  }
}

export type Batching<T> = {
  /** One answer for each key, in order. */
  load: (group: string, keys: readonly string[]) => Promise<readonly T[]>;
  max: number;
};
type Question<T> = { key: string; resolve: (value: T) => void; reject: (error: unknown) => void };
