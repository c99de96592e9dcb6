import type { Readable, Writable } from 'node:stream';

/** What a command works with, so that tests can run it in their own process. */
export type CliContext = {
  stdin: Readable;
  stdout: Writable & { isTTY?: boolean; columns?: number };
  stderr: Writable & { isTTY?: boolean; columns?: number };
  env: NodeJS.ProcessEnv;
  /**
   * Where the services are and by which key; throws a sentence that says what to set. With
   * 'operator' the key of the local system's operator comes before the demo merchant's.
   */
  connection(as?: 'operator'): Connection;
  now: () => Date;
  /** Status the process shall end with; set by commands, 0 if none does. */
  exitCode?: number;
  /** Resolves when the user interrupts, or when `end` is aborted. Default: SIGINT and SIGTERM. */
  untilInterrupt?(end: AbortSignal): Promise<unknown>;
};

export type Connection = {
  /** host:port of the gRPC server. */
  address: string;
  apiKey: string;
  natsUrl: string | undefined;
};
