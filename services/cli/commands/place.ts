import type { Command } from 'commander';
import type { ConnectionOptions } from '../output.ts';

/** Adds the options that name a place. */
export function withPlace(command: Command): Command {
  return command
    .option('--cell <cell>', 'H3 cell of resolution 9')
    .option('--division <code>', 'code of a province, city, county or street')
    .option('--province <text>', 'name, as people write it')
    .option('--city <text>', 'name')
    .option('--district <text>', 'name')
    .option('--street <text>', 'name');
}

export function placeOf(options: PlaceOptions): Record<string, string> {
  const { cell, division: divisionCode, province, city, district, street } = options;
  const given = { cell, divisionCode, province, city, district, street };
  const entries = Object.entries(given).filter((entry) => entry[1] !== undefined);
  return Object.fromEntries(entries) as Record<string, string>;
}

export type PlaceOptions = ConnectionOptions & {
  courier?: string;
  cell?: string;
  division?: string;
  province?: string;
  city?: string;
  district?: string;
  street?: string;
};
