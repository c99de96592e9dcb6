import { createHash } from 'node:crypto';
import { create } from '@bufbuild/protobuf';
import { invalid } from '#libs/errors';
import { type Merchant, MerchantSchema } from '#proto/queqiao/network/v1/merchant';
import { present, slug, text } from './field.ts';
import { history, newState, STATES, type State, state, type Versioned } from './message.ts';

/** What a caller says of a merchant, valid and named as the columns are. */
export type MerchantDraft = {
  merchant_id: string;
  display_name: string;
  state: State;
  spread: number;
};

export type MerchantRow = MerchantDraft & Versioned & { home_bucket: number };

export const MERCHANT_FIXED = ['spread'] as const satisfies (keyof MerchantDraft)[];

export function parseNewMerchant(merchant: Merchant | undefined): MerchantDraft {
  return parse(merchant, newState);
}

export function parseMerchant(merchant: Merchant | undefined): MerchantDraft {
  return parse(merchant, state);
}

function parse(merchant: Merchant | undefined, stateOf: typeof state): MerchantDraft {
  const given = present('merchant', merchant);
  const spread = given.spread === 0 ? 1 : given.spread;
  if (!SPREADS.has(spread)) throw invalid('merchant.spread', 'SPREAD');
  return {
    merchant_id: slug('merchant.merchant_id', given.merchantId),
    display_name: text('merchant.display_name', given.displayName, 1, 80),
    state: stateOf('merchant.state', given.state),
    spread,
  };
}

/** First bucket of a merchant, 0 to 255: spread evenly, and the same in every installation. */
export function homeBucket(merchantId: string): number {
  return createHash('sha256').update(merchantId).digest().readUInt8(0);
}

export function merchantToMessage(row: MerchantRow): Merchant {
  return create(MerchantSchema, {
    merchantId: row.merchant_id,
    displayName: row.display_name,
    state: STATES[row.state],
    spread: row.spread,
    homeBucket: row.home_bucket,
    ...history(row.merchant_id, row),
  });
}

const SPREADS = new Set([1, 2, 4, 8, 16, 32, 64]);
