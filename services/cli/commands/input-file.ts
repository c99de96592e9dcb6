import { createReadStream } from 'node:fs';
import { open } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import type { CliContext } from '../context.ts';
import { fileProblem, placeOf } from '../orders.ts';

/** A file that is read from end to end, "-" for standard input. */
export async function openInput({ stdin }: CliContext, file: string): Promise<Input> {
  if (file === '-') return inputOf(stdin, { name: 'stdin', totalBytes: undefined });
  try {
    const handle = await open(file);
    const stat = await handle.stat();
    const totalBytes = stat.isFile() ? stat.size : undefined;
    const stream = createReadStream('', { fd: handle, highWaterMark: READ_BYTES });
    return inputOf(stream, { name: file, totalBytes });
  } catch (error) {
    throw fileProblem('UNREADABLE', placeOf('file'), { cause: (error as Error).message });
  }
}

function inputOf(
  stream: Readable,
  { name, totalBytes }: Pick<Input, 'name' | 'totalBytes'>,
): Input {
  let bytesRead = 0;
  return {
    name,
    totalBytes,
    bytesRead: () => bytesRead,
    async *bytes() {
      try {
        for await (const chunk of stream) {
          bytesRead += chunk.length;
          yield chunk;
        }
      } catch (error) {
        throw fileProblem('UNREADABLE', placeOf('file'), { cause: (error as Error).message });
      }
    },
    // Destroyed with an error, so that the reader does not take it for the end of the file.
    stop: () => stream.destroy(new Error('stopped')),
    async [Symbol.asyncDispose]() {
      stream.on('error', () => undefined);
      stream.destroy();
    },
  };
}

const READ_BYTES = 1 << 18;

export type Input = AsyncDisposable & {
  /** What the result file is named after. */
  name: string;
  totalBytes: number | undefined;
  bytesRead(): number;
  bytes(): AsyncGenerator<Uint8Array>;
  stop(): void;
};
