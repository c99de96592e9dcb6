import { type LatLng, toWgs84 } from '#libs/geo';
import { gazetteerPoint } from './gazetteer.ts';
import { isFarOff, type LearnedPoint } from './learned-points.ts';
import type { ParsedAddress } from './parsed-address.ts';
import type { AddressProvider } from './provider.ts';

// The best point for an address: where it was delivered, else what a provider says, else the
// division's. Every answer says which, so that nobody takes a county for a house.

/** Without asking anybody. */
export function knownPoint(
  address: ParsedAddress,
  learned: LearnedPoint | undefined,
): AddressPoint | undefined {
  if (learned !== undefined) return learned;
  const point = gazetteerPoint(address);
  return point && { ...point, basis: 'division' };
}

/** Asks the provider where deliveries know no house. What the provider fails at is left out. */
export async function locateAddress(
  address: ParsedAddress,
  { learned, provider, signal }: Locating,
): Promise<AddressPoint | undefined> {
  const known = knownPoint(address, learned);
  if (known?.basis === 'house') return known;
  return (await ask(provider, address, signal)) ?? known;
}

async function ask(
  provider: AddressProvider,
  address: ParsedAddress,
  signal: AbortSignal,
): Promise<AddressPoint | undefined> {
  try {
    const given = await provider.locate(address, signal);
    if (given === undefined) return undefined;
    // Throws for a datum of China outside China; a point of another county is as wrong.
    const point = toWgs84(given);
    return isFarOff(address, point) ? undefined : { ...point, basis: 'provider' };
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof Error) return undefined;
    throw error;
  }
}

/** WGS-84. What it is the point of: the code says which division; fixes say how far they lie. */
export type AddressPoint = LatLng & {
  basis: 'house' | 'road' | 'street' | 'provider' | 'division';
  /** Of the division. */
  code?: string;
  /** Of what was learnt: half of the fixes lie within. */
  radiusM?: number;
  /** Of what was learnt, 3 to 25. */
  fixCount?: number;
};

type Locating = {
  learned: LearnedPoint | undefined;
  provider: AddressProvider;
  signal: AbortSignal;
};
