import { createSecretKey, randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RpcError } from '#libs/errors';
import {
  createMasterKeyFile,
  Keyring,
  loadMasterKey,
  type MasterKey,
  newDataKey,
} from './index.ts';

let folder = '';
const keys: MasterKey[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'queqiao-ring-'));
  for (const name of ['a', 'b', 'c']) {
    await createMasterKeyFile(join(folder, name));
    keys.push(await loadMasterKey(join(folder, name)));
  }
});
afterAll(() => rm(folder, { recursive: true }));

function key(index: number): MasterKey {
  return keys[index] as MasterKey;
}

describe('a keyring', () => {
  it('wraps by the current key and opens by the one that is named', async () => {
    const before = await newDataKey(new Keyring({ current: key(0) }));
    const ring = new Keyring({ current: key(1), others: [key(0)] });
    const now = await newDataKey(ring);
    expect(before.masterKeyId).toBe(key(0).keyId);
    expect(now.masterKeyId).toBe(key(1).keyId);
    expect((await ring.unwrap(before)).equals(before.key)).toBe(true);
    expect((await ring.unwrap(now)).equals(now.key)).toBe(true);
  });

  it('says which key it lacks', async () => {
    const wrapped = await newDataKey(new Keyring({ current: key(2) }));
    const ring = new Keyring({ current: key(1), others: [key(0)] });
    await expect(ring.unwrap(wrapped)).rejects.toMatchObject({
      reason: 'MASTER_KEY_MISSING',
      metadata: { id: key(2).keyId },
    });
  });

  it('does not ask again when a key refuses', async () => {
    const wrapped = await newDataKey(new Keyring({ current: key(0) }));
    const service = remote(key(0), []);
    const ring = new Keyring({ current: service });
    const damaged = { ...wrapped, wrapped: Buffer.alloc(61, 1) };
    await expect(ring.unwrap(damaged)).rejects.toThrow(/does not open/);
    expect(service.asked).toBe(1);
  });
});

describe('a key service across the network', () => {
  const data = createSecretKey(randomBytes(32));
  const away = () => Promise.reject(new RpcError('DEPENDENCY_DOWN'));
  const silent = () => new Promise<never>(() => undefined);

  it('is asked again when it fails or is silent', async () => {
    const service = remote(key(0), [away, silent]);
    const ring = new Keyring({ current: service, tryTimeoutMs: 20 });
    const wrapped = await ring.wrap(data);
    expect(service.asked).toBe(3);
    expect((await ring.unwrap(wrapped)).equals(data)).toBe(true);
  });

  it('is asked three times, then the call fails with a reason to come back', async () => {
    for (const fault of [away, silent]) {
      const service = remote(key(0), [fault, fault, fault, fault]);
      const ring = new Keyring({ current: service, tryTimeoutMs: 20 });
      await expect(ring.wrap(data)).rejects.toMatchObject({
        reason: 'DEPENDENCY_DOWN',
        retryable: true,
      });
      expect(service.asked).toBe(3);
    }
  });

  it('is told when nobody waits any more', async () => {
    const signals: AbortSignal[] = [];
    const service = remote(key(0), [silent, silent, silent], signals);
    const ring = new Keyring({ current: service, tryTimeoutMs: 20 });
    await ring.wrap(data).catch(() => undefined);
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, true, true]);
  });
});

/** A key service that does each of `faults` once before it works. */
function remote(
  real: MasterKey,
  faults: (() => Promise<never>)[],
  signals: AbortSignal[] = [],
): MasterKey & { asked: number } {
  const left = [...faults];
  const service = {
    keyId: real.keyId,
    asked: 0,
    wrap: (dataKey: Parameters<MasterKey['wrap']>[0], signal?: AbortSignal) =>
      ask(() => real.wrap(dataKey), signal),
    unwrap: (wrapped: Uint8Array, signal?: AbortSignal) => ask(() => real.unwrap(wrapped), signal),
  };
  async function ask<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    service.asked += 1;
    if (signal) signals.push(signal);
    const fault = left.shift();
    return fault === undefined ? await work() : await fault();
  }
  return service;
}
