import type { Setting } from './setting.ts';

/**
 * Reads every setting of `shape` from `env`, such as `process.env`. An empty value counts as
 * missing. Throws one ConfigError that lists all problems.
 */
export function readConfig<Shape extends Record<string, Setting<unknown>>>(
  env: Readonly<Record<string, string | undefined>>,
  shape: Shape,
): ConfigOf<Shape> {
  const values: Record<string, unknown> = {};
  const problems: string[] = [];
  for (const [key, setting] of Object.entries(shape)) {
    const raw = env[key]?.trim() || undefined;
    const result = setting.schema.safeParse(raw);
    if (result.success) values[key] = deepFreeze(result.data);
    else for (const issue of result.error.issues) problems.push(`${key}: ${issue.message}`);
  }
  if (problems.length > 0) throw new ConfigError(problems);
  return Object.freeze(values) as ConfigOf<Shape>;
}

/** The settings are wrong. The message has one line for each problem and no secret. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError';
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    const head =
      problems.length === 1 ? 'A setting is wrong' : `${problems.length} settings are wrong`;
    super([`${head}:`, ...problems.map((problem) => `  ${problem}`)].join('\n'));
    this.problems = problems;
  }
}

function deepFreeze<T>(value: T): T {
  return typeof value === 'object' ? Object.freeze(value) : value;
}

export type ConfigOf<Shape> = {
  readonly [Key in keyof Shape]: Shape[Key] extends Setting<infer Value> ? Value : never;
};
