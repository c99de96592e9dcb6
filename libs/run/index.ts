// What a process needs to run and stop: the clock's type, signals, ordered closing, waiting with
// an AbortSignal, loops in the background and in turns, and where the package lies on disk.
// Does not log by itself and knows no service, database or network library.
export { type BackgroundOptions, background, type LoopLog } from './background.ts';
export { type Closable, closeInOrder } from './close.ts';
export { armCrashpoint, CRASHPOINTS, type Crashpoint, crashpoint } from './crashpoint.ts';
export { projectFile } from './project.ts';
export { untilSignal } from './signal.ts';
export { type BackoffOptions, backoff, type Clock, sleep } from './time.ts';
export { mapInTurns, turns } from './turns.ts';
