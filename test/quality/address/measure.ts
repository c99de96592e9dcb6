import { divisions, type ParsedAddress } from '#libs/address';
import { Expectation } from './expected.ts';
import type { Failures } from './failures.ts';
import type { Case, Labelled } from './labelled.ts';
import type { MadeLine } from './made-lines.ts';

/**
 * Per level: the share of right codes where the labels determine one, and how many codes were given
 * where they do not.
 */
export function measureLevels(labelled: readonly Labelled[], parse: Parse, failures: Failures) {
  const known = divisions();
  const expectation = new Expectation(known);
  const counts = LEVELS.map((name) => ({ name, determined: 0, right: 0, invented: 0 }));
  for (const address of labelled) {
    const { nodes, kind } = expectation.of(address);
    const answer = parse(address.text);
    for (const [level, count] of counts.entries()) {
      // What the divisions do not know may be anything: the levels above can still be judged.
      if (kind === 'name not in the divisions' && level > 1) continue;
      const given = answer[`${count.name}Code`];
      const wanted = new Set(nodes.map((node) => known.codeOf(known.at(node, level as 0))));
      const [code = ''] = wanted;
      const what = `${address.text} | ${given} for ${[...wanted]} | ${labelsOf(address)}`;
      if (wanted.size === 1 && code !== '') {
        count.determined++;
        if (given === code) count.right++;
        else failures.add(`${count.name} ${given === '' ? 'missed' : 'wrong'}`, what);
      } else if (given !== '') {
        count.invented++;
        failures.add(`${count.name} claimed where ${kind}`, what);
      }
    }
  }
  return Object.fromEntries(
    counts.flatMap(({ name, determined, right, invented }) => [
      [`${name}_accuracy`, share(right, determined)],
      [`${name}_determined`, determined],
      [`${name}_undetermined_claimed`, invented],
    ]),
  );
}

/** Names and numbers in lines made of the addresses, and names found where none is. */
export function measureContacts(lines: readonly MadeLine[], parse: Parse, failures: Failures) {
  const right = { name: 0, phone: 0, county: 0 };
  let inventedNames = 0;
  for (const { text, address, name, phone } of lines) {
    const answer = parse(text);
    const alone = parse(address);
    if (answer.name === name) right.name++;
    else failures.add('name', `${text} | ${answer.name} for ${name}`);
    if (answer.phone === phone) right.phone++;
    else failures.add('phone', `${text} | ${answer.phone} for ${phone}`);
    if (answer.countyCode === alone.countyCode) right.county++;
    else failures.add('county differs beside a name', `${text} | ${answer.countyCode}`);
    if (alone.name === '') continue;
    inventedNames++;
    failures.add('name where none is', `${address} | ${alone.name}`);
  }
  return {
    name_accuracy: share(right.name, lines.length),
    phone_accuracy: share(right.phone, lines.length),
    county_same_beside_name: share(right.county, lines.length),
    names_invented: inventedNames,
  };
}

export function measureCases(cases: readonly Case[], parse: Parse, failures: Failures) {
  let right = 0;
  for (const { text, expect } of cases) {
    const { code, name, phone, detail } = parse(text);
    const given: Record<string, string> = { code, name, mobile: phone, details: detail };
    const wrong = Object.entries(expect ?? {}).filter(([field, value]) => given[field] !== value);
    if (wrong.length === 0) right++;
    else failures.add('case', `${text} | ${JSON.stringify(given)} for ${JSON.stringify(expect)}`);
  }
  return { cases_right: right, cases: cases.length };
}

function labelsOf({ spans }: Labelled): string {
  return spans.map(({ label, text }) => `${label}:${text}`).join(' ');
}

function share(part: number, whole: number): number {
  return whole === 0 ? 0 : Math.round((part / whole) * 10_000) / 10_000;
}

const LEVELS = ['province', 'city', 'county', 'street'] as const;

export type Answer = Pick<
  ParsedAddress,
  'code' | 'provinceCode' | 'cityCode' | 'countyCode' | 'streetCode' | 'name' | 'phone' | 'detail'
>;
export type Parse = (text: string) => Answer;
