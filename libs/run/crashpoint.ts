/**
 * Places between two steps at which a test may end the process, as a power cut would. Nothing
 * happens at any of them unless one was armed, which only the setting QUEQIAO_CRASH_AT does.
 */
export const CRASHPOINTS = [
  /** Numbers are wanted, none is taken. */
  'before_take',
  /** Numbers are taken, their rows exist nowhere. */
  'after_take',
  /** A lease is committed, no number of it is taken. */
  'after_lease_before_use',
  /** Rows are made, the database has not heard of them. */
  'before_insert',
  /** Rows and events are committed, nobody was told. */
  'after_commit_before_reply',
  /** A data key is committed, nothing is sealed with it. */
  'after_data_key_before_use',
  /** Events were read from the outbox, the stream has not heard of them. */
  'before_publish',
  /** The stream has the events, the position does not say so. */
  'after_publish_before_move',
  /** On stop: the last row is written, no lease is handed back. */
  'before_hand_back',
  /** On stop: one lease is handed back, the next is not. */
  'between_hand_backs',
] as const;

/** Ends this process here if the point is the armed one. */
export function crashpoint(point: Crashpoint): void {
  if (armed === undefined || armed.point !== point) return;
  armed.passes -= 1;
  if (armed.passes <= 0) process.kill(process.pid, 'SIGKILL');
}

/** `passes` 1 crashes at the first time, 2 at the second. For tests of faults alone. */
export function armCrashpoint(point: Crashpoint, passes = 1): void {
  armed = { point, passes };
}

let armed: { point: Crashpoint; passes: number } | undefined;

export type Crashpoint = (typeof CRASHPOINTS)[number];
