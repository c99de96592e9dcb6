// `npm run prove -- --count 1000000 --kills 10`: the story of the million, for anyone to see.
import { parseArgs } from 'node:util';
import { openFaultSystem } from './harness.ts';
import { issueThroughKills } from './story.ts';

const { values } = parseArgs({
  options: {
    count: { type: 'string', default: '1000000' },
    kills: { type: 'string', default: '10' },
  },
});
const say = (sentence: string) => void process.stderr.write(`${sentence}\n`);
const count = Number(values.count);
const kills = Number(values.kills);

say(`Issuing ${count} waybills while the service is killed ${kills} times …`);
await using system = await openFaultSystem();
const end = await issueThroughKills(system, { count, kills, tell: say });
const agree =
  end.faults.length === 0 &&
  [end.resultRows, end.waybills, end.announced, end.compared].every((each) => each === count);
say(agree ? 'Result file, database and stream agree to the last number.' : 'They do not agree.');
process.stdout.write(`${JSON.stringify({ agree, ...end })}\n`);
process.exitCode = agree ? 0 : 1;
