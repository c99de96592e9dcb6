import { execFileSync } from 'node:child_process';
import { chownSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RpcError } from '#libs/errors';
import { type FaultSystem, faultsOf, openFaultSystem } from './harness.ts';
import { draw, startLoad } from './load.ts';
import { parcelOf } from './shop.ts';

// The disk of the waybills is full: callers are told so, nothing crashes, and with room again all
// goes on. Needs to mount a small volume; where that is not permitted, it says how many it skips.

const TESTS = 3;
const volume = mountVolume();
if (volume === undefined) {
  process.stderr.write(`disk-full: ${TESTS} tests skipped, mounting a volume is not permitted\n`);
}

let system: FaultSystem;

describe.skipIf(volume === undefined)('a data disk that is full', () => {
  beforeAll(async () => {
    system = await openFaultSystem();
    await system.sql(`create tablespace small location '${join(volume as string, 'space')}'`);
    await system.sql('alter table waybill.waybill set tablespace small');
    await system.sql('alter index waybill.waybill_pkey set tablespace small');
    await draw(system, ['BEFORE-1', 'BEFORE-2']);
  });

  afterAll(async () => {
    await system?.[Symbol.asyncDispose]();
    if (volume === undefined) return;
    execFileSync('umount', [volume]);
    rmSync(volume, { recursive: true });
  });

  it('is told to callers, who may come again; the service stays', async () => {
    fill();
    let refused: unknown;
    for (let i = 0; refused === undefined && i < 2_000; i++) {
      const parcels = Array.from({ length: 20 }, (_, j) => parcelOf(`FULL-${i * 20 + j}`));
      const { outcomes } = await system.waybill.issueWaybills({ parcels });
      for (const [j, { outcome }] of outcomes.entries()) {
        if (outcome.case === 'error') refused ??= outcome.value;
        if (outcome.case !== 'issued') continue;
        const { waybillNumber: number } = outcome.value;
        const line = system.told.length + 1;
        system.told.push({ line, orderRef: `FULL-${i * 20 + j}`, parcelNo: 1, number });
      }
    }
    const { code } = new RpcError('STORAGE_FULL');
    expect(refused).toMatchObject({ code, retryable: true });
    expect(system.service.isRunning).toBe(true);
    const [first] = system.told;
    const read = await system.waybill.getWaybill({ waybillNumber: String(first?.number) });
    expect(read.waybill?.orderRef).toBe('BEFORE-1');
  });

  it('goes on by itself when there is room, and has lost nothing', async () => {
    const load = startLoad({ ...system, tag: 'AFTER' });
    makeRoom();
    await load.more(3);
    await load.stop();
    expect(faultsOf(await system.audit())).toEqual([]);
  });

  it('would be found out if an answer had come for a row that found no room', async () => {
    const lie = { line: system.told.length + 1, orderRef: 'FULL-LIE', parcelNo: 1, number: '26' };
    system.told.push(lie);
    expect(faultsOf(await system.audit())).toEqual([expect.stringMatching(/^client-log × 1/)]);
    system.told.pop();
  });
});

/** A volume of 24 MB with a folder that Postgres owns; undefined where that is not permitted. */
function mountVolume(): string | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'queqiao-volume-'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=24m,mode=755', 'tmpfs', folder], {
      stdio: 'ignore',
    });
  } catch {
    rmSync(folder, { recursive: true });
    return undefined;
  }
  mkdirSync(join(folder, 'space'), { mode: 0o700 });
  // The user that Postgres runs as when root starts it.
  chownSync(join(folder, 'space'), 65534, 65534);
  return folder;
}

/** Leaves a few pages. */
function fill(): void {
  try {
    for (let i = 0; ; i++) writeFileSync(join(volume as string, `fill-${i}`), Buffer.alloc(65_536));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
  }
}

function makeRoom(): void {
  execFileSync('/bin/sh', ['-c', 'rm -f "$1"/fill-*', 'sh', volume as string]);
}
