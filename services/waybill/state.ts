import { Waybill_State } from '#proto/queqiao/waybill/v1/waybill';

/** States as the database holds them; the schema's check repeats the list and a test compares. */
export const STATES = ['issued', 'prepositioned', 'recalled', 'cancelled'] as const;
export type State = (typeof STATES)[number];

/** From which states a command may move a waybill, and where to. */
const TRANSITIONS = {
  cancel: { from: ['issued', 'prepositioned'], to: 'cancelled' },
  release: { from: ['prepositioned'], to: 'issued' },
  recall: { from: ['prepositioned'], to: 'recalled' },
} as const satisfies Record<string, { from: readonly State[]; to: State }>;

export function allows(command: keyof typeof TRANSITIONS, from: State): boolean {
  return (TRANSITIONS[command].from as readonly State[]).includes(from);
}

/** Whether the courier still has something to do with the parcel. */
export function isLive(state: State): boolean {
  return state === 'issued' || state === 'prepositioned';
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
