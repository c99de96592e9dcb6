import { invalid, tooMany } from '#libs/errors';
import { crossingOf, isSame, type LatLng, type Polygon, toWgs84 } from '#libs/geo';
import type { Location_Datum } from '#proto/queqiao/type/v1/location';

const BYTES_MAX = 2 * 1024 * 1024;
const CORNERS_MAX = 10_000;

/** The polygons of a GeoJSON text in WGS-84, each with a border that does not cross itself. */
export async function parseGeojson(
  field: string,
  text: string,
  datum: Location_Datum,
): Promise<Polygon[]> {
  const bytes = Buffer.byteLength(text);
  if (bytes > BYTES_MAX) throw tooMany(`${field} bytes`, bytes, BYTES_MAX);
  const reading = { field, datum, cornerCount: 0 };
  const polygons = polygonsIn(reading, parseJson(field, text), '$');
  for (const polygon of polygons) {
    const at = await crossingOf(polygon);
    if (at === undefined) continue;
    const longitude = at.longitudeDeg.toFixed(5);
    throw invalid(field, 'CROSSES_ITSELF', { longitude, latitude: at.latitudeDeg.toFixed(5) });
  }
  return polygons;
}

function polygonsIn(reading: Reading, value: unknown, at: string): Polygon[] {
  const object = Object(value) as Record<string, unknown>;
  const { coordinates } = object;
  switch (object['type']) {
    case 'Polygon':
      return [polygonOf(reading, coordinates, `${at}.coordinates`)];
    case 'MultiPolygon':
      return listOf(reading, coordinates, `${at}.coordinates`, polygonOf);
    case 'Feature':
      return polygonsIn(reading, object['geometry'], `${at}.geometry`);
    case 'FeatureCollection': {
      const features = listOf(reading, object['features'], `${at}.features`, featureOf);
      return features.flat();
    }
    default:
      throw invalid(reading.field, 'GEOJSON', { at });
  }
}

/** A collection within a collection, which the format does not know, could be deep without end. */
function featureOf(reading: Reading, value: unknown, at: string): Polygon[] {
  if ((Object(value) as { type?: unknown }).type !== 'Feature') {
    throw invalid(reading.field, 'GEOJSON', { at });
  }
  const { geometry } = value as { geometry?: { type?: unknown } };
  if (!['Polygon', 'MultiPolygon'].includes(String(geometry?.type))) {
    throw invalid(reading.field, 'GEOJSON', { at: `${at}.geometry` });
  }
  return polygonsIn(reading, geometry, `${at}.geometry`);
}

function polygonOf(reading: Reading, value: unknown, at: string): Polygon {
  return listOf(reading, value, at, ringOf);
}

function ringOf(reading: Reading, value: unknown, at: string): LatLng[] {
  const ring = listOf(reading, value, at, pointOf);
  const [first, last] = [ring[0] as LatLng, ring.at(-1) as LatLng];
  if (ring.length < 4 || !isSame(first, last)) throw invalid(reading.field, 'RING', { at });
  return ring;
}

function pointOf(reading: Reading, value: unknown, at: string): LatLng {
  const { field, datum } = reading;
  // A third number, the height, is allowed and says nothing here.
  const [longitudeDeg, latitudeDeg] = Array.isArray(value) ? (value as unknown[]) : [];
  if (typeof longitudeDeg !== 'number' || typeof latitudeDeg !== 'number') {
    throw invalid(field, 'GEOJSON', { at });
  }
  if (++reading.cornerCount > CORNERS_MAX) {
    throw tooMany(`${field} corners`, reading.cornerCount, CORNERS_MAX);
  }
  return toWgs84({ longitudeDeg, latitudeDeg, datum }, `${field} ${at}`);
}

function listOf<T>(
  reading: Reading,
  value: unknown,
  at: string,
  itemOf: (reading: Reading, item: unknown, at: string) => T,
): T[] {
  if (!Array.isArray(value) || value.length === 0) throw invalid(reading.field, 'GEOJSON', { at });
  return value.map((item, i) => itemOf(reading, item, `${at}[${i}]`));
}

function parseJson(field: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw invalid(field, 'GEOJSON', { at: '$' });
  }
}

type Reading = { field: string; datum: Location_Datum; cornerCount: number };
