import type { Pushed } from './push.ts'

/** What an attempt did that could not even begin. */
export function notPushed(message: string): Pushed {
  return {
    request: { method: 'POST', url: '', headers: [], hidden: { names: [], texts: [] } },
    answer: undefined,
    verdict: { verdict: 'dead', reason: 'unsendable', message },
  }
}
