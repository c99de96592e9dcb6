import { type LatLng, toWgs84 } from '#libs/geo';
import { gazetteerPoint } from './gazetteer.ts';
import { isFarOff, type LearnedPoints } from './learned-points.ts';
import type { ParsedAddress } from './parsed-address.ts';
import type { AddressProvider } from './provider.ts';

/**
 * The best point for an address: where it was delivered, else what a provider says, else the
 * division's. Every answer says which, so that nobody takes a county for a house.
 */
export class PointSource {
  readonly #learned: LearnedPoints;
  readonly #provider: AddressProvider | undefined;

  constructor({ learned, provider }: { learned: LearnedPoints; provider?: AddressProvider }) {
    this.#learned = learned;
    this.#provider = provider;
  }

  /** Without asking anybody. */
  known(address: ParsedAddress): AddressPoint | undefined {
    return this.#learned.point(address) ?? divisionPoint(address);
  }

  /** Asks the provider where deliveries know no house. What the provider fails at is left out. */
  async locate(address: ParsedAddress, signal: AbortSignal): Promise<AddressPoint | undefined> {
    const known = this.known(address);
    if (this.#provider === undefined || known?.basis === 'house') return known;
    const found = await this.#ask(this.#provider, address, signal);
    return found ?? known;
  }

  async #ask(
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
}

function divisionPoint(address: ParsedAddress): AddressPoint | undefined {
  const point = gazetteerPoint(address);
  return point && { ...point, basis: 'division' };
}

/** WGS-84. What it is the point of: the code says which division; fixes say how far they lie. */
export type AddressPoint = LatLng & {
  basis: 'house' | 'road' | 'street' | 'provider' | 'division';
  code?: string;
  radiusM?: number;
  fixCount?: number;
};
