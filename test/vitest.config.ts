import { resolve } from 'node:path';
import { defineConfig } from 'vitest/config';

const root = resolve(import.meta.dirname, '..');

// `source` makes #libs/x mean ./libs/x/index.ts and not the compiled file in dist.
const conditions = ['source', 'node'];

// Vitest reads its configuration from a default export.
export default defineConfig({
  root,
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  // The global set-up runs in an environment of its own.
  environments: { __vitest__: { resolve: { conditions } } },
  // Node 20 and 22 do not parse `await using`.
  oxc: { target: 'es2022' },
  test: {
    include: ['{libs,services,deploy,test}/**/*.test.ts'],
    globalSetup: ['test/support/global-setup.ts'],
    // Processes, not threads: tests send signals and load native code. Two cores run the tests,
    // Postgres and nats-server.
    pool: 'forks',
    maxWorkers: 2,
    execArgv: ['--import', resolve(root, 'test/support/typescript-threads.mjs')],
    // Far above what any test takes: a limit for what hangs, not a measure.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    reporters: ['default'],
  },
});
