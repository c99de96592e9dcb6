import fc from 'fast-check';
import { gridDistance, latLngToCell } from 'h3-js';
import { describe, expect, it } from 'vitest';
import { Location_Datum } from '#proto/queqiao/type/v1/location';
import { gcoord } from './gcoord.ts';
import {
  cellOf,
  distanceM,
  type LatLng,
  parentCell,
  ROAD_DETOUR_FACTOR,
  resolutionOf,
  ring,
  roadDistanceM,
  toWgs84,
} from './index.ts';

const BEIJING = { latitudeDeg: 39.9042, longitudeDeg: 116.4074 };
const SHANGHAI = { latitudeDeg: 31.2304, longitudeDeg: 121.4737 };

/** Tiananmen in the three datums, as in gcoord's own documentation of the transforms. */
const TIANANMEN = {
  wgs84: { latitudeDeg: 39.907375, longitudeDeg: 116.391305 },
  gcj02: { latitudeDeg: 39.908778, longitudeDeg: 116.397548 },
  bd09: { latitudeDeg: 39.915119, longitudeDeg: 116.403921 },
};

const world = fc.record({
  latitudeDeg: fc.double({ min: -90, max: 90, noNaN: true }),
  longitudeDeg: fc.double({ min: -180, max: 180, noNaN: true }),
});
const china = fc.record({
  latitudeDeg: fc.double({ min: 3, max: 54, noNaN: true }),
  longitudeDeg: fc.double({ min: 73, max: 136, noNaN: true }),
});

describe('toWgs84', () => {
  it('leaves WGS-84, and a location without a datum, as it is', () => {
    fc.assert(
      fc.property(world, (point) => {
        expect(toWgs84({ ...point, datum: Location_Datum.WGS84 })).toEqual(point);
        expect(toWgs84({ ...point, datum: Location_Datum.UNSPECIFIED })).toEqual(point);
      }),
    );
  });

  it('finds Tiananmen from AMap and Baidu coordinates', () => {
    const fromAmap = toWgs84({ ...TIANANMEN.gcj02, datum: Location_Datum.GCJ02 });
    const fromBaidu = toWgs84({ ...TIANANMEN.bd09, datum: Location_Datum.BD09 });
    expect(distanceM(fromAmap, TIANANMEN.wgs84)).toBeLessThanOrEqual(2);
    expect(distanceM(fromBaidu, TIANANMEN.wgs84)).toBeLessThanOrEqual(2);
    // Taken as they stand they would be streets away.
    expect(distanceM(TIANANMEN.gcj02, TIANANMEN.wgs84)).toBeGreaterThan(500);
    expect(distanceM(TIANANMEN.bd09, TIANANMEN.wgs84)).toBeGreaterThan(1000);
  });

  it('undoes the shift everywhere in China within two metres', () => {
    fc.assert(
      fc.property(china, (given) => {
        for (const [datum, crs] of [
          [Location_Datum.GCJ02, gcoord.GCJ02],
          [Location_Datum.BD09, gcoord.BD09],
        ] as const) {
          const { latitudeDeg, longitudeDeg } = toWgs84({ ...given, datum });
          const [longitude, latitude] = gcoord.transform(
            [longitudeDeg, latitudeDeg],
            gcoord.WGS84,
            crs,
          );
          const back = { latitudeDeg: latitude, longitudeDeg: longitude };
          expect(distanceM(back, given)).toBeLessThanOrEqual(2);
        }
      }),
      { numRuns: 2000 },
    );
  });

  it('refuses a point outside China in a datum of China and names the coordinate', () => {
    const tokyo = { latitudeDeg: 35.6812, longitudeDeg: 139.7671 };
    const sydney = { latitudeDeg: -33.8688, longitudeDeg: 131.2 };
    for (const datum of [Location_Datum.GCJ02, Location_Datum.BD09]) {
      expect(() => toWgs84({ ...tokyo, datum }, 'node.location')).toThrow(
        expect.objectContaining({
          reason: 'FIELD_INVALID',
          field: 'node.location.longitude_deg',
          metadata: { problem: 'OUT_OF_RANGE', min: '73', max: '136' },
        }),
      );
      expect(() => toWgs84({ ...sydney, datum })).toThrow(
        expect.objectContaining({ field: 'location.latitude_deg' }),
      );
    }
    // What the check is for: the library alone says nothing and shifts nothing.
    const given: [number, number] = [tokyo.longitudeDeg, tokyo.latitudeDeg];
    expect(gcoord.transform([...given], gcoord.GCJ02, gcoord.WGS84)).toEqual(given);
  });

  it('refuses numbers that are no coordinates, and unknown datums', () => {
    const datum = Location_Datum.WGS84;
    for (const wrong of [Number.NaN, Number.POSITIVE_INFINITY, -90.001, 91]) {
      expect(() => toWgs84({ latitudeDeg: wrong, longitudeDeg: 0, datum })).toThrow(
        expect.objectContaining({
          field: 'location.latitude_deg',
          metadata: { problem: 'OUT_OF_RANGE', min: '-90', max: '90' },
        }),
      );
    }
    for (const wrong of [Number.NaN, Number.NEGATIVE_INFINITY, 180.001, -181]) {
      expect(() => toWgs84({ latitudeDeg: 0, longitudeDeg: wrong, datum })).toThrow(
        expect.objectContaining({ field: 'location.longitude_deg' }),
      );
    }
    const unknown = 99 as Location_Datum;
    expect(() => toWgs84({ ...BEIJING, datum: unknown })).toThrow(
      expect.objectContaining({
        field: 'location.datum',
        metadata: { problem: 'UNKNOWN_VALUE' },
      }),
    );
  });
});

