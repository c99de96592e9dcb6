// Places behind our own words: datum conversion at the door, H3 cells, distances in metres.
// Everything past toWgs84 is WGS-84. Knows no roads, addresses or database; gridDistance of H3 is
// left out on purpose, because it throws inside China (near Dalian).
export { cellOf, FINEST_RESOLUTION, parentCell, resolutionOf, ring } from './cell.ts';
export {
  borderKm,
  COARSEST_RESOLUTION,
  compact,
  countOf,
  crossingOf,
  estimateCells,
  isSame,
  middleOf,
  neighboursOf,
  type Polygon,
  spread,
} from './cover.ts';
export { distanceM, ROAD_DETOUR_FACTOR, roadDistanceM } from './distance.ts';
export { type GivenLocation, type LatLng, toWgs84 } from './location.ts';
export { coverOf } from './polygon-cover.ts';
