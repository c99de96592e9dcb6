import { createHash, createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';

/** Signs labels; its public half is in the list that verifies them. */
export class LabelSigner {
  readonly keyId: string;
  readonly privateKey: KeyObject;
  readonly publicJwk: LabelJwk;

  /** `seed` is 32 secret bytes, which are an Ed25519 private key (RFC 8032). */
  constructor(seed: Uint8Array) {
    if (seed.length !== SEED_BYTES) throw new RangeError('a label key is 32 bytes');
    const key = Buffer.concat([PKCS8_HEAD, seed]);
    this.privateKey = createPrivateKey({ key, format: 'der', type: 'pkcs8' });
    const { x = '' } = createPublicKey(this.privateKey).export({ format: 'jwk' });
    this.publicJwk = labelJwk(x);
    this.keyId = this.publicJwk.kid;
  }
}

/** A public key from its 32 bytes in base64url. */
export function labelJwk(x: string): LabelJwk {
  if (Buffer.from(x, 'base64url').length !== SEED_BYTES) {
    throw new RangeError(`a public key of labels is 32 bytes in base64url, not ${x}`);
  }
  return { kty: 'OKP', crv: 'Ed25519', use: 'sig', kid: keyIdOf(x), x };
}

/**
 * Public keys of labels. As a file it is a JSON Web Key Set (RFC 7517, RFC 8037):
 * {"keys":[{"kty":"OKP","crv":"Ed25519","use":"sig","kid":"1f0c22ab","x":"…"}]}. Labels of a key
 * that is not in it are not ours: a stolen key is taken out.
 */
export class LabelKeys {
  readonly #keys = new Map<string, KeyObject>();

  constructor(keys: readonly LabelJwk[]) {
    for (const { kty, crv, x, kid } of keys) {
      if (kid !== keyIdOf(x)) throw new RangeError(`label key ${kid} is not the id of its key`);
      this.#keys.set(kid, createPublicKey({ key: { kty, crv, x }, format: 'jwk' }));
    }
  }

  static parse(json: string): LabelKeys {
    const parsed: unknown = JSON.parse(json);
    const keys = typeof parsed === 'object' && parsed !== null && 'keys' in parsed && parsed.keys;
    if (!Array.isArray(keys)) throw new RangeError('a list of label keys has "keys"');
    // A set may hold keys of others; RFC 7517 says to leave out what one does not know.
    return new LabelKeys(keys.filter(isLabelJwk));
  }

  find(keyId: string): KeyObject | undefined {
    return this.#keys.get(keyId);
  }
}

function isLabelJwk(key: unknown): key is LabelJwk {
  if (typeof key !== 'object' || key === null) return false;
  const { kty, crv, x, kid } = key as Record<string, unknown>;
  return kty === 'OKP' && crv === 'Ed25519' && typeof x === 'string' && typeof kid === 'string';
}

/** Names a public key: the first 4 bytes of the SHA-256 of its 32 bytes, in hexadecimal. */
function keyIdOf(x: string): string {
  return createHash('sha256').update(x, 'base64url').digest('hex').slice(0, 8);
}

const SEED_BYTES = 32;
/** What stands before the 32 bytes of an Ed25519 private key in PKCS #8 (RFC 8410). */
const PKCS8_HEAD = Buffer.from('302e020100300506032b657004220420', 'hex');

/** A public key as in a JSON Web Key Set. */
export type LabelJwk = {
  readonly kty: 'OKP';
  readonly crv: 'Ed25519';
  readonly use: 'sig';
  readonly kid: string;
  readonly x: string;
};
