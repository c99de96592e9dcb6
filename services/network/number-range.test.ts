import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type TestDatabase, testDatabase } from '#test/support/database';
import type { NumberRangeDraft } from './number-range.ts';

// Small enough to write out every number that a range can give, and alike enough to meet often:
// prefixes end in digits, and lengths add up to the same in many ways.
const tiny = fc
  .record({
    prefix: fc.constantFrom('', '0', '00', '1', 'A', 'A0', 'A00', '0A'),
    serial_width: fc.constantFrom(5, 6, 7),
    first: fc.nat(24),
    size: fc.integer({ min: 1, max: 12 }),
    check_digit_scheme: fc.constantFrom('none', 'iso7064_mod11_10', 'gs1_mod10'),
    suffix: fc.constantFrom('', 'A', 'B', 'AA'),
  })
  .map(({ first, size, ...shape }) => ({ ...shape, first, last: first + size - 1 }));

const SPAN = 'span';
const WITHOUT_LENGTH = `network.number_span(substr(lower(span), 2), substr(upper(span), 2), '[]')`;
// As if a check digit could not push a number over the end.
const WITHOUT_DIGIT = `case check_digit_scheme when 'none' then span else
  network.number_span(lower(span), regexp_replace(upper(span), '9([A-Z]*)$', '0\\1'), '[]') end`;

test('ranges that could give one number twice always overlap in the database', async () => {
  await using db = await openRanges();
  await fc.assert(
    fc.asyncProperty(fc.array(tiny, { minLength: 30, maxLength: 30 }), async (ranges) => {
      const found = await overlaps(db, ranges, SPAN);
      for (const [i, j] of pairs(ranges)) {
        if (meet(ranges[i], ranges[j])) expect(found).toContain(`${i} ${j}`);
      }
    }),
    { numRuns: 20 },
  );
});

test('ranges of one shape overlap only if they could give one number twice', async () => {
  await using db = await openRanges();
  const shape = tiny.map(({ first: _, last: __, ...rest }) => rest);
  const spans = fc.array(tiny, { minLength: 20, maxLength: 20 });
  await fc.assert(
    fc.asyncProperty(shape, spans, async (shape, given) => {
      const ranges = given.map(({ first, last }) => ({ ...shape, first, last }));
      const met = pairs(ranges).filter(([i, j]) => meet(ranges[i], ranges[j]));
      expect(await overlaps(db, ranges, SPAN)).toEqual(new Set(met.map((pair) => pair.join(' '))));
    }),
    { numRuns: 20 },
  );
});

test('the check against writing out every number finds spans that are too small', async () => {
  await using db = await openRanges();
  const ranges = fc.sample(tiny, { numRuns: 200, seed: 1 });
  const met = pairs(ranges).filter(([i, j]) => meet(ranges[i], ranges[j]));
  const found = await overlaps(db, ranges, WITHOUT_DIGIT);
  expect(met.some((pair) => !found.has(pair.join(' ')))).toBe(true);
});

test('the length in front keeps numbers of different length apart', async () => {
  await using db = await openRanges();
  const shape = { prefix: 'A', check_digit_scheme: 'none', suffix: '' };
  const ranges = [
    { ...shape, serial_width: 4, first: 0, last: 12 },
    { ...shape, serial_width: 5, first: 0, last: 12 },
  ];
  expect(await overlaps(db, ranges, WITHOUT_LENGTH)).toEqual(new Set(['0 1']));
  expect(await overlaps(db, ranges, SPAN)).toEqual(new Set());
});

/** Every text that a number of the range can be, whatever its check digit. */
function numbersOf({ prefix, serial_width, first, last, check_digit_scheme, suffix }: Tiny) {
  const numbers = new Set<string>();
  for (let serial = first; serial <= last; serial++) {
    const body = prefix + String(serial).padStart(serial_width, '0');
    for (const digit of digits(check_digit_scheme)) numbers.add(body + digit + suffix);
  }
  return numbers;
}

function digits(scheme: string): string[] {
  return scheme === 'none' ? [''] : [...'0123456789'];
}

function meet(a: Tiny | undefined, b: Tiny | undefined): boolean {
  if (a === undefined || b === undefined) return false;
  const numbers = numbersOf(a);
  return [...numbersOf(b)].some((number) => numbers.has(number));
}

function pairs(items: unknown[]): [number, number][] {
  return items.flatMap((_, i) =>
    items.slice(i + 1).map((__, j): [number, number] => [i, i + 1 + j]),
  );
}

/** A database that takes ranges which overlap, to be asked which do. */
async function openRanges(): Promise<TestDatabase> {
  const db = await testDatabase({ schemas: { network: ['services/network/migrations'] } });
  await db.query('alter table network.number_range drop constraint number_range_overlap');
  await db.query(
    `insert into network.courier
       (courier_id, display_name, state, services, create_time, update_time)
     values ('swift', 'Swift', 'active', '[{}]', now(), now())`,
  );
  return db;
}

/** Which of the ranges overlap, as `i j` with i below j. */
async function overlaps(db: TestDatabase, ranges: Tiny[], span: string): Promise<Set<string>> {
  const given = ranges.map((range, i) => ({ ...range, range_id: `r-${i}` }));
  await db.query('truncate network.number_range');
  await db.query(
    `insert into network.number_range
       (range_id, courier_id, prefix, serial_width, first_serial, last_serial, check_digit_scheme,
        suffix, low_water_count, state, remaining_count, create_time, update_time)
     select range_id, 'swift', prefix, serial_width, first, last, check_digit_scheme, suffix, 0,
       'active', 0, now(), now()
     from jsonb_to_recordset($1::jsonb) as given (range_id text, prefix text, serial_width int2,
       first int8, last int8, check_digit_scheme text, suffix text)`,
    [JSON.stringify(given)],
  );
  const rows = await db.query<{ pair: string }>(
    `with each as (
       select substr(range_id, 3)::int4 as i, ${span} as span from network.number_range
     )
     select a.i || ' ' || b.i as pair
     from each a
     join each b on a.i < b.i and a.span && b.span`,
  );
  return new Set(rows.map(({ pair }) => pair));
}

type Tiny = Pick<NumberRangeDraft, 'prefix' | 'serial_width' | 'suffix'> & {
  check_digit_scheme: string;
  first: number;
  last: number;
};
