import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { distanceM, type LatLng } from '#libs/geo';
import { addressKeys, FIX_COUNT_MAX, isFarOff, learnedPoint, parseAddress } from './index.ts';

const HOUSE = parseAddress('杭州市萧山区北干街道金蓬街100号2幢301室');
const DOOR: LatLng = { latitudeDeg: 30.1801, longitudeDeg: 120.2702 };

const keysOf = (text: string) => addressKeys(parseAddress(text)).map(({ key }) => key);

function near({ latitudeDeg, longitudeDeg }: LatLng, north: number, east = 0): LatLng {
  return { latitudeDeg: latitudeDeg + north / 111_195, longitudeDeg: longitudeDeg + east / 96_000 };
}

describe('the keys of an address', () => {
  it('go from the house to the street, and name no room and nobody', () => {
    expect(addressKeys(HOUSE).map(({ basis }) => basis)).toEqual(['house', 'road', 'street']);
    const other = '韩梅梅 13911112222 杭州市萧山区北干街道金蓬街100号5幢402室';
    expect(keysOf(other)).toEqual(addressKeys(HOUSE).map(({ key }) => key));
  });

  it('are shared by neighbours as far as they are neighbours', () => {
    const [house, road, street] = addressKeys(HOUSE).map(({ key }) => key);
    expect(keysOf('杭州市萧山区北干街道金蓬街102号').slice(1)).toEqual([road, street]);
    expect(keysOf('杭州市萧山区北干街道金蓬街102号')).not.toContain(house);
    expect(keysOf('杭州市萧山区北干街道博学路102号').slice(2)).toEqual([street]);
    // The same road and number in another town are another place.
    expect(keysOf('杭州市萧山区瓜沥镇金蓬街100号')).not.toContain(house);
  });

  it('know a building without a road, and nothing without a county', () => {
    const [first] = addressKeys(parseAddress('杭州市萧山区北干街道绿都小区3幢201室'));
    expect(first?.basis).toBe('house');
    expect(keysOf('杭州市金蓬街100号')).toEqual([]);
    expect(keysOf('金蓬街100号')).toEqual([]);
    // Without street and road there is nothing below the county.
    expect(keysOf('杭州市萧山区')).toEqual([]);
  });
});

describe('a learnt point', () => {
  it('needs three fixes', () => {
    const counts = [0, 1, 2, 3].map((count) => learnedPoint('house', Array(count).fill(DOOR)));
    expect(counts.map((point) => point?.fixCount)).toEqual([undefined, undefined, undefined, 3]);
  });

  it('has half of its fixes within its radius', () => {
    const fixes = [near(DOOR, 5), near(DOOR, -5), near(DOOR, 0, 40), near(DOOR, 0, -40), DOOR];
    const point = learnedPoint('house', fixes);
    expect(point).toMatchObject({ basis: 'house', fixCount: 5, radiusM: 5 });
  });

  it('counts the newest alone', () => {
    const moved = near(DOOR, 300);
    const fixes = [...Array(FIX_COUNT_MAX).fill(moved), ...Array(100).fill(DOOR)];
    const point = learnedPoint('street', fixes);
    expect(distanceM(point as LatLng, moved)).toBeLessThan(2);
    expect(point?.fixCount).toBe(FIX_COUNT_MAX);
  });

  const offset = fc.integer({ min: -500, max: 500 });
  const others = fc.array(fc.tuple(offset, offset), { minLength: 2, maxLength: 24 });
  const anywhere = fc.record({
    latitudeDeg: fc.double({ min: 3, max: 54, noNaN: true }),
    longitudeDeg: fc.double({ min: 73, max: 136, noNaN: true }),
  });

  /** Whether one fix anywhere leaves the point among the others, whichever way it is made. */
  function holds(pointOf: (fixes: LatLng[]) => LatLng | undefined): boolean {
    const property = fc.property(others, anywhere, fc.nat(24), (offsets, outlier, at) => {
      const fixes = offsets.map(([north, east]) => near(DOOR, north, east));
      const point = pointOf(fixes.toSpliced(at % (fixes.length + 1), 0, outlier));
      return (['latitudeDeg', 'longitudeDeg'] as const).every((axis) => {
        const values = fixes.map((fix) => fix[axis]);
        const value = point?.[axis] ?? Number.NaN;
        return value >= Math.min(...values) && value <= Math.max(...values);
      });
    });
    return !fc.check(property).failed;
  }

  it('is moved by one fix anywhere to no place where the others are not', () => {
    expect(holds((fixes) => learnedPoint('house', fixes))).toBe(true);
  });

  it('would be, if it were the mean', () => {
    const mean = (values: number[]) => values.reduce((sum, value) => sum + value) / values.length;
    const meanOf = (fixes: LatLng[]) => ({
      latitudeDeg: mean(fixes.map((fix) => fix.latitudeDeg)),
      longitudeDeg: mean(fixes.map((fix) => fix.longitudeDeg)),
    });
    expect(holds(meanOf)).toBe(false);
  });
});

describe('a fix far off', () => {
  it('lies over 150 km from the county', () => {
    expect(isFarOff(HOUSE, DOOR)).toBe(false);
    expect(isFarOff(HOUSE, near(DOOR, 140_000))).toBe(false);
    expect(isFarOff(HOUSE, near(DOOR, 170_000))).toBe(true);
    expect(isFarOff(HOUSE, { latitudeDeg: 0, longitudeDeg: 0 })).toBe(true);
  });
});
