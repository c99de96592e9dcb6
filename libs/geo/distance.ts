import type { LatLng } from './location.ts';

/** Mean radius of the Earth in metres (IUGG); the sphere is within 0.6 % of the ellipsoid. */
const EARTH_RADIUS_M = 6_371_008.8;

/**
 * Road kilometres per kilometre as the crow flies: a mean of 1.324 was found over 25 Chinese cities
 * (Annals of GIS, 2021). Trips under 2 km bend more, islands far more; a table learnt per city from
 * deliveries would be better.
 */
export const ROAD_DETOUR_FACTOR = 1.32;

/** Great-circle distance of two WGS-84 points (haversine) in whole metres. */
export function distanceM(from: LatLng, to: LatLng): number {
  return Math.round(greatCircleM(from, to));
}

/** Estimated distance by road in whole metres. An estimate for costs, not for navigation. */
export function roadDistanceM(from: LatLng, to: LatLng): number {
  return Math.round(greatCircleM(from, to) * ROAD_DETOUR_FACTOR);
}

function greatCircleM(from: LatLng, to: LatLng): number {
  const latitudeFrom = radians(from.latitudeDeg);
  const latitudeTo = radians(to.latitudeDeg);
  const halfLatitude = (latitudeTo - latitudeFrom) / 2;
  const halfLongitude = radians(to.longitudeDeg - from.longitudeDeg) / 2;
  const h =
    Math.sin(halfLatitude) ** 2 +
    Math.cos(latitudeFrom) * Math.cos(latitudeTo) * Math.sin(halfLongitude) ** 2;
  // Rounding can push h over 1 for antipodes.
  return 2 * EARTH_RADIUS_M * Math.asin(Math.sqrt(Math.min(1, h)));
}

function radians(degrees: number): number {
  return (degrees * Math.PI) / 180;
}
