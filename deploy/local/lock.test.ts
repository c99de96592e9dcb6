import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { testFolder } from '#test/support/folder';
import { installLocal } from '#test/support/local-install';
import { LockHeld, lockOwner, takeLock } from './lock.ts';
import { startMark, stopProcess } from './process.ts';

const HOLDER = `
import { takeLock } from './local/lock.js';
await takeLock(process.argv[2]);
console.log('{}');
process.stdin.resume();
`;

test('is refused while its owner runs, and names the owner', async () => {
  await using folder = await testFolder();
  const install = await installLocal(folder.path, 'linked');
  await using holder = await install.run(HOLDER, { args: [folder.path] });
  await holder.next();
  const refusal = await takeLock(folder.path).catch((error) => error);
  expect(refusal).toBeInstanceOf(LockHeld);
  expect(refusal.pid).toBe(holder.child.pid);
  expect(await lockOwner(folder.path)).toBe(holder.child.pid);
});

test('is taken over when its owner was killed', async () => {
  await using folder = await testFolder();
  const install = await installLocal(folder.path, 'linked');
  const holder = await install.run(HOLDER, { args: [folder.path] });
  await holder.next();
  await stopProcess(holder.child.pid ?? 0, [{ signal: 'SIGKILL', waitMs: 5_000 }]);
  expect(await lockOwner(folder.path)).toBeUndefined();
  await takeLock(folder.path);
  expect(await lockOwner(folder.path)).toBe(process.pid);
});

test('is free after release', async () => {
  await using folder = await testFolder();
  const lock = await takeLock(folder.path);
  await lock.release();
  expect(await lockOwner(folder.path)).toBeUndefined();
  await takeLock(folder.path);
});

test('is not held by a later process with the pid of its dead owner', async () => {
  await using folder = await testFolder();
  const owner = { pid: process.pid, mark: 'an earlier boot:1' };
  await writeFile(join(folder.path, 'lock.4'), JSON.stringify(owner));
  await takeLock(folder.path);
  // The twin: with the right mark the same file is a held lock.
  await writeFile(
    join(folder.path, 'lock.9'),
    JSON.stringify({ pid: process.pid, mark: startMark(process.pid) }),
  );
  await expect(takeLock(folder.path)).rejects.toThrow(LockHeld);
});

test('is not held by a file that was cut short', async () => {
  await using folder = await testFolder();
  await writeFile(join(folder.path, 'lock.1'), '{"pid":');
  await takeLock(folder.path);
});

test('goes to exactly one of many who find a dead owner at once', async () => {
  await using folder = await testFolder();
  for (let round = 0; round < 20; round += 1) {
    const tries = await Promise.allSettled(Array.from({ length: 20 }, () => takeLock(folder.path)));
    const won = tries.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
    expect(won).toHaveLength(1);
    await won[0]?.release();
  }
  // Neither old locks nor drafts pile up.
  expect(await readdir(folder.path)).toHaveLength(1);
});
