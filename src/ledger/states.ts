/**
 * The closed lists of states, and every move that is allowed between them. What is not {@link UNFINISHED} has ended: it
 * goes on only when an operator replays or discards it, if at all.
 *
 * Each statement of the ledger that changes a state asks {@link statesBefore} for the states it may come from.
 */
export const STATES = {
  event: {
    queued: ['delivering', 'filtered', 'empty', 'dead', 'discarded'],
    delivering: ['delivered', 'dead', 'discarded', 'superseded', 'queued'],
    delivered: ['queued', 'delivering'],
    filtered: ['queued'],
    empty: ['queued'],
    dead: ['queued', 'delivering', 'delivered', 'discarded'],
    discarded: ['queued', 'delivering'],
    superseded: ['queued'],
    duplicate: [],
    quarantined: ['queued', 'discarded'],
  },
  run: {
    queued: ['running', 'discarded'],
    running: ['running', 'delivering', 'filtered', 'empty', 'retrying', 'dead', 'discarded'],
    retrying: ['running', 'discarded'],
    delivering: ['delivered', 'dead', 'discarded', 'superseded'],
    delivered: ['delivering'],
    filtered: [],
    empty: [],
    dead: ['delivering', 'delivered', 'discarded'],
    discarded: ['delivering'],
    superseded: [],
  },
  /** `delayed` and `retrying` wait for their time, `waiting` for its turn; what is `queued` has been released. */
  delivery: {
    delayed: ['waiting', 'discarded', 'superseded'],
    waiting: ['queued', 'discarded', 'superseded'],
    queued: ['sending', 'waiting', 'discarded'],
    sending: ['sending', 'delivered', 'retrying', 'dead', 'discarded'],
    retrying: ['waiting', 'discarded', 'superseded'],
    delivered: [],
    dead: ['discarded', 'superseded'],
    discarded: ['superseded'],
    superseded: [],
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

/** The states in which work is still to be done by itself. */
export const UNFINISHED = {
  event: ['queued', 'delivering'],
  run: ['queued', 'running', 'retrying', 'delivering'],
  delivery: ['delayed', 'waiting', 'queued', 'sending', 'retrying'],
} as const satisfies { [S in Subject]: readonly StateOf<S>[] }
