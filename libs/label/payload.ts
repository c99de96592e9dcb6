import { randomBytes, sign, verify } from 'node:crypto';
import type { LabelKeys, LabelSigner } from './keys.ts';

/**
 * What the QR code of a label says, base64url of these bytes: version 1 · key id (4) · nonce (8) ·
 * issue time in seconds since 1970 (4, big-endian) · the waybill number in ASCII (5 to 32) · an
 * Ed25519 signature (64) of SIGNED_FOR and all bytes before it. Whoever has the list of public keys
 * checks it without asking anybody.
 */
export function signLabel(waybillNumber: string, signer: LabelSigner, print: Print): string {
  const number = Buffer.from(waybillNumber, 'latin1');
  if (!NUMBER.test(waybillNumber)) throw new RangeError('a waybill number is 5 to 32 of A-Z, 0-9');
  const bytes = Buffer.alloc(HEAD_BYTES + number.length + SIGNATURE_BYTES);
  bytes.writeUInt8(VERSION, 0);
  bytes.write(signer.keyId, 1, 'hex');
  bytes.set(print.nonce.subarray(0, NONCE_BYTES), 5);
  bytes.writeUInt32BE(Math.floor(print.issueTime.getTime() / 1000), 13);
  number.copy(bytes, HEAD_BYTES);
  const body = bytes.subarray(0, HEAD_BYTES + number.length);
  sign(null, Buffer.concat([SIGNED_FOR, body]), signer.privateKey).copy(bytes, body.length);
  return bytes.toString('base64url');
}

/** Whether a label is one of ours, and what it says. Asks nobody. */
export function verifyLabel(payload: string, keys: LabelKeys): Verified {
  const bytes = BASE64URL.test(payload) ? Buffer.from(payload, 'base64url') : Buffer.alloc(0);
  const numberBytes = bytes.length - HEAD_BYTES - SIGNATURE_BYTES;
  // A second writing of the same bytes is none of ours.
  if (numberBytes < 5 || numberBytes > 32 || bytes.toString('base64url') !== payload) {
    return { isValid: false, reason: 'malformed' };
  }
  if (bytes.readUInt8(0) !== VERSION) return { isValid: false, reason: 'unknown_version' };
  const keyId = bytes.toString('hex', 1, 5);
  const key = keys.find(keyId);
  if (key === undefined) return { isValid: false, reason: 'unknown_key', keyId };
  const body = bytes.subarray(0, HEAD_BYTES + numberBytes);
  const signature = bytes.subarray(body.length);
  if (!verify(null, Buffer.concat([SIGNED_FOR, body]), key, signature)) {
    return { isValid: false, reason: 'forged', keyId };
  }
  const waybillNumber = body.toString('latin1', HEAD_BYTES);
  const issueTime = new Date(bytes.readUInt32BE(13) * 1000);
  const nonce = bytes.toString('hex', 5, 13);
  return { isValid: true, keyId, waybillNumber, issueTime, nonce };
}

/** Makes every print of a label another one. */
export function newNonce(): Buffer {
  return randomBytes(NONCE_BYTES);
}

const VERSION = 1;
const HEAD_BYTES = 17;
const NONCE_BYTES = 8;
const SIGNATURE_BYTES = 64;
/** So that a signature of ours for something else is never one for a label. */
const SIGNED_FOR = Buffer.from('queqiao-label-v1\0', 'latin1');
const NUMBER = /^[A-Z0-9]{5,32}$/;
const BASE64URL = /^[A-Za-z0-9_-]{1,400}$/;

/** What makes one print of a label. */
export type Print = { readonly nonce: Uint8Array; readonly issueTime: Date };

export type Verified =
  | {
      readonly isValid: true;
      readonly keyId: string;
      readonly waybillNumber: string;
      readonly issueTime: Date;
      /** Of the print, in hexadecimal: names it in the list of prints. */
      readonly nonce: string;
    }
  | {
      readonly isValid: false;
      readonly reason: 'malformed' | 'unknown_version' | 'unknown_key' | 'forged';
      readonly keyId?: string;
    };
