import { readFileSync } from 'node:fs';
import { divisions, gazetteerPoint, placeOf } from '#libs/address';
import { distanceM, type LatLng } from '#libs/geo';

/** How far the gazetteer's points of counties lie from those of another list. */
export function measurePoints(file: string): Record<string, number> {
  const known = divisions();
  const distances: number[] = [];
  let counties = 0;
  for (const { code, point } of readLocations(file)) {
    const node = known.find(code);
    if (node === undefined || known.level(node) !== 2) continue;
    counties++;
    const ours = gazetteerPoint(placeOf(known, node));
    if (ours?.code === code) distances.push(distanceM(ours, point));
  }
  distances.sort((a, b) => a - b);
  const at = (share: number) => distances[Math.floor(distances.length * share)] ?? 0;
  return {
    county_point_share: Math.round((distances.length / Math.max(1, counties)) * 10_000) / 10_000,
    county_point_median_m: at(0.5),
    county_point_p95_m: at(0.95),
  };
}

/** The first line is a version, the second has the names of the columns. */
function readLocations(file: string): { code: string; point: LatLng }[] {
  const [, heading = '', ...lines] = readFileSync(file, 'utf8').trim().split('\n');
  const columns = heading.trim().split(',');
  const at = (name: string) => columns.indexOf(name);
  const [latitude, longitude, code] = [at('Latitude'), at('Longitude'), at('AD_code')];
  return lines.map((line) => {
    const cells = line.trim().split(',');
    const point = { latitudeDeg: Number(cells[latitude]), longitudeDeg: Number(cells[longitude]) };
    return { code: cells[code] ?? '', point };
  });
}
