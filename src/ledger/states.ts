/**
 * The closed lists of states, and every move that is allowed between them. A state that leads nowhere is final.
 * Each statement of the ledger that changes a state asks {@link statesBefore} for the states it may come from.
 */
export const STATES = {
  event: {
    queued: ['delivering', 'filtered', 'empty', 'dead', 'discarded'],
    delivering: ['delivered', 'dead', 'discarded', 'queued'],
    delivered: ['queued'],
    filtered: ['queued'],
    empty: ['queued'],
    dead: ['queued'],
    discarded: ['queued'],
    duplicate: [],
  },
  run: {
    queued: ['running'],
    running: ['running', 'delivering', 'filtered', 'empty', 'dead', 'discarded'],
    delivering: ['delivered', 'dead', 'discarded'],
    delivered: [],
    filtered: [],
    empty: [],
    dead: [],
    discarded: [],
  },
  delivery: {
    queued: ['sending'],
    sending: ['sending', 'delivered', 'retrying', 'dead', 'discarded'],
    retrying: ['sending'],
    delivered: [],
    dead: [],
    discarded: [],
  },
} as const

export type Subject = keyof typeof STATES
export type StateOf<S extends Subject> = keyof (typeof STATES)[S] & string
export type EventState = StateOf<'event'>
export type RunState = StateOf<'run'>
export type DeliveryState = StateOf<'delivery'>

/** The states from which a subject may move into this one. */
export function statesBefore<S extends Subject>(subject: S, state: StateOf<S>): StateOf<S>[] {
  const table: Record<string, readonly string[]> = STATES[subject]
  return Object.keys(table).filter((from) => table[from]?.includes(state)) as StateOf<S>[]
}

/** The states in which work is still to be done by itself; an event's only way on from a final state is a replay. */
export const UNFINISHED = {
  event: ['queued', 'delivering'],
  run: ['queued', 'running', 'delivering'],
  delivery: ['queued', 'sending', 'retrying'],
} as const satisfies { [S in Subject]: readonly StateOf<S>[] }
