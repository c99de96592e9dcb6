import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, expectTypeOf, it } from 'vitest';
import {
  ConfigError,
  durationMs,
  flag,
  integer,
  list,
  readConfig,
  secretFile,
  text,
  url,
} from './index.ts';

const folder = mkdtempSync(join(tmpdir(), 'config-'));

const shape = {
  NAME: text({ default: 'queqiao' }),
  PORT: integer({ min: 1, max: 65_535 }),
  GRACE_MS: durationMs({ default: 20_000, min: 0, max: 60_000 }),
  DATABASE_URL: url({ protocols: ['postgres:', 'postgresql:'] }),
  TARGETS: list({ default: ['all'], allowed: ['all', 'network', 'waybill'] }),
  PEPPER_FILE: secretFile(),
  REFLECTION: flag({ default: false }),
};

function secret(content: string): string {
  const file = join(folder, `secret-${content.length}`);
  writeFileSync(file, content);
  return file;
}

function problemsOf(env: Record<string, string>): readonly string[] {
  try {
    readConfig(env, shape);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

describe('readConfig', () => {
  const good = {
    PORT: '50051',
    DATABASE_URL: 'postgres://127.0.0.1/q',
    PEPPER_FILE: secret('pepper\n'),
  };

  it('answers typed values and written defaults', () => {
    const config = readConfig({ ...good, GRACE_MS: '2.5s', REFLECTION: 'true' }, shape);
    expect(config).toEqual({
      NAME: 'queqiao',
      PORT: 50_051,
      GRACE_MS: 2_500,
      DATABASE_URL: 'postgres://127.0.0.1/q',
      TARGETS: ['all'],
      PEPPER_FILE: 'pepper',
      REFLECTION: true,
    });
    expectTypeOf(config.PORT).toEqualTypeOf<number>();
    expectTypeOf(config.TARGETS).toEqualTypeOf<readonly ('all' | 'network' | 'waybill')[]>();
  });

  it('answers values that cannot be changed', () => {
    const config = readConfig(good, shape);
    expect(Object.isFrozen(config)).toBe(true);
    expect(Object.isFrozen(config.TARGETS)).toBe(true);
  });

  it('reports all problems at once, each in its line', () => {
    const problems = problemsOf({
      PORT: '70000',
      GRACE_MS: '5 weeks',
      DATABASE_URL: 'http://user:hidden@127.0.0.1',
      TARGETS: 'network,wybill',
      PEPPER_FILE: '/nowhere/pepper',
      REFLECTION: 'yes',
    });
    expect(problems).toEqual([
      'PORT: must be a whole number from 1 to 65535, not "70000"',
      'GRACE_MS: must be a duration from 0 ms to 60000 ms such as "5s", not "5 weeks"',
      'DATABASE_URL: must be a URL that begins with postgres: or postgresql:',
      'TARGETS: has "wybill"; known are all, network, waybill',
      'PEPPER_FILE: names a file that cannot be read, "/nowhere/pepper" (ENOENT)',
      'REFLECTION: must be true or false, not "yes"',
    ]);
    expect(new ConfigError(problems).message.split('\n')).toHaveLength(7);
  });

  it('takes an empty value for a missing one', () => {
    expect(problemsOf({ ...good, PORT: ' ' })).toEqual(['PORT: is missing']);
    expect(problemsOf({})).toEqual([
      'PORT: is missing',
      'DATABASE_URL: is missing',
      'PEPPER_FILE: is missing',
    ]);
  });

  it('refuses an empty secret and an empty list entry', () => {
    const env = { ...good, PEPPER_FILE: secret(''), TARGETS: 'network,' };
    expect(problemsOf(env)).toEqual([
      'TARGETS: has an empty entry',
      expect.stringMatching(/^PEPPER_FILE: names an empty file/),
    ]);
  });

  it('takes a number only if it is written as one and within its bounds', async () => {
    const one = { N: integer({ min: -5, max: 1_000 }) };
    await fc.assert(
      fc.property(fc.oneof(fc.integer().map(String), fc.string()), (raw) => {
        const value = /^-?\d+$/.test(raw.trim()) ? Number(raw) : Number.NaN;
        const read = () => readConfig({ N: raw }, one).N;
        if (value >= -5 && value <= 1_000) expect(read()).toBe(value);
        else expect(read).toThrow(ConfigError);
      }),
    );
  });
});
