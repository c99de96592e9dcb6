import { randomBytes } from 'node:crypto';
import { link, readdir, readFile, rename, unlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startMark } from './process.ts';

/**
 * Takes the lock of a folder for this process. The lock of a dead process is taken over.
 * Throws LockHeld while the owner runs. The folder must exist and be writable.
 *
 * The lock is the file `lock.<n>` with the highest n, and a new owner always makes the next n by
 * `link`, which only one of two can do. So a takeover never renames or deletes a file that may
 * have become somebody else's lock in between.
 */
export async function takeLock(folder: string): Promise<Lock> {
  const pid = process.pid;
  const mark = startMark(pid) ?? '';
  for (;;) {
    const last = await lastOwner(folder);
    if (last !== undefined && isHeld(last)) throw new LockHeld(folder, last.pid);
    const turn = (last?.turn ?? 0) + 1;
    if (await claim(folder, turn, { pid, mark })) {
      return { release: () => put(folder, turn, { pid: 0, mark: '' }) };
    }
  }
}

/** The process that holds the lock of a folder now, if any. */
export async function lockOwner(folder: string): Promise<number | undefined> {
  const last = await lastOwner(folder);
  return last !== undefined && isHeld(last) ? last.pid : undefined;
}

/** The folder is in use by a running process. */
export class LockHeld extends Error {
  readonly pid: number;

  constructor(folder: string, pid: number) {
    super(
      `${folder} is in use by the running process ${pid}. ` +
        `Stop it (kill ${pid}) or use another folder.`,
    );
    this.name = 'LockHeld';
    this.pid = pid;
  }
}

async function claim(folder: string, turn: number, owner: Owner): Promise<boolean> {
  const draft = await writeDraft(folder, owner);
  try {
    await link(draft, join(folder, `lock.${turn}`));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    await unlink(draft);
  }
  const turns = await turnsIn(folder);
  // Two others came and went while we looked: our number is an old one that they cleaned away.
  if (turns.some((other) => other > turn)) {
    await unlink(join(folder, `lock.${turn}`));
    return false;
  }
  const older = turns.filter((other) => other < turn);
  await Promise.all(older.map((other) => unlink(join(folder, `lock.${other}`)).catch(isGone)));
  return true;
}

/** The lock file stays when released: numbers only grow. */
async function put(folder: string, turn: number, owner: Owner): Promise<void> {
  await rename(await writeDraft(folder, owner), join(folder, `lock.${turn}`));
}

async function writeDraft(folder: string, owner: Owner): Promise<string> {
  const draft = join(folder, `lock-draft.${process.pid}.${randomBytes(4).toString('hex')}`);
  await writeFile(draft, JSON.stringify(owner), { mode: 0o644 });
  return draft;
}

async function lastOwner(folder: string): Promise<(Owner & { turn: number }) | undefined> {
  for (;;) {
    const turns = await turnsIn(folder);
    if (turns.length === 0) return undefined;
    const turn = Math.max(...turns);
    try {
      const text = await readFile(join(folder, `lock.${turn}`), 'utf8');
      return { ...parse(text), turn };
    } catch (error) {
      isGone(error);
    }
  }
}

async function turnsIn(folder: string): Promise<number[]> {
  const names = await readdir(folder);
  return names.flatMap((name) => /^lock\.(\d+)$/.exec(name)?.[1] ?? []).map(Number);
}

function parse(text: string): Owner {
  try {
    const { pid, mark } = JSON.parse(text) as Partial<Owner>;
    return { pid: Number(pid) || 0, mark: String(mark) };
  } catch {
    // A file cut short by a power failure belongs to nobody who still runs.
    return { pid: 0, mark: '' };
  }
}

function isHeld({ pid, mark }: Owner): boolean {
  if (pid === 0) return false;
  const now = startMark(pid);
  return now === mark || now === 'hidden';
}

/** For files that another process may delete first. */
function isGone(error: unknown): void {
  if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
}

export type Lock = { release(): Promise<void> };
type Owner = { pid: number; mark: string };
