import { create } from '@bufbuild/protobuf';
import { type ParsedAddress as Address, type AddressPoint, parseAddress } from '#libs/address';
import { invalid, RpcError, toItemError, toRpcError } from '#libs/errors';
import type { CallContext } from '#libs/grpc';
import { mapInTurns } from '#libs/run';
import { Location_Datum } from '#proto/queqiao/type/v1/location';
import {
  AddressGuess_Reason,
  type ParseAddressesRequest,
  type ParseAddressesResponse,
  ParseAddressesResponseSchema,
  ParsedAddress_Basis,
  ParsedAddress_Precision,
  type ParseOutcome,
  ParseOutcomeSchema,
} from '#proto/queqiao/waybill/v1/address_service';
import { type PointDeps, pointsOf } from '../address-point.ts';

const TEXTS_MAX = 1_000;
const TEXT_CHARACTERS_MAX = 500;

export async function parseAddresses(
  deps: PointDeps,
  { texts }: ParseAddressesRequest,
  { signal }: Pick<CallContext, 'signal'>,
): Promise<ParseAddressesResponse> {
  if (texts.length === 0 || texts.length > TEXTS_MAX) {
    throw invalid('texts', 'LIST_SIZE', { min: 1, max: TEXTS_MAX });
  }
  const readings = await mapInTurns(texts, read, signal);
  const addresses = readings.filter((each): each is Address => !(each instanceof RpcError));
  const points = await pointsOf(deps, addresses);
  const pointOf = new Map(addresses.map((address, i) => [address, points[i]]));
  const outcomes = await mapInTurns(
    readings,
    (each) =>
      each instanceof RpcError
        ? failed(each)
        : create(ParseOutcomeSchema, {
            outcome: { case: 'address', value: toMessage(each, pointOf.get(each)) },
          }),
    signal,
  );
  return create(ParseAddressesResponseSchema, { outcomes });
}

function read(text: string): Address | RpcError {
  try {
    if (text.trim() === '') throw invalid('text', 'REQUIRED');
    if ([...text].length > TEXT_CHARACTERS_MAX) {
      throw invalid('text', 'TOO_LONG', { max: TEXT_CHARACTERS_MAX });
    }
    return parseAddress(text);
  } catch (error) {
    return toRpcError(error);
  }
}

function failed(error: RpcError): ParseOutcome {
  return create(ParseOutcomeSchema, { outcome: { case: 'error', value: toItemError(error) } });
}

function toMessage(address: Address, point: AddressPoint | undefined) {
  const { precision, guesses, ...parts } = address;
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
      locationCode: point.code ?? '',
      locationBasis: BASES[point.basis],
      locationRadiusM: point.radiusM ?? 0,
      locationFixCount: point.fixCount ?? 0,
    }),
  };
}

const BASES = {
  house: ParsedAddress_Basis.HOUSE,
  road: ParsedAddress_Basis.ROAD,
  street: ParsedAddress_Basis.STREET,
  provider: ParsedAddress_Basis.PROVIDER,
  division: ParsedAddress_Basis.DIVISION,
} as const satisfies Record<AddressPoint['basis'], ParsedAddress_Basis>;

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
