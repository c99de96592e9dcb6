import { describe, expect, it } from 'vitest';
import { RpcError } from '#libs/errors';
import { Cached } from './cached.ts';

function counting(answer: (key: string, call: number) => Promise<string>, options = {}) {
  const calls: string[] = [];
  const cached = new Cached<string>({
    load: (key) => {
      calls.push(key);
      return answer(key, calls.length);
    },
    freshMs: 60_000,
    staleMs: 60_000,
    maxEntries: 100,
    ...options,
  });
  return { cached, calls };
}

describe('cached look-up', () => {
  it('asks once for a key, however many look at once', async () => {
    const { cached, calls } = counting(async (key) => key.toUpperCase());
    const answers = await Promise.all([cached.get('a'), cached.get('a'), cached.get('b')]);
    expect(answers).toEqual(['A', 'A', 'B']);
    expect(await cached.get('a')).toBe('A');
    expect(calls).toEqual(['a', 'b']);
  });

  it('asks again after an expiry', async () => {
    const { cached } = counting(async (_, call) => `answer ${call}`);
    expect(await cached.get('a')).toBe('answer 1');
    cached.expire('a');
    expect(await cached.get('a')).toBe('answer 2');
  });

  it('asks again for every key after an expiry of all', async () => {
    const { cached, calls } = counting(async (key) => key);
    for (const key of ['a', 'b', 'c']) await cached.get(key);
    cached.expireAll();
    for (const key of ['a', 'b', 'c']) await cached.get(key);
    expect(calls).toEqual(['a', 'b', 'c', 'a', 'b', 'c']);
  });

  it('does not keep an answer that was on its way when the thing changed', async () => {
    let answerFirst = (_: string) => {};
    const first = new Promise<string>((resolve) => {
      answerFirst = resolve;
    });
    const { cached } = counting((_, call) => (call === 1 ? first : Promise.resolve('new')));
    const early = cached.get('a');
    cached.expire('a');
    expect(await cached.get('a')).toBe('new');
    answerFirst('old');
    await early;
    expect(await cached.get('a')).toBe('new');
  });

  it('uses what it knew while the service is away, and never when it is too old', async () => {
    const away = new RpcError('DEPENDENCY_DOWN');
    const answer = async (_: string, call: number) => {
      if (call > 1) throw away;
      return 'known';
    };
    const patient = counting(answer);
    await patient.cached.get('a');
    patient.cached.expire('a');
    expect(await patient.cached.get('a')).toBe('known');

    const strict = counting(answer, { staleMs: 0 });
    await strict.cached.get('a');
    strict.cached.expire('a');
    await expect(strict.cached.get('a')).rejects.toBe(away);
  });

  it('takes "not found" for an answer, not for an outage', async () => {
    const missing = new RpcError('MERCHANT_NOT_FOUND', { metadata: { id: 'a' } });
    const { cached, calls } = counting(async (_, call) => {
      if (call === 1) return 'there';
      throw missing;
    });
    await cached.get('a');
    cached.expire('a');
    await expect(cached.get('a')).rejects.toBe(missing);
    await expect(cached.get('a')).rejects.toBe(missing);
    expect(calls).toHaveLength(2);
  });
});
