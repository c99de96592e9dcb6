import { RpcError } from '#libs/errors';
import { Waybill_State } from '#proto/queqiao/waybill/v1/waybill';

/** States as the database holds them; the schema's check repeats the list and a test compares. */
export const STATES = ['issued', 'prepositioned', 'recalled', 'cancelled'] as const;
export type State = (typeof STATES)[number];

/** From which states a command may move a waybill, and where to; null leaves it where it is. */
const TRANSITIONS = {
  update: { from: ['issued', 'prepositioned'], to: null },
  cancel: { from: ['issued', 'prepositioned'], to: 'cancelled' },
  release: { from: ['prepositioned'], to: 'issued' },
  recall: { from: ['prepositioned'], to: 'recalled' },
  /** Goods come back only if they went out. */
  return: { from: ['issued'], to: null },
  /** What waits near its buyer was brought to no door. */
  locate: { from: ['issued'], to: null },
} as const satisfies Record<string, { from: readonly State[]; to: State | null }>;
export type Command = keyof typeof TRANSITIONS;

export function allows(command: Command, from: State): boolean {
  return (TRANSITIONS[command].from as readonly State[]).includes(from);
}

/** Whether the courier still has something to do with the parcel. */
export function isLive(state: State): boolean {
  return state === 'issued' || state === 'prepositioned';
}

/** STATE_NOT_ALLOWED unless the command may start from that state. */
export function mustAllow(command: Command, from: State): void {
  if (!allows(command, from)) {
    throw new RpcError('STATE_NOT_ALLOWED', { metadata: { state: from } });
  }
}

const TO_MESSAGE: Record<State, Waybill_State> = {
  issued: Waybill_State.ISSUED,
  prepositioned: Waybill_State.PREPOSITIONED,
  recalled: Waybill_State.RECALLED,
  cancelled: Waybill_State.CANCELLED,
};

export function stateToMessage(state: State): Waybill_State {
  return TO_MESSAGE[state];
}

/** The state that a message names; undefined for one this server does not know. */
export function stateFromMessage(value: Waybill_State): State | undefined {
  return STATES.find((state) => TO_MESSAGE[state] === value);
}
