// Lets threads of a test run read .ts files, as Vitest lets the test itself: Node 20 does not.
// Threads inherit `--import` from the process of the test.
import { register } from 'node:module';
import { isMainThread } from 'node:worker_threads';

// In a thread alone: a process without one should not wait for it.
if (!isMainThread) register('./typescript-hooks.mjs', import.meta.url);
