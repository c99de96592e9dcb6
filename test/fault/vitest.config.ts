import { mergeConfig } from 'vitest/config';
import base from '../vitest.config.ts';

// The faults alone, each for long, one after the other.
export default mergeConfig(base, {
  test: {
    env: { QUEQIAO_FAULT_TEST: 'long' },
    testTimeout: 30 * 60_000,
    hookTimeout: 10 * 60_000,
    maxWorkers: 1,
  },
});
