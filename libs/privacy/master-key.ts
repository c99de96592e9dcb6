import { createHash, createSecretKey, type KeyObject, randomBytes } from 'node:crypto';
import { link, open as openFile, rm, writeFile } from 'node:fs/promises';
import { open, seal } from './seal.ts';

const KEY_BYTES = 32;

/** Separates wrapped keys from sealed consignees: neither opens as the other. */
const WRAP_AAD_PREFIX = 'queqiao data key ';

/** Reads a key file made by createMasterKeyFile, or 32 bytes of your own as hex or base64 text. */
export async function loadMasterKey(path: string): Promise<MasterKey> {
  const file = await openFile(path, 'r').catch((cause: NodeJS.ErrnoException) => {
    throw new Error(`master key file ${path} cannot be read (${cause.code})`, { cause });
  });
  try {
    // The same open file is checked and read, so it cannot be exchanged in between.
    const { mode } = await file.stat();
    if ((mode & 0o077) !== 0) {
      throw new Error(`master key file ${path} is open to other users; run: chmod 600 ${path}`);
    }
    const text = await file.readFile('utf8');
    return masterKeyOf(decodeKey(text.trim(), path));
  } finally {
    await file.close();
  }
}

/**
 * Writes a fresh master key that only the owner may read. Refuses to overwrite: whoever loses this
 * file has lost every consignee sealed under it.
 */
export async function createMasterKeyFile(path: string): Promise<void> {
  const draft = `${path}.${process.pid}.${randomBytes(4).toString('hex')}`;
  try {
    await writeFile(draft, `${randomBytes(KEY_BYTES).toString('base64')}\n`, {
      mode: 0o600,
      flag: 'wx',
      flush: true,
    });
    // link() refuses an existing name, and the file appears whole: a process that starts at the
    // same time never reads half a key.
    await link(draft, path);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    const problem = code === 'EEXIST' ? 'exists already' : `cannot be made (${code})`;
    throw new Error(`master key file ${path} ${problem}`, { cause });
  } finally {
    await rm(draft, { force: true });
  }
}

function decodeKey(text: string, path: string): KeyObject {
  const isHex = /^[0-9a-f]{64}$/i.test(text);
  const isBase64 = /^[A-Za-z0-9+/]{43}=?$/.test(text);
  if (!isHex && !isBase64) {
    throw new Error(`master key file ${path} must hold 32 bytes as hex or base64 text`);
  }
  return createSecretKey(Buffer.from(text, isHex ? 'hex' : 'base64'));
}

function masterKeyOf(key: KeyObject): MasterKey {
  const keyId = createHash('sha256').update('queqiao master key id').update(key.export());
  const id = keyId.digest('hex').slice(0, 16);
  const aad = Buffer.from(WRAP_AAD_PREFIX + id);
  return {
    keyId: id,
    wrap: async (dataKey) => seal(key, dataKey.export(), aad),
    unwrap: async (wrapped) => createSecretKey(open(key, wrapped, aad)),
  };
}

/**
 * Wraps data keys: a key file here, a key management service elsewhere. Rejects with a retryable
 * RpcError when it cannot be asked at the moment; a Keyring asks again then.
 */
export type MasterKey = {
  /** Names the key without telling it; stored beside what it wrapped. */
  readonly keyId: string;
  wrap(dataKey: KeyObject, signal?: AbortSignal): Promise<Uint8Array>;
  /** Rejects if `wrapped` was changed or wrapped by another key. */
  unwrap(wrapped: Uint8Array, signal?: AbortSignal): Promise<KeyObject>;
};
