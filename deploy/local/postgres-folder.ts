import { createHash } from 'node:crypto';
import { chmod, chown, mkdir, readFile, realpath, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Account, accountFor, firstBarrier } from './account.ts';
import type { Notes } from './note.ts';

/**
 * Where the database files of a data folder are. Normally in the data folder itself; where the
 * user that Postgres runs as cannot reach that, in `fallback`/<hash of the path>, and the file
 * `location` in the data folder says so.
 */
export async function openFolder(
  dataDir: string,
  notes: Notes,
  fallback = '/var/lib/queqiao',
): Promise<PostgresFolder> {
  await mkdir(dataDir, { recursive: true, mode: 0o711 }).catch(refuse(dataDir));
  const own = await realpath(dataDir);
  const moved = await readFile(join(own, 'location'), 'utf8').catch(() => undefined);
  const home = moved?.trim() || own;
  const cluster = join(home, 'cluster');
  const account = await accountFor(cluster);
  const folder = { own, home, cluster, account };
  if (account === undefined) return folder;

  await letPass(home);
  const barrier = firstBarrier(account, home);
  if (barrier === undefined) return folder;
  if (moved !== undefined || (await exists(cluster))) {
    throw new Error(
      `The database in ${home} cannot be opened: Postgres runs as user ${account.uid}, ` +
        `which may not enter ${barrier}. Allow it: chmod o+x ${barrier}`,
    );
  }
  const elsewhere = join(fallback, createHash('sha256').update(own).digest('hex').slice(0, 16));
  await mkdir(elsewhere, { recursive: true, mode: 0o711 }).catch(refuse(elsewhere));
  const second = firstBarrier(account, elsewhere);
  if (second !== undefined) {
    throw new Error(
      `Postgres runs as user ${account.uid}, which may enter neither ${barrier} nor ${second}. ` +
        'Set QUEQIAO_STATE_DIR to a folder that it may enter.',
    );
  }
  await writeFile(join(own, 'location'), `${elsewhere}\n`);
  notes.warn(
    `The database files are in ${elsewhere}: as root, Postgres runs as user ${account.uid}, ` +
      `which may not enter ${barrier}.`,
  );
  return { own, home: elsewhere, cluster: join(elsewhere, 'cluster'), account };
}

/** Makes an empty folder that only the account may enter. */
export async function makePrivate(folder: string, account: Account): Promise<void> {
  await mkdir(folder, { mode: 0o700 });
  if (account !== undefined) await chown(folder, account.uid, account.gid);
}

/** The data folder's files carry their own modes; passing through the folder harms none. */
async function letPass(folder: string): Promise<void> {
  await chmod(folder, 0o711).catch(refuse(folder));
}

async function exists(path: string): Promise<boolean> {
  return realpath(path).then(
    () => true,
    () => false,
  );
}

function refuse(folder: string): (error: NodeJS.ErrnoException) => never {
  return (error) => {
    throw new Error(
      `${folder} cannot be used (${error.code}). Start as its owner, ` +
        'or set QUEQIAO_STATE_DIR to a folder that you may write.',
      { cause: error },
    );
  };
}

export type PostgresFolder = {
  /** What the caller named: password, log and the pointer are here. */
  own: string;
  /** Where the cluster and its lock are. */
  home: string;
  cluster: string;
  account: Account;
};
