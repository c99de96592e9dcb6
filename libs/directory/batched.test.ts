import { expect, test } from 'vitest';
import { batched } from './batched.ts';

test('asks once for what is asked at once, group by group and so many at a time', async () => {
  const asked: string[] = [];
  const lookUp = batched<string>({
    max: 2,
    load: async (group, keys) => {
      asked.push(`${group}: ${keys.join(' ')}`);
      return keys.map((key) => `${group}-${key}`);
    },
  });
  const questions = ['a 1', 'a 2', 'b 1', 'a 3'].map((each) => each.split(' '));
  const answers = await Promise.all(questions.map(([group = '', key = '']) => lookUp(group, key)));
  expect(answers).toEqual(['a-1', 'a-2', 'b-1', 'a-3']);
  expect(asked).toEqual(['a: 1 2', 'a: 3', 'b: 1']);
  expect(await lookUp('a', '4')).toBe('a-4');
  expect(asked).toHaveLength(4);
});

test('fails all questions of a call that failed or answered too little, no others', async () => {
  const lookUp = batched<string>({
    max: 10,
    load: async (group, keys) => {
      if (group === 'away') throw new Error('away');
      return group === 'short' ? [] : keys;
    },
  });
  const outcomes = await Promise.allSettled([
    lookUp('away', '1'),
    lookUp('away', '2'),
    lookUp('short', '1'),
    lookUp('there', '1'),
  ]);
  expect(outcomes.map(({ status }) => status)).toEqual([
    ...['rejected', 'rejected', 'rejected', 'fulfilled'],
  ]);
});
