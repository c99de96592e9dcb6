import { stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { testFolder } from '#test/support/folder';
import { openState, readState, runningPid, writeState } from './state.ts';

const STATE = {
  grpcAddress: '127.0.0.1:50051',
  databaseUrl: 'postgres://queqiao:secret@127.0.0.1:5432/queqiao',
  natsUrl: undefined,
};

test('refuses a second Queqiao and names process and address of the first', async () => {
  await using folder = await testFolder();
  const dir = join(folder.path, '.queqiao');
  {
    await using state = await openState(dir);
    await writeState(state.dir, STATE);
    await expect(openState(dir)).rejects.toThrow(
      `Queqiao runs on ${dir} already (process ${process.pid}, gRPC on 127.0.0.1:50051).`,
    );
    expect(await runningPid(dir)).toBe(process.pid);
  }
  expect(await runningPid(dir)).toBeUndefined();
  await using again = await openState(dir);
  expect(again.dir).toBe(dir);
});

test('keeps secrets and addresses from other users', async () => {
  await using folder = await testFolder();
  await using state = await openState(join(folder.path, '.queqiao'));
  await writeState(state.dir, STATE);
  const modes = [state.dir, state.secretsDir, join(state.dir, 'local.json')].map(
    async (path) => (await stat(path)).mode & 0o777,
  );
  // Root's Postgres runs as another user and must pass through, without reading.
  const pass = process.getuid?.() === 0 ? 0o711 : 0o700;
  expect(await Promise.all(modes)).toEqual([pass, 0o700, 0o600]);
});

test('reads back what was written last, also after the end', async () => {
  await using folder = await testFolder();
  await writeState(folder.path, STATE);
  await writeState(folder.path, { ...STATE, natsUrl: 'nats://127.0.0.1:4222' });
  expect(await readState(folder.path)).toEqual({ ...STATE, natsUrl: 'nats://127.0.0.1:4222' });
});

test('knows nothing of a folder where Queqiao never ran', async () => {
  await using folder = await testFolder();
  expect(await readState(folder.path)).toBeUndefined();
  expect(await runningPid(folder.path)).toBeUndefined();
  expect(await readState(join(folder.path, 'nowhere'))).toBeUndefined();
  expect(await runningPid(join(folder.path, 'nowhere'))).toBeUndefined();
});

test.each(['', '[]', 'null', '{"grpcAddress": 1}'])('reports a damaged file: %j', async (text) => {
  await using folder = await testFolder();
  await writeFile(join(folder.path, 'local.json'), text);
  await expect(readState(folder.path)).rejects.toThrow('is damaged. Start Queqiao again');
});

test('says what to do with a folder that cannot be made', async () => {
  await using folder = await testFolder();
  await writeFile(join(folder.path, 'file'), '');
  await expect(openState(join(folder.path, 'file', 'state'))).rejects.toThrow(
    /cannot be used \(ENOTDIR\).*QUEQIAO_STATE_DIR/,
  );
});