describe('cells', () => {
  it('gives the known cell of a known point', () => {
    // The example of the H3 documentation.
    const point = { latitudeDeg: 37.775938728915946, longitudeDeg: -122.41795063018799 };
    expect(cellOf(point)).toBe('8928308280fffff');
    expect(cellOf(point, 7)).toBe('872830828ffffff');
    expect(resolutionOf(cellOf(point))).toBe(9);
  });

  it('keeps a point in the parent of its cell where H3 alone would name the neighbour', () => {
    const point = { latitudeDeg: 37.3615593, longitudeDeg: -122.0553238 };
    expect(latLngToCell(point.latitudeDeg, point.longitudeDeg, 7)).toBe('87283472bffffff');
    expect(cellOf(point, 7)).toBe('87283470dffffff');
  });

  it('makes every coarser cell the parent of the finest one', () => {
    fc.assert(
      fc.property(world, fc.integer({ min: 0, max: 9 }), (point, resolution) => {
        expect(cellOf(point, resolution)).toBe(parentCell(cellOf(point), resolution));
      }),
    );
  });

  it('rings are full and contain their centre', () => {
    const cell = cellOf(BEIJING);
    for (const k of [0, 1, 2, 5]) {
      const cells = ring(cell, k);
      expect(cells).toContain(cell);
      expect(new Set(cells).size).toBe(1 + 3 * k * (k + 1));
    }
  });

  it('works near Dalian, where the grid distance of H3 throws', () => {
    const dalian = cellOf({ latitudeDeg: 38.914, longitudeDeg: 121.6147 });
    const dandong = { latitudeDeg: 40.13, longitudeDeg: 124.38 };
    expect(() => gridDistance(dalian, cellOf(dandong))).toThrow();
    // The twelve pentagons have five neighbours; one of them lies in the sea east of the city.
    const pentagon = cellOf({ latitudeDeg: 39.10000003397593, longitudeDeg: 122.30000040778702 });
    expect(ring(pentagon, 1)).toHaveLength(6);
    expect(ring(dalian, 2)).toHaveLength(19);
  });

  it('refuses what is no cell, no resolution and no ring size', () => {
    const cell = cellOf(BEIJING, 7);
    for (const wrong of ['', 'zzz', '8928308280fffff0', cell.toUpperCase(), 'fffffffffffffff']) {
      expect(() => parentCell(wrong, 5)).toThrow(expect.objectContaining({ field: 'cell' }));
      expect(() => ring(wrong, 1)).toThrow(expect.objectContaining({ field: 'cell' }));
    }
    for (const wrong of [-1, 16, 1.5, Number.NaN]) {
      expect(() => cellOf(BEIJING, wrong)).toThrow(
        expect.objectContaining({ field: 'resolution' }),
      );
    }
    expect(() => parentCell(cell, 9)).toThrow(expect.objectContaining({ field: 'resolution' }));
    for (const wrong of [-1, 51, 0.5]) {
      expect(() => ring(cell, wrong)).toThrow(expect.objectContaining({ field: 'k' }));
    }
    expect(() => cellOf({ latitudeDeg: Number.NaN, longitudeDeg: 0 })).toThrow();
  });
});

describe('distances', () => {
  it('gives known distances in whole metres', () => {
    expect(distanceM(BEIJING, SHANGHAI)).toBeGreaterThan(1_066_000);
    expect(distanceM(BEIJING, SHANGHAI)).toBeLessThan(1_069_000);
    const degree = distanceM(at(0, 0), at(1, 0));
    expect(degree).toBe(111_195);
    expect(distanceM(at(0, 179.5), at(0, -179.5))).toBe(111_195);
    expect(distanceM(at(0, 0), at(0, 180))).toBe(20_015_114);
  });

  it('is symmetric, never negative and zero on the spot', () => {
    fc.assert(
      fc.property(world, world, (a, b) => {
        const there = distanceM(a, b);
        expect(Number.isSafeInteger(there) && there >= 0).toBe(true);
        expect(Math.abs(there - distanceM(b, a))).toBeLessThanOrEqual(1);
        expect(distanceM(a, a)).toBe(0);
        expect(there).toBeLessThanOrEqual(20_015_115);
      }),
    );
  });

  it('estimates the road as longer by the detour factor', () => {
    fc.assert(
      fc.property(china, china, (a, b) => {
        const road = roadDistanceM(a, b);
        expect(Math.abs(road - distanceM(a, b) * ROAD_DETOUR_FACTOR)).toBeLessThanOrEqual(2);
      }),
    );
  });
});

function at(latitudeDeg: number, longitudeDeg: number): LatLng {
  return { latitudeDeg, longitudeDeg };
}
