import { appendFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readClientLog } from '../../services/cli/commands/client-log.ts';
import { type FaultSystem, faultsOf, openFaultSystem } from './harness.ts';
import { scaled } from './scale.ts';
import { issueThroughKills } from './story.ts';

const COUNT = scaled(20_000, 1_000_000);
const KILLS = scaled(3, 10);

let system: FaultSystem;

beforeAll(async () => {
  system = await openFaultSystem();
});

afterAll(async () => {
  await system?.[Symbol.asyncDispose]();
});

describe(`${COUNT} waybills while the service is killed ${KILLS} times`, () => {
  it('are issued once each; file, database and stream agree to the last number', async () => {
    const end = await issueThroughKills(system, { count: COUNT, kills: KILLS });
    expect(end).toMatchObject({
      ...{ exit: 0, resultRows: COUNT, waybills: COUNT, announced: COUNT, compared: COUNT },
      faults: [],
      summary: { rows: COUNT, failed: 0, unknown: 0, complete: true },
    });
  });

  it('would be found out if the file told one number more, or another one', async () => {
    const file = join(system.folder, `orders-${COUNT}.csv.result.csv`);
    await appendFile(file, `${COUNT + 2},M-NEVER,1,issued,26000000000017,,,,,\n`);
    await appendFile(file, `${COUNT + 3},M-000000007,1,issued,26000000000017,,,,,\n`);
    const faults = faultsOf(await system.audit(readClientLog(file)));
    expect(faults).toEqual([expect.stringMatching(/^client-log × 2/)]);
  });
});
