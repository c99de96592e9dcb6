import { invalid } from '#libs/errors';
import { FINEST_RESOLUTION, parentCell } from '#libs/geo';
import type { Place } from '#proto/queqiao/network/v1/sort_table';
import { mustBeCell } from './area.ts';
import { divisionByNames, divisionsAround, isDivisionCode } from './division.ts';
import { slug, text } from './field.ts';
import { mustBeOwn, type Viewer } from './viewer.ts';

/** Where something is, in every form in which an area or a table may name it. */
export type PlaceKeys = {
  /** The cell and those around it, the finest first; empty if no cell is known. */
  cells: string[];
  /** The division and those around it, the narrowest first; empty if none is known. */
  divisions: string[];
};

/** The places of a request: 1 to 1,000. */
export function parsePlaces(places: readonly Place[]): PlaceKeys[] {
  if (places.length === 0 || places.length > PLACES_MAX) {
    throw invalid('places', 'LIST_SIZE', { min: 1, max: PLACES_MAX });
  }
  return places.map((place, i) => parsePlace(`places[${i}]`, place));
}

function parsePlace(field: string, { cell, divisionCode, ...names }: Place): PlaceKeys {
  const cells: string[] = [];
  if (cell !== '') {
    const finest = { min: FINEST_RESOLUTION, max: FINEST_RESOLUTION };
    if (mustBeCell(`${field}.cell`, cell) !== FINEST_RESOLUTION) {
      throw invalid(`${field}.cell`, 'CELL', finest);
    }
    for (let r = FINEST_RESOLUTION; r >= COARSEST; r--) cells.push(parentCell(cell, r));
  }
  for (const level of ['province', 'city', 'district', 'street'] as const) {
    text(`${field}.${level}`, names[level], 0, NAME_MAX);
  }
  if (divisionCode !== '' && !isDivisionCode(divisionCode)) {
    throw invalid(`${field}.division_code`, 'DIVISION_CODE');
  }
  const code = divisionCode === '' ? divisionByNames(names) : divisionCode;
  return { cells, divisions: divisionsAround(code) };
}

/** All that the areas and tables have to be asked for, each once. */
export function keysOf(places: readonly PlaceKeys[]): PlaceKeys & { below: string[] } {
  const cells = new Set(places.flatMap((place) => place.cells));
  const divisions = new Set(places.flatMap((place) => place.divisions));
  // Below a street there is nothing.
  const narrowest = new Set(places.flatMap((place) => place.divisions.slice(0, 1)));
  const below = [...narrowest].filter((code) => code.length < 9);
  return { cells: [...cells], divisions: [...divisions], below };
}

/** The courier that is asked about: a courier asks about none but itself. */
export function parseCourier(courierId: string, viewer: Viewer): string {
  mustBeOwn('courier_id', courierId, viewer);
  return slug('courier_id', viewer.kind === 'courier' ? viewer.id : courierId);
}

const PLACES_MAX = 1_000;
const NAME_MAX = 40;
const COARSEST = 5;
