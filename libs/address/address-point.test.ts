import { describe, expect, it, vi } from 'vitest';
import { distanceM, type GivenLocation, type LatLng } from '#libs/geo';
import { Location_Datum } from '#proto/queqiao/type/v1/location';
import {
  cachedProvider,
  gazetteerPoint,
  knownPoint,
  learnedPoint,
  locateAddress,
  parseAddress,
} from './index.ts';

const HOUSE = parseAddress('杭州市萧山区北干街道金蓬街100号2幢301室');
const NEIGHBOUR = parseAddress('杭州市萧山区北干街道金蓬街102号');
const DOOR: LatLng = { latitudeDeg: 30.1801, longitudeDeg: 120.2702 };
const signal = AbortSignal.timeout(60_000);

const learned = (basis: 'house' | 'road') => learnedPoint(basis, [DOOR, DOOR, DOOR]);
const answering = (location: GivenLocation | undefined) => ({
  locate: vi.fn(async () => location),
});

describe('the known point', () => {
  it('is the learnt one, else the division’s, and says which', () => {
    expect(knownPoint(HOUSE, learned('road'))).toMatchObject({ ...DOOR, basis: 'road' });
    const { code } = gazetteerPoint(HOUSE) ?? {};
    expect(knownPoint(HOUSE, undefined)).toMatchObject({ basis: 'division', code });
    expect(knownPoint(parseAddress('某某'), undefined)).toBeUndefined();
  });
});

describe('a provider', () => {
  it('is asked where deliveries know no house, and its datum is converted', async () => {
    const provider = answering({ ...DOOR, datum: Location_Datum.GCJ02 });
    const point = await locateAddress(HOUSE, { learned: learned('road'), provider, signal });
    expect(point?.basis).toBe('provider');
    expect(distanceM(point as LatLng, DOOR)).toBeGreaterThan(300);
    const known = await locateAddress(HOUSE, { learned: learned('house'), provider, signal });
    expect(known?.basis).toBe('house');
    expect(provider.locate).toHaveBeenCalledTimes(1);
  });

  it('is not believed outside China in a datum of China, nor in another county', async () => {
    const tokyo = { latitudeDeg: 35.68, longitudeDeg: 139.77, datum: Location_Datum.GCJ02 };
    const beijing = { latitudeDeg: 39.9, longitudeDeg: 116.4, datum: Location_Datum.WGS84 };
    for (const location of [tokyo, beijing]) {
      const provider = answering(location);
      const point = await locateAddress(HOUSE, { learned: undefined, provider, signal });
      expect(point).toMatchObject({ basis: 'division', code: gazetteerPoint(HOUSE)?.code });
    }
  });

  it('that fails leaves what is known; who gives up gets the own error', async () => {
    const provider = { locate: () => Promise.reject(new Error('away')) };
    const point = await locateAddress(HOUSE, { learned: learned('road'), provider, signal });
    expect(point?.basis).toBe('road');
    const gone = AbortSignal.abort(new Error('gone'));
    const asked = locateAddress(HOUSE, { learned: undefined, provider, signal: gone });
    await expect(asked).rejects.toThrow('gone');
  });

  it('is asked once for one house, whoever lives there, also when it knows none', async () => {
    const provider = answering(undefined);
    const cached = cachedProvider(provider, { countMax: 10, ttlMs: 60_000 });
    await cached.locate(HOUSE, signal);
    await cached.locate(parseAddress('韩梅梅 杭州市萧山区北干街道金蓬街100号2幢401室'), signal);
    expect(provider.locate).toHaveBeenCalledTimes(1);
    await cached.locate(NEIGHBOUR, signal);
    expect(provider.locate).toHaveBeenCalledTimes(2);
  });
});
