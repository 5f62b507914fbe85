import type { Pushed } from './push.ts'
import type { Reason } from './verdict.ts'

/** What an attempt did that could not even begin. */
export function notPushed(message: string, reason: Reason = 'unsendable'): Pushed {
  return {
    request: { method: 'POST', url: '', headers: [], hidden: { names: [], texts: [] } },
    answer: undefined,
    verdict: { verdict: 'dead', reason, message },
  }
}
