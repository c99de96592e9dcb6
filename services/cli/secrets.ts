import { randomBytes } from 'node:crypto';
import { mkdir, open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { LabelSigner, labelJwk } from '#libs/label';
import { createMasterKeyFile, Keyring, loadMasterKey } from '#libs/privacy';
import type { Secrets } from '../module.ts';
import type { Settings } from './settings.ts';

/**
 * The secrets of a running system: from the files that the settings name, else from the state
 * folder's `secrets/`, where missing ones are made. Whoever loses these files loses every API key
 * and every sealed consignee, so they belong into the backup, apart from the database's.
 */
export async function openSecrets(settings: Settings): Promise<Secrets> {
  const folder = join(settings.stateDir, 'secrets');
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const pepper = settings.apiKeyPepper ?? (await readOrMake(join(folder, 'api-key.pepper')));
  const service = settings.serviceSecret ?? (await readOrMake(join(folder, 'service.secret')));
  const label = settings.labelKey ?? (await readOrMake(join(folder, 'label.key')));
  const labelSigner = labelSignerOf(label);
  const masterKeyFile = settings.masterKeyFile ?? join(folder, 'master.key');
  if (settings.masterKeyFile === undefined) {
    await createMasterKeyFile(masterKeyFile).catch(unlessThere);
  }
  return {
    apiKeyPepper: Buffer.from(pepper),
    serviceSecret: service,
    keyring: new Keyring({
      current: await loadMasterKey(masterKeyFile),
      others: await Promise.all(settings.oldMasterKeyFiles.map(loadMasterKey)),
    }),
    labelSigner,
    labelKeys: [labelSigner.publicJwk, ...settings.oldLabelKeys.map(labelJwk)],
  };
}

function labelSignerOf(text: string): LabelSigner {
  const isHex = /^[0-9a-f]{64}$/i.test(text);
  const seed = Buffer.from(text, isHex ? 'hex' : 'base64');
  if (seed.length === 32) return new LabelSigner(seed);
  throw new Error('the file of QUEQIAO_LABEL_KEY_FILE must hold 32 bytes as hex or base64 text');
}

async function readOrMake(path: string): Promise<string> {
  try {
    const file = await open(path, 'wx', 0o600);
    try {
      await file.writeFile(`${randomBytes(32).toString('base64url')}\n`);
      await file.sync();
    } finally {
      await file.close();
    }
  } catch (error) {
    unlessThere(error);
  }
  return (await readFile(path, 'utf8')).trim();
}

function unlessThere(error: unknown): void {
  const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
  if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
}
