/** `npm run test:fault` runs each fault for long; `npm test` runs a short form of it. */
export const isLong = process.env['QUEQIAO_FAULT_TEST'] === 'long';

/** The one for `npm test`, or the one for `npm run test:fault`. */
export function scaled<T>(short: T, long: T): T {
  return isLong ? long : short;
}

export const LONG_MS = 30 * 60_000;
