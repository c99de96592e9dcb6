import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { distanceM, type LatLng } from '#libs/geo';
import { Location_Datum } from '#proto/queqiao/type/v1/location';
import {
  type AddressProvider,
  cachedProvider,
  gazetteerPoint,
  LearnedPoints,
  PointSource,
  parseAddress,
} from './index.ts';

const HOUSE = parseAddress('杭州市萧山区北干街道金蓬街100号2幢301室');
const NEIGHBOUR = parseAddress('杭州市萧山区北干街道金蓬街102号');
const DOOR: LatLng = { latitudeDeg: 30.1801, longitudeDeg: 120.2702 };
const signal = AbortSignal.timeout(60_000);

function taught(fixes: readonly LatLng[]): LearnedPoints {
  const learned = new LearnedPoints();
  for (const fix of fixes) learned.learn(HOUSE, fix);
  return learned;
}

function near({ latitudeDeg, longitudeDeg }: LatLng, north: number, east = 0): LatLng {
  return { latitudeDeg: latitudeDeg + north / 111_195, longitudeDeg: longitudeDeg + east / 96_000 };
}

describe('what deliveries teach', () => {
  it('is the division’s point until three fixes agree', () => {
    const known = (count: number) => {
      const learned = taught(Array.from({ length: count }, () => DOOR));
      return new PointSource({ learned }).known(HOUSE)?.basis;
    };
    expect([0, 1, 2, 3].map(known)).toEqual(['division', 'division', 'division', 'house']);
  });

  it('is not moved by one fix at another place', () => {
    const fixes = [near(DOOR, 5), near(DOOR, -5), near(DOOR, 0, 5), near(DOOR, 0, -5)];
    const learned = taught([...fixes, near(DOOR, 20_000)]);
    const point = learned.point(HOUSE);
    expect(distanceM(point as LatLng, DOOR)).toBeLessThan(10);
    expect(point).toMatchObject({ basis: 'house', fixCount: 5 });
    expect(point?.radiusM).toBeLessThan(10);
  });

  it('serves the neighbours by road', () => {
    expect(taught([DOOR, DOOR, DOOR]).point(NEIGHBOUR)?.basis).toBe('road');
  });

  it('forgets the oldest of many', () => {
    const moved = near(DOOR, 300);
    const learned = taught([...Array(25).fill(DOOR), ...Array(25).fill(moved)]);
    expect(distanceM(learned.point(HOUSE) as LatLng, moved)).toBeLessThan(2);
  });

  it('takes no fix from another part of the world, and none without a county', () => {
    const learned = new LearnedPoints();
    expect(learned.learn(HOUSE, { latitudeDeg: 39.9, longitudeDeg: 116.4 })).toBe(false);
    expect(learned.learn(parseAddress('金蓬街100号'), DOOR)).toBe(false);
    expect(learned.learn(HOUSE, DOOR)).toBe(true);
  });

  it('lies among the fixes, whatever they are', () => {
    const offset = fc.integer({ min: -5_000, max: 5_000 });
    fc.assert(
      fc.property(
        fc.array(fc.tuple(offset, offset), { minLength: 3, maxLength: 40 }),
        (offsets) => {
          const fixes = offsets.map(([north, east]) => near(DOOR, north, east));
          const point = taught(fixes).point(HOUSE) as LatLng;
          const last = fixes.slice(-25);
          for (const axis of ['latitudeDeg', 'longitudeDeg'] as const) {
            const values = last.map((fix) => fix[axis]);
            expect(point[axis]).toBeGreaterThanOrEqual(Math.min(...values));
            expect(point[axis]).toBeLessThanOrEqual(Math.max(...values));
          }
        },
      ),
    );
  });
});

describe('a provider', () => {
  const answering = (location: Awaited<ReturnType<AddressProvider['locate']>>) => {
    const provider = { locate: vi.fn(async () => location) };
    return { provider, source: new PointSource({ learned: new LearnedPoints(), provider }) };
  };

  it('is asked where deliveries know no house, and its datum is converted', async () => {
    const { source } = answering({ ...DOOR, datum: Location_Datum.GCJ02 });
    const point = await source.locate(HOUSE, signal);
    expect(point?.basis).toBe('provider');
    expect(distanceM(point as LatLng, DOOR)).toBeGreaterThan(300);
  });

  it('is not believed outside China in a datum of China, nor in another county', async () => {
    const tokyo = { latitudeDeg: 35.68, longitudeDeg: 139.77, datum: Location_Datum.GCJ02 };
    const beijing = { latitudeDeg: 39.9, longitudeDeg: 116.4, datum: Location_Datum.WGS84 };
    for (const location of [tokyo, beijing]) {
      const point = await answering(location).source.locate(HOUSE, signal);
      expect(point).toMatchObject({ basis: 'division', code: gazetteerPoint(HOUSE)?.code });
    }
  });

  it('that fails leaves the division’s point; who gives up gets the own error', async () => {
    const provider = { locate: () => Promise.reject(new Error('away')) };
    const source = new PointSource({ learned: new LearnedPoints(), provider });
    expect((await source.locate(HOUSE, signal))?.basis).toBe('division');
    const gone = AbortSignal.abort(new Error('gone'));
    await expect(source.locate(HOUSE, gone)).rejects.toThrow('gone');
  });

  it('is asked once for one house, whoever lives there, also when it knows none', async () => {
    const { provider } = answering(undefined);
    const cached = cachedProvider(provider, { countMax: 10, ttlMs: 60_000 });
    await cached.locate(HOUSE, signal);
    await cached.locate(parseAddress('韩梅梅 杭州市萧山区北干街道金蓬街100号2幢401室'), signal);
    expect(provider.locate).toHaveBeenCalledTimes(1);
    await cached.locate(NEIGHBOUR, signal);
    expect(provider.locate).toHaveBeenCalledTimes(2);
  });
});
