import { createSecretKey, randomBytes } from 'node:crypto';
import { chmod, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  createMasterKeyFile,
  Keyring,
  loadMasterKey,
  newDataKey,
  open,
  SEAL_OVERHEAD_BYTES,
  seal,
} from './index.ts';

const key = createSecretKey(randomBytes(32));
const aad = Buffer.from('bucket 7, number 42');
const secret = 'CANARY 张三 13812345678';

describe('seal and open', () => {
  it('gives back what was sealed', () => {
    const bytes = fc.uint8Array({ maxLength: 500 });
    fc.assert(
      fc.property(bytes, bytes, (plain, place) => {
        const sealed = seal(key, plain, place);
        expect(sealed.length).toBe(plain.length + SEAL_OVERHEAD_BYTES);
        expect(open(key, sealed, place)).toEqual(Buffer.from(plain));
      }),
    );
  });

  it('does not open when any bit, the key or the place has changed, and says nothing of it', () => {
    const sealed = seal(key, Buffer.from(secret), aad);
    for (let bit = 0; bit < sealed.length * 8; bit++) {
      const tampered = Buffer.from(sealed);
      tampered[bit >> 3] = (tampered[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(failure(() => open(key, tampered, aad))).not.toContain('CANARY');
    }
    failure(() => open(createSecretKey(randomBytes(32)), sealed, aad));
    failure(() => open(key, sealed, Buffer.from('bucket 7, number 43')));
    for (let length = 0; length < sealed.length; length++) {
      failure(() => open(key, sealed.subarray(0, length), aad));
    }
    // The check bites: the untouched text opens.
    expect(open(key, sealed, aad).toString()).toBe(secret);
  });

  it('never uses a nonce twice', () => {
    const count = 5000;
    const nonces = new Set<string>();
    for (let index = 0; index < count; index++) {
      nonces.add(seal(key, Buffer.of(1), aad).subarray(1, 13).toString('hex'));
    }
    expect(nonces.size).toBe(count);
  });
});

describe('the master key file', () => {
  let folder = '';
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'queqiao-key-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  it('is readable by its owner alone and wraps data keys that open again', async () => {
    const path = join(folder, 'first');
    await createMasterKeyFile(path);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    const masterKey = await loadMasterKey(path);
    const { key: dataKey, wrapped } = await newDataKey(new Keyring({ current: masterKey }));
    expect((await masterKey.unwrap(wrapped)).equals(dataKey)).toBe(true);
    expect((await loadMasterKey(path)).keyId).toBe(masterKey.keyId);
    expect(await readFile(path, 'utf8')).not.toContain(masterKey.keyId);
    const another = await masterKey.wrap(dataKey);
    expect(Buffer.from(another).equals(wrapped)).toBe(false);
  });

  it('does not unwrap what another key wrapped, or what is no wrapped key', async () => {
    await createMasterKeyFile(join(folder, 'a'));
    await createMasterKeyFile(join(folder, 'b'));
    const a = await loadMasterKey(join(folder, 'a'));
    const b = await loadMasterKey(join(folder, 'b'));
    expect(a.keyId).not.toBe(b.keyId);
    const { key: dataKey, wrapped } = await newDataKey(new Keyring({ current: a }));
    await expect(b.unwrap(wrapped)).rejects.toThrow(/does not open/);
    await expect(a.unwrap(seal(dataKey, Buffer.alloc(32), aad))).rejects.toThrow(/does not open/);
  });

  it('is never overwritten, not even by one that starts at the same time', async () => {
    const path = join(folder, 'raced');
    const made = await Promise.allSettled(
      Array.from({ length: 8 }, () => createMasterKeyFile(path)),
    );
    expect(made.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    const before = await readFile(path, 'utf8');
    await expect(createMasterKeyFile(path)).rejects.toThrow(/exists already/);
    expect(await readFile(path, 'utf8')).toBe(before);
  });

  it('is refused when others may read it, with the command that helps', async () => {
    const path = join(folder, 'open');
    await createMasterKeyFile(path);
    for (const mode of [0o644, 0o640, 0o604, 0o620]) {
      await chmod(path, mode);
      await expect(loadMasterKey(path)).rejects.toThrow(`chmod 600 ${path}`);
    }
    await chmod(path, 0o600);
    await loadMasterKey(path);
  });

  it('may hold hex or base64; anything else is refused and not quoted', async () => {
    const bytes = randomBytes(32);
    const ids = new Set<string>();
    for (const text of [
      bytes.toString('hex'),
      bytes.toString('base64'),
      `${bytes.toString('hex')}\n`,
    ]) {
      const path = join(folder, `given-${ids.size}-${text.length}`);
      await writeFile(path, text, { mode: 0o600 });
      ids.add((await loadMasterKey(path)).keyId);
    }
    expect(ids.size).toBe(1);
    for (const wrong of [
      '',
      'CANARY',
      randomBytes(31).toString('hex'),
      randomBytes(33).toString('base64'),
    ]) {
      const path = join(folder, `wrong-${wrong.length}`);
      await writeFile(path, wrong, { mode: 0o600 });
      await expect(loadMasterKey(path)).rejects.toThrow(/must hold 32 bytes/);
      await expect(loadMasterKey(path)).rejects.not.toThrow(/CANARY/);
    }
    await expect(loadMasterKey(join(folder, 'missing'))).rejects.toThrow(/ENOENT/);
  });
});

function failure(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    return `${(error as Error).stack} ${String((error as Error).cause)}`;
  }
  throw new Error('it opened');
}
