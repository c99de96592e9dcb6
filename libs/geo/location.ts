import { invalid } from '#libs/errors';
import { Location_Datum } from '#proto/queqiao/type/v1/location';
import { gcoord } from './gcoord.ts';

/**
 * Where China's shifted datums may be used. GCJ-02 is defined for China alone, and gcoord hands
 * points outside its own, wider box back unshifted without a word. The box is smaller than gcoord's
 * (72.004..137.8347 E, 0.8293..55.8271 N) because its inverse never ends for some points at that
 * edge, and larger than China with its seas. A neighbour's point inside the box is still shifted.
 */
const CHINA = { minLatitude: 3, maxLatitude: 54, minLongitude: 73, maxLongitude: 136 };

/**
 * A location as given, in WGS-84 (GPS) degrees; DATUM_UNSPECIFIED counts as WGS-84. `field` is the
 * path of the location in the request. Throws FIELD_INVALID for a number that is not finite or out
 * of range, for an unknown datum, and for a point outside China in a datum of China.
 */
export function toWgs84(given: GivenLocation, field = 'location'): LatLng {
  const { latitudeDeg, longitudeDeg, datum } = given;
  assertBetween(latitudeDeg, -90, 90, `${field}.latitude_deg`);
  assertBetween(longitudeDeg, -180, 180, `${field}.longitude_deg`);
  switch (datum) {
    case Location_Datum.UNSPECIFIED:
    case Location_Datum.WGS84:
      return { latitudeDeg, longitudeDeg };
    case Location_Datum.GCJ02:
      return unshift(given, gcoord.GCJ02, field);
    case Location_Datum.BD09:
      return unshift(given, gcoord.BD09, field);
    default:
      throw invalid(`${field}.datum`, 'UNKNOWN_VALUE');
  }
}

function unshift(given: LatLng, from: ShiftedDatum, field: string): LatLng {
  const { latitudeDeg, longitudeDeg } = given;
  assertBetween(latitudeDeg, CHINA.minLatitude, CHINA.maxLatitude, `${field}.latitude_deg`);
  assertBetween(longitudeDeg, CHINA.minLongitude, CHINA.maxLongitude, `${field}.longitude_deg`);
  const [longitude, latitude] = gcoord.transform([longitudeDeg, latitudeDeg], from, gcoord.WGS84);
  return { latitudeDeg: latitude, longitudeDeg: longitude };
}

function assertBetween(value: number, min: number, max: number, field: string): void {
  // Written so that NaN fails too.
  if (!(value >= min && value <= max)) throw invalid(field, 'OUT_OF_RANGE', { min, max });
}

/** A point in WGS-84 unless a datum beside it says otherwise. Degrees north and east. */
export type LatLng = { readonly latitudeDeg: number; readonly longitudeDeg: number };

/** A point in a stated datum, as the Location message holds it. */
export type GivenLocation = LatLng & { readonly datum: Location_Datum };

type ShiftedDatum = typeof gcoord.GCJ02 | typeof gcoord.BD09;
