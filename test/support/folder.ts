import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A temporary folder that other users may pass through; gone when it goes out of scope. */
export async function testFolder(mode = 0o711): Promise<AsyncDisposable & { path: string }> {
  const path = await mkdtemp(join(tmpdir(), 'queqiao-test-'));
  await chmod(path, mode);
  return {
    path,
    [Symbol.asyncDispose]: () => rm(path, { recursive: true, force: true, maxRetries: 3 }),
  };
}

/** Notes kept for the test to read. */
export function keptNotes(): {
  said: string[];
  info(text: string): void;
  warn(text: string): void;
} {
  const said: string[] = [];
  const keep = (text: string) => void said.push(text);
  return { said, info: keep, warn: keep };
}
