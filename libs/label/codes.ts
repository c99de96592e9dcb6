import { encode } from 'uqr';
import { bwip } from './libraries.ts';

/** Widths of bar, space, bar and so on of Code 128, in modules. */
export function code128(text: string): readonly number[] {
  const [symbol] = bwip().raw({ bcid: 'code128', text });
  if (symbol === undefined || !('sbs' in symbol))
    throw new Error(`Code 128 of ${text} has no bars`);
  return symbol.sbs;
}

/**
 * The dark modules of a QR code, error correction M, row by row. Always version 8 (49 modules) and
 * one mask: 152 bytes hold any signed payload, all labels look alike, and since a signature is as
 * good as random the choice of a mask, half of the work, changes nothing.
 */
export function qrCode(text: string): readonly boolean[][] {
  return encode(text, {
    ecc: 'M',
    border: 0,
    minVersion: QR_VERSION,
    maxVersion: QR_VERSION,
    maskPattern: 0,
    boostEcc: false,
  }).data;
}

/**
 * Where a code lies along one side of its box, its modules as whole dots of a device so that all
 * bars are equally sharp, and the quiet zones white.
 */
export function place(
  { startMm, lengthMm }: { readonly startMm: number; readonly lengthMm: number },
  { modules, quietModules, moduleMaxMm }: CodeKind & { readonly modules: number },
  dotMm: number,
): Placed {
  const fittingMm = Math.min(lengthMm / (modules + 2 * quietModules), moduleMaxMm);
  const moduleMm = Math.max(1, Math.floor(fittingMm / dotMm + 1e-6)) * dotMm;
  const firstMm = startMm + (lengthMm - modules * moduleMm) / 2;
  return { moduleMm, startMm: Math.round(firstMm / dotMm) * dotMm };
}

/** Whether a number's bars are wide enough to be scanned, on every printer that we draw for. */
export function code128Fits(text: string, lengthMm: number): boolean {
  const modulesMax = lengthMm / CODE128_MODULE_MIN_MM - 2 * CODE128.quietModules;
  // Letters and digits take a symbol each at most, beside start, check and stop: hardly a number is
  // so long that its bars have to be looked at.
  if (SYMBOL_MODULES * (text.length + 2) + STOP_MODULES <= modulesMax) return true;
  return code128(text).reduce((sum, width) => sum + width, 0) <= modulesMax;
}

/** The quiet zones that the standards ask for; wider bars than these gain nothing. */
export const CODE128: CodeKind = { quietModules: 10, moduleMaxMm: 0.5 };
export const QR: CodeKind = { quietModules: 4, moduleMaxMm: 0.5 };
/** Two dots at 203 dpi, three at 300 dpi. */
const CODE128_MODULE_MIN_MM = 0.2541;
const SYMBOL_MODULES = 11;
const STOP_MODULES = 13;
const QR_VERSION = 8;

type CodeKind = { readonly quietModules: number; readonly moduleMaxMm: number };
export type Placed = { readonly moduleMm: number; readonly startMm: number };
