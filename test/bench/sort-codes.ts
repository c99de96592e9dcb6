import { addressText, divisionCode, divisions, parseAddress, placeOf } from '#libs/address';
import type { Bus } from '#libs/bus';
import { openDirectory } from '#libs/directory';
import { createClient } from '#libs/grpc';
import { NetworkService } from '#proto/queqiao/network/v1/network_service';
import type { BenchServer } from './server.ts';

/**
 * What a label's sort code takes: the look-up in the directory's cache, which is asked for each
 * label, the reading of the address before it, and the look-ups of a block that are not known yet.
 */
export async function benchSortCodes({ address, apiKey }: BenchServer): Promise<SortFigures> {
  using network = createClient(NetworkService, { address, credentials: { apiKey } });
  const now = () => new Date();
  // Nothing changes meanwhile, so nothing has to be forgotten.
  const bus = { watch: async () => ({ [Symbol.asyncDispose]: async () => {} }) };
  const deps = { network: () => network, bus: bus as unknown as Bus, now };
  await using directory = await openDirectory(deps);
  const addresses = streetAddresses(PLACES);
  const codes = addresses.map((each) => divisionCode(parseAddress(addressText(each))));
  const ask = (divisionCode: string) => directory.sortCode(COURIER, { divisionCode });
  const coldMs = await tookMs(() => Promise.all(codes.map(ask)));
  const read = () => {
    for (let i = 0; i < READ_ROUNDS; i += 1) {
      for (const each of addresses) divisionCode(parseAddress(addressText(each)));
    }
  };
  read();
  const readMs = await tookMs(read);
  const known = async () => {
    for (let i = 0; i < ROUNDS; i += 1) for (const code of codes) await ask(code);
  };
  await known();
  const knownMs = await tookMs(known);
  return {
    sort_code_known_us: round((knownMs * 1_000) / (PLACES * ROUNDS)),
    sort_code_address_us: round((readMs * 1_000) / (PLACES * READ_ROUNDS)),
    sort_code_unknown_us: round((coldMs * 1_000) / PLACES),
  };
}

/** Addresses in streets all over the country. */
function streetAddresses(count: number) {
  const known = divisions();
  const streets = [...known.codes.keys()].filter((node) => known.level(node) === STREET);
  return Array.from({ length: count }, (_, i) => {
    const node = streets[Math.floor((i * streets.length) / count)] as number;
    const { province, city, county: district, street } = placeOf(known, node);
    return { province, city, district, street, detail: `文三路${i + 1}号2幢301室` };
  });
}

async function tookMs(work: () => unknown): Promise<number> {
  const startMs = performance.now();
  await work();
  return performance.now() - startMs;
}

function round(microseconds: number): number {
  return Number(microseconds.toFixed(2));
}

const STREET = 3;
const PLACES = 1_000;
const ROUNDS = 100;
const READ_ROUNDS = 20;
/** Of the demo network. */
const COURIER = 'lingque';

type SortFigures = Record<`sort_code_${'known' | 'address' | 'unknown'}_us`, number>;
