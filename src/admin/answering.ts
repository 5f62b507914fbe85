import type { MiddlewareHandler } from 'hono'
import { within } from '../platform/time-limit.ts'
import { Problem } from './problem.ts'

/** Nearly all requests have their answer before. */
const LONG_MS = 3_000

/**
 * Ends requests that wait for a database which hangs: it rejects nothing by itself. What takes long while the database
 * answers others, as a search or a test of a slow destination, goes on.
 *
 * @param askDatabase rejects when the database does not answer
 */
export function whileDatabaseAnswers(askDatabase: () => Promise<void>): MiddlewareHandler {
  return async (_context, next) => {
    let isOver = false
    const work = next()
    const over = work.finally(() => {
      isOver = true
    })
    over.catch(() => {})
    while (!isOver) {
      await within(LONG_MS, over).catch(() => {})
      if (!isOver) await askDatabase().catch(refuse)
    }
    return work
  }
}

function refuse(): never {
  throw new Problem(503, 'the database does not answer; what was asked may still be done')
}
