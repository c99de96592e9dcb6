import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LabelKeys, LabelSigner, labelJwk, verifyLabel } from '#libs/label';
import { LabelFormat } from '#proto/queqiao/waybill/v1/label_service';
import { decodeCodes, pictureOfPng } from '#test/support/pictures';
import {
  type SeededMerchant,
  seedMerchant,
  type TestSystem,
  testSystem,
} from '#test/support/system';
import { render } from '../label.fixture.ts';
import { issue, keyOf } from './vault.fixture.ts';

let system: TestSystem;
let shop: SeededMerchant;

beforeAll(async () => {
  system = await testSystem();
  shop = await seedMerchant(system);
});
afterAll(() => system[Symbol.asyncDispose]());

async function keysFor(apiKey: string): Promise<LabelKeys> {
  const { keys } = await system.label(apiKey).getLabelKeys({});
  return new LabelKeys(
    keys.map(({ publicKey }) => labelJwk(Buffer.from(publicKey).toString('base64url'))),
  );
}

async function printedCode(requestId: string, waybillNumber: string): Promise<string> {
  const request = { requestId, items: [{ waybillNumber }], format: LabelFormat.PNG };
  const { files } = await render(system, shop.apiKey, request);
  const codes = await decodeCodes(await pictureOfPng(files.get(0) ?? Buffer.alloc(0)));
  return codes['QRCode'] ?? '';
}

describe('GetLabelKeys', () => {
  it('answers the keys to merchants and to couriers, who check what they are handed', async () => {
    const code = await printedCode(randomUUID(), await issue(system, shop, 'K-1'));
    const courier = await keyOf(system, 'courier', shop.courierId);
    for (const key of [shop.apiKey, courier, system.operatorKey]) {
      expect(verifyLabel(code, await keysFor(key)).isValid).toBe(true);
    }
    await expect(system.label('nobody').getLabelKeys({})).rejects.toMatchObject({
      reason: 'API_KEY_INVALID',
    });
  });

  it('goes on verifying labels of a key that was changed, and signs by the new one', async () => {
    const number = await issue(system, shop, 'K-2');
    const requestId = randomUUID();
    const before = await printedCode(requestId, number);
    const { labelSigner: old } = system.secrets;
    const labelSigner = new LabelSigner(Buffer.alloc(32, 9));
    await system.restart({ labelSigner, labelKeys: [labelSigner.publicJwk, old.publicJwk] });
    const keys = await keysFor(shop.apiKey);
    expect(verifyLabel(before, keys)).toMatchObject({ isValid: true, keyId: old.keyId });
    // The same print asked for again has its nonce and time, under the new key.
    const after = verifyLabel(await printedCode(requestId, number), keys);
    const { nonce, issueTime } = verifyLabel(before, keys) as Extract<
      ReturnType<typeof verifyLabel>,
      { isValid: true }
    >;
    expect(after).toMatchObject({ isValid: true, keyId: labelSigner.keyId, nonce, issueTime });
    // One that was stolen is left out.
    await system.restart({ labelSigner, labelKeys: [labelSigner.publicJwk] });
    expect(verifyLabel(before, await keysFor(shop.apiKey))).toMatchObject({
      isValid: false,
      reason: 'unknown_key',
    });
  });
});
