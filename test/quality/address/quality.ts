import { join } from 'node:path';
import { parseAddress } from '#libs/address';
import type { QualityOptions } from '../main.ts';
import { Failures } from './failures.ts';
import { dataFolder, readCases, readLabelled } from './labelled.ts';
import { madeLines } from './made-lines.ts';
import { measureCases, measureContacts, measureLevels, type Parse } from './measure.ts';
import { peerAnswer } from './peer.ts';
import { measurePoints } from './points.ts';

/** How often the parser is right, and its peer on the same lines. */
export async function qualityAddress(options: QualityOptions): Promise<Record<string, number>> {
  const folder = dataFolder();
  if (folder === undefined) {
    options.say('skipped: no data at ../shared/data; QUEQIAO_DATA names another folder');
    return {};
  }
  const labelled = readLabelled(join(folder, 'cn_address_ner', `${options.part}.txt`));
  const cases = readCases(join(folder, 'cn_address_parse_cases', 'cases.json'));
  const lines = madeLines(labelled);
  const measure = (parse: Parse, failures: Failures): Record<string, number> => ({
    ...measureLevels(labelled, parse, failures),
    ...measureContacts(lines, parse, failures),
    ...measureCases(cases, parse, failures),
  });
  const failures = new Failures();
  const ours = measure(parseAddress, failures);
  failures.tell(options);
  const peers = measure(peerAnswer, new Failures());
  return {
    addresses: labelled.length,
    ...ours,
    ...measurePoints(join(folder, 'cn_qweather_locations', LOCATIONS)),
    ...Object.fromEntries(PEER_FIGURES.map((name) => [`peer_${name}`, peers[name] ?? 0])),
  };
}

const LOCATIONS = 'China-City-List-latest.csv';
const PEER_FIGURES = [
  'province_accuracy',
  'city_accuracy',
  'county_accuracy',
  'county_undetermined_claimed',
  'name_accuracy',
  'phone_accuracy',
  'names_invented',
  'cases_right',
];
