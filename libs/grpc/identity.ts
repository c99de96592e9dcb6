import type { BlockList } from 'node:net';

/** On whose behalf a call is made. */
export type Identity = {
  readonly kind: IdentityKind;
  /** merchant_id, courier_id or the service's name; empty for an operator. */
  readonly id: string;
  readonly scopes: ReadonlySet<string>;
  /** Which of its keys it showed. */
  readonly keyId: string;
  /** From where alone it may call; without it, from anywhere. */
  readonly addresses?: BlockList | undefined;
  /** How much it may call; without it, as the server's settings say. */
  readonly limits?: CallLimits | undefined;
  /** Under which its waybills of a day are counted. */
  readonly quotaId?: string | undefined;
};

/** 0 leaves it to the settings; a quota of 0 is none. */
export type CallLimits = {
  readonly callsPerS: number;
  readonly burstCount: number;
  readonly waybillsPerDay: bigint;
};

export type IdentityKind = 'operator' | 'merchant' | 'courier' | 'service';

/** What a handler knows of the call it serves; also `parent` of the calls it makes. */
export type CallContext = {
  readonly identity: Identity;
  /** Aborted at the deadline and when the caller leaves, with an RpcError as the reason. */
  readonly signal: AbortSignal;
  /** When the call is answered DEADLINE_EXCEEDED, done or not. */
  readonly deadline: Date;
  /** `queqiao.waybill.v1.WaybillService/IssueWaybills` */
  readonly method: string;
  /** The caller's `x-request-id`, or one made here; passed on by calls with this parent. */
  readonly requestId: string;
};

/** What the handler of a stream knows besides. */
export type StreamContext = CallContext & {
  /**
   * Runs `work` in a place among the calls in flight, which an open stream does not hold. Waits for
   * one, while the stream is not read on: the caller is slowed, not refused.
   */
  work<T>(work: () => Promise<T>): Promise<T>;
};
