import { LRUCache } from 'lru-cache';
import { type Pool, transaction } from '#libs/db';
import { RpcError } from '#libs/errors';
import type { Clock } from '#libs/run';
import type { Issue, IssueAnswer } from './issue.ts';
import {
  deleteQuotaDays,
  giveBackQuota,
  insertQuotaDay,
  type QuotaDay,
  takeQuota,
} from './store/quota.ts';

/** A process takes so much of a day's quota at a time, and at most so many. */
const PIECE_OF_DAY = 100;
const PIECE_MAX = 1_000;
const DAY_MS = 24 * 3_600_000;

/**
 * Holds callers to the waybills that their key or token may issue in a day (UTC). The count stands
 * in the database, from which each process takes pieces: so it holds over all processes and over
 * restarts, and a call mostly finds its piece in memory. It is never exceeded; what a process has
 * taken and not used is missing to the others until it stops, a hundredth of the quota at most.
 */
export class Quotas implements AsyncDisposable {
  readonly #deps: QuotaDeps;
  readonly #pieces = new LRUCache<string, Piece>({
    max: 10_000,
    dispose: (piece) => void this.#handBack(piece).catch(() => undefined),
  });

  constructor(deps: QuotaDeps) {
    this.#deps = deps;
  }

  /** Issues as before, but QUOTA_EXCEEDED for the whole call if not all of it has a place today. */
  limit(issue: Issue): Issue {
    return async (merchant, drafts, identity) => {
      const perDay = identity.limits?.waybillsPerDay ?? 0n;
      // The quota's own identity: without one, nobody has set a quota either.
      if (perDay === 0n || identity.quotaId === undefined) return issue(merchant, drafts, identity);
      const piece = await this.#take({ quotaId: identity.quotaId, perDay }, drafts.length);
      const answers = await issue(merchant, drafts, identity);
      piece.leftCount += answers.filter(isUncounted).length;
      return answers;
    };
  }

  /** Hands back what is not used. Call when no call is under way any more. */
  async [Symbol.asyncDispose](): Promise<void> {
    const pieces = [...this.#pieces.values()];
    await Promise.all(pieces.map((piece) => this.#handBack(piece)));
  }

  async #take(quota: Quota, count: number): Promise<Piece> {
    const { quotaId } = quota;
    const day = this.#deps.now().toISOString().slice(0, 10);
    let piece = this.#pieces.get(quotaId);
    if (piece?.day !== day) {
      piece = { quotaId, day, leftCount: 0, refilling: Promise.resolve() };
      this.#pieces.set(quotaId, piece);
    }
    const own = piece;
    if (own.leftCount < count) {
      // One after the other: who comes later finds what those before have left.
      own.refilling = own.refilling
        .catch(() => undefined)
        .then(() => this.#refill(own, quota, count));
      await own.refilling;
    }
    if (own.leftCount < count) throw this.#exceeded(quota, own.leftCount);
    own.leftCount -= count;
    return own;
  }

  async #refill(piece: Piece, { perDay }: Quota, count: number): Promise<void> {
    if (piece.leftCount >= count) return;
    const share = Math.min(PIECE_MAX, Math.ceil(Number(perDay) / PIECE_OF_DAY));
    const wanted = Math.max(share, count) - piece.leftCount;
    piece.leftCount += await transaction(this.#deps.pool, async (tx) => {
      await insertQuotaDay(tx, piece);
      await deleteQuotaDays(tx, piece);
      return takeQuota(tx, piece, { count: wanted, max: perDay });
    });
  }

  async #handBack(piece: Piece): Promise<void> {
    const { leftCount } = piece;
    piece.leftCount = 0;
    if (leftCount > 0) await giveBackQuota(this.#deps.pool, piece, leftCount);
  }

  #exceeded({ perDay }: Quota, left: number): RpcError {
    const nowMs = this.#deps.now().getTime();
    return new RpcError('QUOTA_EXCEEDED', {
      metadata: { waybills_per_day: String(perDay), left: String(left) },
      retryAfterMs: DAY_MS - (nowMs % DAY_MS),
    });
  }
}

/** Surely drew no new number: refused, or issued before. After a fault, one may exist after all. */
function isUncounted(answer: IssueAnswer): boolean {
  if (!(answer instanceof RpcError)) return answer.alreadyIssued;
  return answer.reason === 'OVERLOADED' || (!answer.retryable && answer.reason !== 'INTERNAL');
}

type Quota = { quotaId: string; perDay: bigint };
type Piece = QuotaDay & { leftCount: number; refilling: Promise<void> };
export type QuotaDeps = { pool: Pool; now: Clock };
