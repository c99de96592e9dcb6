import { create } from '@bufbuild/protobuf';
import { timestampFromDate } from '@bufbuild/protobuf/wkt';
import { invalid } from '#libs/errors';
import {
  type NumberRange,
  NumberRange_CheckDigitScheme,
  NumberRangeSchema,
} from '#proto/queqiao/network/v1/number_range';
import { inRange, optionalSlug, present, slug, word } from './field.ts';
import { history, newState, STATES, type State, state, type Versioned } from './message.ts';

/** What a caller says of a range, valid and named as the columns are; serials are decimal texts. */
export type NumberRangeDraft = {
  range_id: string;
  courier_id: string;
  merchant_id: string | null;
  prefix: string;
  serial_width: number;
  first_serial: string;
  last_serial: string;
  check_digit_scheme: Scheme;
  suffix: string;
  low_water_count: string;
  state: State;
};

export type NumberRangeRow = NumberRangeDraft &
  Versioned & { remaining_count: string; low_water_time: Date | null };

export const NUMBER_RANGE_FIXED = [
  'courier_id',
  'merchant_id',
  'prefix',
  'serial_width',
  'first_serial',
  'check_digit_scheme',
  'suffix',
] as const satisfies (keyof NumberRangeDraft)[];

export function parseNewNumberRange(range: NumberRange | undefined): NumberRangeDraft {
  return parse(range, newState);
}

export function parseNumberRange(range: NumberRange | undefined): NumberRangeDraft {
  return parse(range, state);
}

function parse(range: NumberRange | undefined, stateOf: typeof state): NumberRangeDraft {
  const given = present('number_range', range);
  const draft: NumberRangeDraft = {
    range_id: slug('number_range.range_id', given.rangeId),
    courier_id: slug('number_range.courier_id', given.courierId),
    merchant_id: optionalSlug('number_range.merchant_id', given.merchantId),
    prefix: given.prefix,
    serial_width: inRange('number_range.serial_width', given.serialWidth, 4, 15),
    ...parseSerials(given),
    check_digit_scheme: word('number_range.check_digit_scheme', given.checkDigitScheme, SCHEMES),
    suffix: given.suffix,
    low_water_count: String(
      inRange('number_range.low_water_count', given.lowWaterCount, 0n, LOW_WATER_COUNT_MAX),
    ),
    state: stateOf('number_range.state', given.state),
  };
  checkShape(draft);
  return draft;
}

function parseSerials(given: NumberRange): { first_serial: string; last_serial: string } {
  const max = 10n ** BigInt(given.serialWidth) - 1n;
  const first = inRange('number_range.first_serial', given.firstSerial, 0n, max);
  const last = inRange('number_range.last_serial', given.lastSerial, first, max);
  return { first_serial: String(first), last_serial: String(last) };
}

function checkShape(draft: NumberRangeDraft): void {
  const { prefix, serial_width, suffix, check_digit_scheme } = draft;
  if (!/^[A-Z0-9]{0,8}$/.test(prefix)) throw invalid('number_range.prefix', 'NUMBER_PREFIX');
  if (!/^[A-Z]{0,4}$/.test(suffix)) throw invalid('number_range.suffix', 'NUMBER_SUFFIX');
  if (check_digit_scheme === 'upu_s10') {
    if (/[0-9]/.test(prefix)) throw invalid('number_range.prefix', 'S10_SHAPE');
    if (serial_width !== 8) throw invalid('number_range.serial_width', 'S10_SHAPE');
  }
  const checkDigitLength = check_digit_scheme === 'none' ? 0 : 1;
  const length = prefix.length + serial_width + checkDigitLength + suffix.length;
  if (length < NUMBER_LENGTH_MIN || length > NUMBER_LENGTH_MAX) {
    throw invalid('number_range.serial_width', 'NUMBER_LENGTH', { given: length });
  }
}

/** Numbers that were given out stay in the range: its end moves only outwards. */
export function mustGrow(draft: NumberRangeDraft, row: NumberRangeRow): void {
  const max = 10n ** BigInt(row.serial_width) - 1n;
  const [last, min] = [BigInt(draft.last_serial), BigInt(row.last_serial)];
  inRange('number_range.last_serial', last, min, max);
}

export function numberRangeToMessage(row: NumberRangeRow): NumberRange {
  return create(NumberRangeSchema, {
    rangeId: row.range_id,
    courierId: row.courier_id,
    merchantId: row.merchant_id ?? '',
    prefix: row.prefix,
    serialWidth: row.serial_width,
    firstSerial: BigInt(row.first_serial),
    lastSerial: BigInt(row.last_serial),
    checkDigitScheme: SCHEMES[row.check_digit_scheme],
    suffix: row.suffix,
    lowWaterCount: BigInt(row.low_water_count),
    state: STATES[row.state],
    remainingCount: BigInt(row.remaining_count),
    ...(row.low_water_time && { lowWaterTime: timestampFromDate(row.low_water_time) }),
    ...history(row.range_id, row),
  });
}

/** Check digit schemes as the database holds them. */
export const SCHEMES = {
  none: NumberRange_CheckDigitScheme.NONE,
  iso7064_mod11_10: NumberRange_CheckDigitScheme.ISO7064_MOD11_10,
  gs1_mod10: NumberRange_CheckDigitScheme.GS1_MOD10,
  upu_s10: NumberRange_CheckDigitScheme.UPU_S10,
} as const;
const LOW_WATER_COUNT_MAX = 10n ** 15n;
/** As long as any waybill number may be. */
const NUMBER_LENGTH_MIN = 5;
const NUMBER_LENGTH_MAX = 32;

type Scheme = keyof typeof SCHEMES;
