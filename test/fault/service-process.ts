import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { guard } from '../support/guard.ts';

const PROGRAM = 'dist/services/cli/main.js';
const READY_MS = 60_000;

/** `queqiao serve` as a process of its own, from dist, that tests kill and start again. */
export class ServiceProcess implements AsyncDisposable {
  readonly #env: NodeJS.ProcessEnv;
  readonly #logFile: string;
  #child: ChildProcess | undefined;
  #guard: Disposable | undefined;

  constructor(env: NodeJS.ProcessEnv, logFile: string) {
    this.#env = env;
    this.#logFile = logFile;
  }

  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  get isRunning(): boolean {
    return this.#child !== undefined && this.#child.exitCode === null && !this.#child.signalCode;
  }

  /** The signal that ended it, null if it ended by itself. */
  get endSignal(): NodeJS.Signals | null {
    return this.#child?.signalCode ?? null;
  }

  /** All that every life of it has logged. */
  log(): string {
    return readFileSync(this.#logFile, 'utf8');
  }

  /** Starts it and waits until it serves; `env` is added to the settings for this life. */
  async start(env: NodeJS.ProcessEnv = {}): Promise<void> {
    const fd = openSync(this.#logFile, 'a');
    const before = this.log().length;
    const args = ['--max-old-space-size=512', PROGRAM, 'serve'];
    const child = spawn(process.execPath, args, {
      env: { ...process.env, ...this.#env, ...env },
      stdio: ['ignore', fd, fd],
    });
    closeSync(fd);
    this.#child = child;
    this.#guard = guard({ pids: [child.pid ?? 0], folder: `${this.#logFile}.none` });
    const endMs = performance.now() + READY_MS;
    while (!this.log().slice(before).includes('Queqiao serves')) {
      // Publishing what an earlier life left, it may come to its end before it serves.
      if (this.endSignal === 'SIGKILL' && env['QUEQIAO_CRASH_AT'] !== undefined) return;
      if (!this.isRunning || performance.now() > endMs) {
        throw new Error(`The service does not start: ${this.log().slice(before)}`);
      }
      await sleep(20);
    }
  }

  /** kill -9. */
  async kill(): Promise<void> {
    this.#child?.kill('SIGKILL');
    await this.ended();
  }

  /** SIGTERM; answers its exit status, null if a signal ended it. */
  async stop(): Promise<number | null> {
    this.#child?.kill('SIGTERM');
    await this.ended();
    return this.#child?.exitCode ?? null;
  }

  /** Waits until it is gone, whoever ends it. */
  async ended(): Promise<void> {
    if (this.isRunning) await once(this.#child as ChildProcess, 'exit');
    this.#guard?.[Symbol.dispose]();
    this.#guard = undefined;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.kill();
  }
}
