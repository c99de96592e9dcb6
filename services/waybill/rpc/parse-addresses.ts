import { setImmediate as turn } from 'node:timers/promises';
import { create } from '@bufbuild/protobuf';
import { type ParsedAddress as Address, gazetteerPoint, parseAddress } from '#libs/address';
import { invalid, toItemError } from '#libs/errors';
import type { CallContext } from '#libs/grpc';
import { Location_Datum } from '#proto/queqiao/type/v1/location';
import {
  AddressGuess_Reason,
  type ParseAddressesRequest,
  type ParseAddressesResponse,
  ParseAddressesResponseSchema,
  ParsedAddress_Precision,
  type ParseOutcome,
  ParseOutcomeSchema,
} from '#proto/queqiao/waybill/v1/address_service';

const TEXTS_MAX = 1_000;
const TEXT_CHARACTERS_MAX = 500;
/** How long other calls wait for their turn. */
const TURN_MS = 2;

export async function parseAddresses(
  { texts }: ParseAddressesRequest,
  { signal }: Pick<CallContext, 'signal'>,
): Promise<ParseAddressesResponse> {
  if (texts.length === 0 || texts.length > TEXTS_MAX) {
    throw invalid('texts', 'LIST_SIZE', { min: 1, max: TEXTS_MAX });
  }
  const outcomes: ParseOutcome[] = [];
  let turnMs = performance.now();
  for (const text of texts) {
    outcomes.push(outcomeOf(text));
    if (performance.now() - turnMs < TURN_MS) continue;
    await turn();
    signal.throwIfAborted();
    turnMs = performance.now();
  }
  return create(ParseAddressesResponseSchema, { outcomes });
}

function outcomeOf(text: string): ParseOutcome {
  try {
    if (text.trim() === '') throw invalid('text', 'REQUIRED');
    if ([...text].length > TEXT_CHARACTERS_MAX) {
      throw invalid('text', 'TOO_LONG', { max: TEXT_CHARACTERS_MAX });
    }
    return create(ParseOutcomeSchema, {
      outcome: { case: 'address', value: toMessage(parseAddress(text)) },
    });
  } catch (error) {
    return create(ParseOutcomeSchema, {
      outcome: { case: 'error', value: toItemError(error) },
    });
  }
}

function toMessage(address: Address) {
  const { precision, guesses, ...parts } = address;
  const point = gazetteerPoint(address);
  return {
    ...parts,
    precision: PRECISIONS[precision],
    guesses: guesses.map(({ field, reason }) => ({ field, reason: REASONS[reason] })),
    ...(point && {
      location: {
        latitudeDeg: point.latitudeDeg,
        longitudeDeg: point.longitudeDeg,
        datum: Location_Datum.WGS84,
      },
      locationCode: point.code,
    }),
  };
}

const PRECISIONS = {
  none: ParsedAddress_Precision.NONE,
  province: ParsedAddress_Precision.PROVINCE,
  city: ParsedAddress_Precision.CITY,
  county: ParsedAddress_Precision.COUNTY,
  street: ParsedAddress_Precision.STREET,
  road: ParsedAddress_Precision.ROAD,
  number: ParsedAddress_Precision.NUMBER,
  building: ParsedAddress_Precision.BUILDING,
  room: ParsedAddress_Precision.ROOM,
} as const satisfies Record<Address['precision'], ParsedAddress_Precision>;

const REASONS = {
  'former-name': AddressGuess_Reason.FORMER_NAME,
  'other-kind': AddressGuess_Reason.OTHER_KIND,
  'short-name': AddressGuess_Reason.SHORT_NAME,
  'only-place': AddressGuess_Reason.ONLY_PLACE,
  position: AddressGuess_Reason.POSITION,
  'number-chain': AddressGuess_Reason.NUMBER_CHAIN,
} as const satisfies Record<Address['guesses'][number]['reason'], AddressGuess_Reason>;
