import type { AskOutside, FunctionOutcome } from './contract.ts'

/** Remembers that a function asked the world outside, for when its process dies and it is run again. */
export interface CallsOut {
  ask: AskOutside | undefined
  /** The call begins anew. */
  onRepeat(): void
  /** The outcome, with a note where what was asked the first time may have been asked twice. */
  marked(outcome: FunctionOutcome): FunctionOutcome
}

export function watchCallsOut(ask: AskOutside | undefined): CallsOut {
  let asked = 0
  let askedBefore = 0
  return {
    ask:
      ask &&
      ((question, signal) => {
        asked += 1
        return ask(question, signal)
      }),
    onRepeat() {
      askedBefore = asked
    },
    marked(outcome) {
      if (askedBefore === 0) return outcome
      const times = askedBefore === 1 ? 'once' : `${askedBefore} times`
      const text = `the sandbox process died after the function had called out ${times}, and it was run again: those calls may have been made twice`
      return { ...outcome, log: [...outcome.log, { level: 'note', text }] }
    },
  }
}
