import type { CustomArea } from './custom-area.ts';

/** Everything that stands on one label. Names, phones and addresses come masked. */
export type Label = {
  /** Who carries it, as people know it. */
  readonly courierName: string;
  /** The courier's product, such as 标快. */
  readonly serviceName: string;
  readonly waybillNumber: string;
  /** Missing where no code is known: the area then stays empty. */
  readonly sortCode?: SortCode | undefined;
  /** Where bags for it are opened (集包地); empty if not known. */
  readonly bagDestination: string;
  readonly consignee: Party;
  readonly sender: Party;
  readonly services: readonly LabelService[];
  /** Which parcel of the shipment, from 1, and how many it has. */
  readonly parcelNo: number;
  readonly parcelCount: number;
  /** Of a child (子单): its parent's number (母单). */
  readonly parentNumber?: string | undefined;
  readonly orderRef: string;
  readonly goodsDescription: string;
  /** 0 if not known. */
  readonly weightG: number;
  /** The signed payload, see signLabel. */
  readonly qrText: string;
  readonly printTime: Date;
  /** 0 on the first print. */
  readonly reprintCount: number;
  /** The merchant's own area. */
  readonly custom?: CustomArea | undefined;
};

/** Where it is sorted to: sorting centre, outlet, route; and the one string that people read. */
export type SortCode = {
  readonly hub: string;
  readonly branch: string;
  readonly route: string;
  readonly text: string;
};

/** Masked. */
export type Party = { readonly name: string; readonly phone: string; readonly address: string };

/** What the courier does beyond the transport. */
export type LabelService =
  | { readonly kind: 'cod'; readonly amountFen: bigint }
  | { readonly kind: 'insured'; readonly valueFen: bigint }
  | { readonly kind: 'cold_chain'; readonly minDecic: number; readonly maxDecic: number }
  | { readonly kind: 'freight'; readonly pieceCount: number; readonly package: string }
  | { readonly kind: 'other'; readonly text: string };

export const LABEL_SIZES = {
  '76x130': { widthMm: 76, heightMm: 130 },
  '100x180': { widthMm: 100, heightMm: 180 },
} as const;
export type LabelSize = keyof typeof LABEL_SIZES;
