// Makes a fresh checkout ready to run: packages as in package-lock.json and, with --build, the
// compiled program in dist. Does nothing when all is there. Plain JavaScript without
// dependencies, because it runs before there are any.
import { spawnSync } from 'node:child_process';
import {
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const root = resolve(dirname(fileURLToPath(import.meta.url)), '..', '..');
const LOCK = join(root, '.queqiao', 'install.lock');
const STAMP = join(root, 'dist', '.built');
const SOURCES = [
  'package.json',
  'tsconfig.json',
  'proto/gen',
  'libs',
  'services',
  'deploy',
  'test',
];
// A lock without its owner's pid is being made, or was left by a power failure.
const NAMELESS_LOCK_MS = 10_000;

process.exitCode = await main(process.argv.includes('--build'));

async function main(build) {
  const { engines } = readJson(join(root, 'package.json'));
  if (!isNodeNewEnough(engines.node)) {
    return fail(
      `Queqiao needs Node ${engines.node}; this is ${process.version}. Install a newer one.`,
    );
  }
  if (!needsInstall() && !(build && needsBuild())) return 0;
  await takeLock();
  try {
    // Looked at again: whoever held the lock may have done the work.
    if (needsInstall() && !install()) {
      return fail('The packages could not be installed; npm has said why above.');
    }
    if (build && needsBuild() && !compile()) {
      return fail('The program could not be compiled; the compiler has said why above.');
    }
    return 0;
  } finally {
    rmSync(LOCK, { recursive: true, force: true });
  }
}

function isNodeNewEnough(range) {
  const [major = 0, minor = 0] = range.replace(/^>=/, '').split('.').map(Number);
  const [ownMajor = 0, ownMinor = 0] = process.versions.node.split('.').map(Number);
  return ownMajor > major || (ownMajor === major && ownMinor >= minor);
}

/**
 * Compares what npm noted down at its last install with what is wanted. Times of files say
 * nothing here: git and npm write both files in any order.
 */
function needsInstall() {
  const wanted = readJson(join(root, 'package-lock.json')).packages;
  const present = readJson(join(root, 'node_modules', '.package-lock.json'))?.packages;
  if (present === undefined) return true;
  return Object.entries(wanted).some(([path, { version, optional }]) => {
    if (path === '') return false;
    // Optional ones are for other platforms where they are missing.
    return present[path] === undefined ? !optional : present[path].version !== version;
  });
}

function install() {
  say('Installing packages (npm ci) …');
  // No package's own script runs: none of ours needs one, and they are how a bad package gets in.
  const args = ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--include=dev'];
  const npm = process.env.npm_execpath ?? '';
  return npm.endsWith('npm-cli.js')
    ? run(process.execPath, [npm, ...args, '--include=optional'])
    : run('npm', [...args, '--include=optional']);
}

function needsBuild() {
  const built = statSync(STAMP, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  return SOURCES.some((name) => newest(join(root, name)) > built);
}

function newest(path) {
  const stat = statSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return 0;
  if (!stat.isDirectory()) return /\.(ts|json)$/.test(path) ? stat.mtimeMs : 0;
  // The folder's own time tells of files that were removed.
  return Math.max(stat.mtimeMs, ...readdirSync(path).map((name) => newest(join(path, name))));
}

function compile() {
  say('Compiling …');
  const start = new Date();
  if (!run(process.execPath, [join(root, 'node_modules', 'typescript', 'bin', 'tsc')]))
    return false;
  writeFileSync(STAMP, '');
  // A source that changed while the compiler ran is newer than this.
  utimesSync(STAMP, start, start);
  return true;
}

/** Two starts at once, say `npm start` and `npm test`: the second waits for the first. */
async function takeLock() {
  mkdirSync(dirname(LOCK), { recursive: true, mode: 0o711 });
  for (let told = false; ; ) {
    try {
      mkdirSync(LOCK);
      writeFileSync(join(LOCK, 'pid'), String(process.pid));
      return;
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
    }
    const owner = lockOwner();
    if (owner === 'dead') {
      dropDeadLock();
      continue;
    }
    if (!told) say(`Waiting for another start (process ${owner}) to finish installing …`);
    told = true;
    await sleep(200);
  }
}

function dropDeadLock() {
  const aside = `${LOCK}.${process.pid}`;
  try {
    renameSync(LOCK, aside);
    rmSync(aside, { recursive: true, force: true });
  } catch (error) {
    // Another waiting start was quicker.
    if (error.code !== 'ENOENT') throw error;
  }
}

function lockOwner() {
  const pid = Number(readText(join(LOCK, 'pid')));
  if (pid > 0) return isAlive(pid) ? pid : 'dead';
  const made = statSync(LOCK, { throwIfNoEntry: false })?.mtimeMs ?? Date.now();
  return Date.now() - made > NAMELESS_LOCK_MS ? 'dead' : 'unknown';
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

function run(program, args) {
  // Results belong on stdout, and this is none.
  return spawnSync(program, args, { cwd: root, stdio: ['ignore', 2, 2] }).status === 0;
}

function readJson(file) {
  const text = readText(file);
  return text === undefined ? undefined : JSON.parse(text);
}

function readText(file) {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
}

function say(line) {
  process.stderr.write(`${line}\n`);
}

function fail(line) {
  say(line);
  return 1;
}
