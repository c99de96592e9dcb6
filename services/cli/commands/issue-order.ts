/**
 * Portions of `size` of what a source gives, the last one smaller. Neighbours that belong together
 * stay so, up to `max` in one portion.
 */
export async function* inChunks<Item>(
  source: AsyncIterable<Item>,
  { size, max, belong }: ChunkOptions<Item>,
): AsyncGenerator<Item[]> {
  let chunk: Item[] = [];
  for await (const item of source) {
    const last = chunk.at(-1);
    const isFull = chunk.length >= size && last !== undefined && !belong(last, item);
    if (isFull || chunk.length >= max) {
      yield chunk;
      chunk = [];
    }
    chunk.push(item);
  }
  if (chunk.length > 0) yield chunk;
}

/**
 * Works on several items at once and answers in the order of the source. At most `running` are
 * worked on and at most `held` started ones are not yet answered, so a slow one holds the source
 * back instead of filling the memory. If the source fails, what was started is still answered
 * before the failure is thrown. `work` must not reject.
 */
export async function* mapInOrder<Item, Answer>(
  source: AsyncIterable<Item>,
  limits: { running: number; held: number },
  work: (item: Item) => Promise<Answer>,
): AsyncGenerator<Answer> {
  const held: Held<Answer>[] = [];
  const running = new Set<Promise<unknown>>();
  let failure: { cause: unknown } | undefined;
  try {
    for await (const item of source) {
      while (running.size >= limits.running) await Promise.race(running);
      held.push(start(work(item), running));
      while (held[0]?.isDone || held.length >= limits.held) {
        yield await (held.shift() as Held<Answer>).answer;
      }
    }
  } catch (cause) {
    failure = { cause };
  }
  for (const { answer } of held) yield await answer;
  if (failure !== undefined) throw failure.cause;
}

function start<Answer>(answer: Promise<Answer>, running: Set<Promise<unknown>>): Held<Answer> {
  const entry: Held<Answer> = { answer, isDone: false };
  const end = answer.finally(() => {
    entry.isDone = true;
    running.delete(end);
  });
  running.add(end);
  return entry;
}

export type ChunkOptions<Item> = {
  size: number;
  max: number;
  belong: (before: Item, after: Item) => boolean;
};

type Held<Answer> = { answer: Promise<Answer>; isDone: boolean };
