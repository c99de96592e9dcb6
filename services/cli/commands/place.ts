import type { Command } from 'commander';
import { divisionCode } from '#libs/address';
import { fromItemError, RpcError } from '#libs/errors';
import { cellOf } from '#libs/geo';
import { type Client, createClient } from '#libs/grpc';
import { NetworkService } from '#proto/queqiao/network/v1/network_service';
import {
  AddressService,
  type ParsedAddress,
  ParsedAddress_Basis,
  type ParseOutcome,
} from '#proto/queqiao/waybill/v1/address_service';
import type { CliContext } from '../context.ts';
import {
  type ConnectionOptions,
  connect,
  Exit,
  errorLine,
  factsOf,
  printJson,
  withConnection,
  write,
} from '../output.ts';
import { formatRecord, formatTable } from '../output-table.ts';
import { calling } from '../service-client.ts';
import { flatten } from './network.ts';
import type { Plain } from './network-resource.ts';
import { linesOf } from './stdin-lines.ts';

/** Adds what names places: the options of one, or addresses as words or as lines of stdin. */
export function withPlaces(command: Command): Command {
  return withConnection(
    command
      .argument(
        '[address...]',
        'as people write it; without it and without options, one of each line of stdin',
      )
      .option('--courier <id>', "whose; needed unless the key is a courier's")
      .option('--cell <cell>', 'H3 cell of resolution 9')
      .option('--division <code>', 'code of a province, city, county or street')
      .option('--province <text>', 'name, as people write it')
      .option('--city <text>', 'name')
      .option('--district <text>', 'name')
      .option('--street <text>', 'name'),
  );
}

/** Looks up one place or one after the other; the exit status says whether all are fine. */
export function lookUpPlaces(
  context: CliContext,
  { words, options, lookUp, headings, rowOf }: PlaceLookup,
): Promise<void> {
  return withNetwork(context, options, async (network) => {
    const { courier: courierId = '', json } = options;
    const ask = (places: PlaceFields[]) => lookUp(network, courierId, places);
    const place = placeOf(options);
    if (Object.keys(place).length > 0) {
      const [found] = await ask([place]);
      if (found === undefined) throw new Error('no answer');
      if (json) await printJson(context, found.plain);
      else await write(context.stdout, formatRecord(flatten(found.plain), context));
      return found.isFine ? Exit.OK : Exit.FAILED;
    }
    using addresses = createClient(AddressService, connect(context, options, 'operator'));
    let exit: number = Exit.OK;
    let withHeadings = true;
    for await (const texts of textsOf(context, words)) {
      const rows = await lookUpTexts(addresses, ask, texts);
      if (rows.some((row) => !('found' in row) || !row.found.isFine)) exit = Exit.FAILED;
      const text = json
        ? rows.map(jsonLine).join('')
        : formatTable(
            [...headings, 'division', 'address'],
            rows.map((row) => tableRow(row, { headings, rowOf, context })),
            { ...context, withHeadings },
          );
      await write(context.stdout, text);
      withHeadings = false;
    }
    return exit;
  });
}

async function* textsOf({ stdin }: CliContext, words: readonly string[]): AsyncGenerator<string[]> {
  if (words.length > 0) {
    yield [words.join(' ')];
    return;
  }
  for await (const lines of linesOf(stdin, LINE_CHARACTERS_MAX)) {
    for (let from = 0; from < lines.length; from += BATCH) yield lines.slice(from, from + BATCH);
  }
}

async function lookUpTexts(
  addresses: Client<typeof AddressService>,
  ask: (places: PlaceFields[]) => Promise<FoundPlace[]>,
  texts: string[],
): Promise<TextRow[]> {
  const { outcomes } = await addresses.parseAddresses({ texts });
  const places = outcomes.map(toPlace);
  const good = places.filter((place): place is PlaceFields => !(place instanceof RpcError));
  const results = good.length > 0 ? await ask(good) : [];
  return places.map((place, i) => {
    const text = texts[i] ?? '';
    if (place instanceof RpcError) return { text, error: place };
    return { text, place, found: results.shift() as FoundPlace };
  });
}

function toPlace({ outcome }: ParseOutcome): PlaceFields | RpcError {
  if (outcome.case === 'error') return fromItemError(outcome.value);
  if (outcome.case === undefined) throw new Error('an outcome without address or error');
  return { divisionCode: divisionCode(outcome.value), ...houseCell(outcome.value) };
}

/** What is only near the house may lie in another area. */
function houseCell({ location, locationBasis }: ParsedAddress): { cell?: string } {
  const { HOUSE, PROVIDER } = ParsedAddress_Basis;
  const isHouse = locationBasis === HOUSE || locationBasis === PROVIDER;
  return location !== undefined && isHouse ? { cell: cellOf(location) } : {};
}

function jsonLine(row: TextRow): string {
  const plain =
    'error' in row
      ? { error: factsOf(row.error) }
      : {
          division_code: row.place.divisionCode ?? '',
          cell: row.place.cell ?? '',
          ...row.found.plain,
        };
  return `${JSON.stringify({ address: row.text, ...plain })}\n`;
}

function tableRow(row: TextRow, { headings, rowOf, context }: Table): string[] {
  if ('error' in row) {
    const error = errorLine(factsOf(row.error), context.env);
    return [...Array<string>(headings.length).fill(''), '', `${row.text}: ${error}`];
  }
  return [...rowOf(row.found.plain), row.place.divisionCode ?? '', row.text];
}

function placeOf(options: PlaceOptions): PlaceFields {
  const { cell, division: divisionCode, province, city, district, street } = options;
  const given = { cell, divisionCode, province, city, district, street };
  const entries = Object.entries(given).filter((entry) => entry[1] !== undefined);
  return Object.fromEntries(entries) as PlaceFields;
}

const withNetwork = calling(NetworkService, 'operator');

const BATCH = 1_000;
/** Where a line is cut before it is looked at; what is cut is too long anyway. */
const LINE_CHARACTERS_MAX = 10_000;

export type PlaceOptions = ConnectionOptions & {
  courier?: string;
  cell?: string;
  division?: string;
  province?: string;
  city?: string;
  district?: string;
  street?: string;
};
/** Of a `Place` of the contract. */
export type PlaceFields = Partial<
  Record<'cell' | 'divisionCode' | 'province' | 'city' | 'district' | 'street', string>
>;
export type FoundPlace = { readonly plain: Plain; readonly isFine: boolean };
export type PlaceLookup = {
  readonly words: readonly string[];
  readonly options: PlaceOptions;
  readonly lookUp: (
    network: Client<typeof NetworkService>,
    courierId: string,
    places: PlaceFields[],
  ) => Promise<FoundPlace[]>;
  readonly headings: readonly string[];
  readonly rowOf: (plain: Plain) => string[];
};
type TextRow = { readonly text: string } & (
  | { readonly place: PlaceFields; readonly found: FoundPlace }
  | { readonly error: RpcError }
);
type Table = Pick<PlaceLookup, 'headings' | 'rowOf'> & { context: CliContext };
