import { invalid, type RpcError, toRpcError } from '#libs/errors';
import type { StreamContext } from '#libs/grpc';
import type { Merchant } from '#proto/queqiao/network/v1/merchant';
import type { AnsweredItem, AnsweredItems } from '../answer.ts';
import type { Deps } from '../deps.ts';
import type { Issue, IssueAnswer } from '../issue.ts';
import type { ParcelDraft } from '../parcel.ts';
import type { ReceivedItem, ReceivedItems } from '../receive.ts';
import { merchantOf } from '../tenant.ts';

/** Items that may be unanswered before the stream is read no further; told to the caller. */
const WINDOW = 256;
const ITEM_ID_MAX = 64;

export async function* issueWaybillStream(
  deps: Deps & { issue: Issue },
  requests: AsyncIterable<ReceivedItems>,
  context: StreamContext,
): AsyncIterable<AnsweredItems> {
  yield { window: WINDOW, outcomes: [] };
  const stream = new IssuingStream(deps, context);
  stream.begin(requests);
  try {
    for (;;) {
      const outcomes = await stream.takeOutcomes();
      if (outcomes.length === 0) return;
      yield { window: 0, outcomes };
      stream.makeRoom(outcomes.length);
    }
  } finally {
    stream.close();
  }
}

/**
 * One stream: reads items while there is room in the window, draws those that arrived in one turn
 * together, and gathers answers, in whatever order they come, until they are fetched. An item takes
 * up room until its answer is sent, so that a caller that does not read is not read either.
 */
class IssuingStream {
  readonly #deps: Deps & { issue: Issue };
  readonly #context: StreamContext;
  readonly #unanswered = new Set<string>();
  #merchantId: string | undefined;
  #gathered: Item[] = [];
  #outcomes: AnsweredItem[] = [];
  /** Items read whose answers have not been sent. */
  #openCount = 0;
  #isRead = false;
  #isClosed = false;
  #fault: RpcError | undefined;
  #onOutcome: (() => void) | undefined;
  #onRoom: (() => void) | undefined;

  constructor(deps: Deps & { issue: Issue }, context: StreamContext) {
    this.#deps = deps;
    this.#context = context;
  }

  begin(requests: AsyncIterable<ReceivedItems>): void {
    this.#readAll(requests).catch((error: unknown) => {
      this.#fault = toRpcError(error);
      this.#onOutcome?.();
    });
  }

  /** Waits for answers and takes all there are; none at the end, when all has been answered. */
  async takeOutcomes(): Promise<AnsweredItem[]> {
    while (this.#outcomes.length === 0) {
      if (this.#fault !== undefined) throw this.#fault;
      if (this.#isRead && this.#unanswered.size === 0) break;
      await new Promise<void>((resolve) => {
        this.#onOutcome = resolve;
      });
    }
    const outcomes = this.#outcomes;
    this.#outcomes = [];
    // Free from here on: the caller may use the name again as soon as it has the answer.
    for (const { itemId } of outcomes) this.#unanswered.delete(itemId);
    return outcomes;
  }

  makeRoom(count: number): void {
    this.#openCount -= count;
    if (this.#openCount < WINDOW) this.#onRoom?.();
  }

  /** Nobody fetches answers any more. */
  close(): void {
    this.#isClosed = true;
    this.#onRoom?.();
  }

  async #readAll(requests: AsyncIterable<ReceivedItems>): Promise<void> {
    for await (const { merchantId, items } of requests) {
      this.#merchantId = await this.#merchantIdOf(merchantId);
      if (items.length === 0 || items.length > WINDOW) {
        throw invalid('items', 'LIST_SIZE', { min: 1, max: WINDOW });
      }
      for (const [i, item] of items.entries()) this.#accept(item, `items[${i}].item_id`);
      while (this.#openCount >= WINDOW && !this.#isClosed) {
        await new Promise<void>((resolve) => {
          this.#onRoom = resolve;
        });
      }
      if (this.#isClosed) return;
    }
    this.#isRead = true;
    this.#onOutcome?.();
  }

  /** The merchant that the first message names; later ones say the same or nothing. */
  async #merchantIdOf(given: string): Promise<string> {
    if (this.#merchantId !== undefined) {
      if (given !== '' && given !== this.#merchantId) throw invalid('merchant_id', 'FIXED');
      return this.#merchantId;
    }
    const merchantId = merchantOf(this.#context.identity, given);
    await this.#deps.directory.merchant(merchantId);
    return merchantId;
  }

  #accept({ itemId, parcel }: ReceivedItem, field: string): void {
    if (itemId === '') throw invalid(field, 'REQUIRED');
    if (itemId.length > ITEM_ID_MAX) throw invalid(field, 'TOO_LONG', { max: ITEM_ID_MAX });
    if (this.#unanswered.has(itemId)) throw invalid(field, 'REPEATED');
    this.#unanswered.add(itemId);
    this.#openCount += 1;
    if (parcel === undefined) this.#answer([{ itemId, answer: invalid('parcel', 'REQUIRED') }]);
    else if ('error' in parcel) this.#answer([{ itemId, answer: parcel.error }]);
    else this.#gather({ itemId, draft: parcel });
  }

  /** Drawn at the end of this turn, with the others that the connection brought along. */
  #gather(item: Item): void {
    this.#gathered.push(item);
    if (this.#gathered.length > 1) return;
    setImmediate(() => {
      const items = this.#gathered;
      this.#gathered = [];
      void this.#draw(items).then((outcomes) => this.#answer(outcomes));
    });
  }

  async #draw(items: Item[]): Promise<AnsweredItem[]> {
    const { directory, issue } = this.#deps;
    try {
      const answers = await this.#context.work(async () => {
        // Asked each time: a stream may outlive its merchant's good standing.
        const merchant: Merchant = await directory.merchant(this.#merchantId ?? '');
        return await issue(
          merchant,
          items.map(({ draft }) => draft),
          this.#context.identity,
        );
      });
      return items.map(({ itemId }, i) => ({ itemId, answer: answers[i] as IssueAnswer }));
    } catch (error) {
      const answer = toRpcError(error);
      return items.map(({ itemId }) => ({ itemId, answer }));
    }
  }

  #answer(outcomes: AnsweredItem[]): void {
    for (const outcome of outcomes) this.#outcomes.push(outcome);
    this.#onOutcome?.();
  }
}

type Item = { itemId: string; draft: ParcelDraft };
