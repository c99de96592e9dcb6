import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { Label } from './label.ts';
import type { LabelForm } from './label-file.ts';
import type { PressTasks, Task, TaskAnswer } from './press-worker.ts';

/**
 * Draws labels in a thread of its own, which begins with the first task: a picture takes 20 ms, for
 * which calls would otherwise wait. Should the thread break down, the files that it was drawing
 * fail and the next ones get a new thread.
 */
export class LabelPress implements AsyncDisposable {
  #thread: PressThread | undefined;
  #isClosed = false;

  /** Begins a file. */
  open(form: LabelForm): PressFile {
    return new PressFile(this.#running(), form);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    await this.#thread?.end();
  }

  #running(): PressThread {
    if (this.#isClosed) throw new Error('the press is closed');
    if (this.#thread === undefined || this.#thread.isOver) this.#thread = new PressThread();
    return this.#thread;
  }
}

/** A file that is being drawn. Whoever waits for each answer has one task in the thread's queue. */
export class PressFile implements Disposable {
  readonly #thread: PressThread;
  readonly #form: LabelForm;
  readonly #fileId: number;
  #isOpen = true;

  constructor(thread: PressThread, { format, size, dpi }: LabelForm) {
    this.#thread = thread;
    // Goes along with each task: what else the caller holds would be copied every time.
    this.#form = { format, size, dpi };
    this.#fileId = thread.nextFileId();
  }

  /** Draws labels; answers for each what is ready: of PNG its picture, else the next part. */
  draw(labels: readonly Label[]): Promise<(Uint8Array | undefined)[]> {
    return this.#thread.do('draw', this.#fileId, this.#form, labels);
  }

  /** What is left of the file; nothing of one without a label, of ZPL and of PNG. */
  end(): Promise<Uint8Array | undefined> {
    this.#isOpen = false;
    return this.#thread.do('end', this.#fileId);
  }

  /** Lets go of a file that nobody waits for any more. */
  [Symbol.dispose](): void {
    if (this.#isOpen) this.end().catch(() => undefined);
  }
}

class PressThread {
  readonly #worker = new Worker(WORKER);
  readonly #waiting = new Map<number, Waiting>();
  #lastId = 0;
  #failure: Error | undefined;

  constructor() {
    this.#worker.on('message', ({ taskId, result, error }: TaskAnswer) => {
      const waiting = this.#waiting.get(taskId);
      this.#waiting.delete(taskId);
      if (error === undefined) waiting?.resolve(result);
      else waiting?.reject(error);
    });
    this.#worker.on('error', (cause) => this.#fail(cause));
    this.#worker.on('exit', (code) => this.#fail(new Error(`exit code ${code}`)));
  }

  get isOver(): boolean {
    return this.#failure !== undefined;
  }

  nextFileId(): number {
    this.#lastId += 1;
    return this.#lastId;
  }

  do<Name extends keyof PressTasks>(
    name: Name,
    ...args: Parameters<PressTasks[Name]>
  ): Promise<ReturnType<PressTasks[Name]>> {
    if (this.#failure !== undefined) return Promise.reject(this.#failure);
    this.#lastId += 1;
    const taskId = this.#lastId;
    return new Promise((resolve, reject) => {
      this.#waiting.set(taskId, { resolve: resolve as Waiting['resolve'], reject });
      this.#worker.postMessage({ taskId, name, args } satisfies Task);
    });
  }

  async end(): Promise<void> {
    await this.#worker.terminate();
  }

  #fail(cause: unknown): void {
    this.#failure ??= new Error('the thread that draws labels has ended', { cause });
    for (const { reject } of this.#waiting.values()) reject(this.#failure);
    this.#waiting.clear();
  }
}

/** Beside this file, from the sources as from dist. */
const WORKER = new URL(`./press-worker${extname(import.meta.url)}`, import.meta.url);

type Waiting = { resolve(value: unknown): void; reject(error: unknown): void };
