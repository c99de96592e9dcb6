/** How many of an account's drawn waybills may be cancelled. */
export type CancelRatio = {
  /** In 1/100 of those drawn, 0 to 100; 100 limits nothing. */
  percent: number;
  /** Below so many drawn nothing is limited. */
  freeCount: number;
};

/** The most that may be cancelled of so many drawn; undefined if there is no limit. */
export function cancellableOf(drawn: bigint, { percent, freeCount }: CancelRatio) {
  if (percent >= 100 || drawn < BigInt(freeCount)) return undefined;
  return (drawn * BigInt(percent)) / 100n;
}
