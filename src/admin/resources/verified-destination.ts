import type { Destination } from '../../integrations/integrations.ts'
import type { Json } from '../../payload/exact-json.ts'
import { Problem } from '../problem.ts'
import { sample, type TestEventsOptions } from '../test-events.ts'

export type TryOptions = Pick<TestEventsOptions, 'tryDestination' | 'now'>

const ANSWER_CHARS_MAX = 1_000

/** @throws Problem with what came back, when a destination does not take a test request. */
export async function requireTaken(
  destination: Destination,
  item: Json | undefined,
  { tryDestination, now }: TryOptions,
): Promise<void> {
  // The time-out of the destination ends it.
  const { signal } = new AbortController()
  const { verdict, reason, status, responseBody } = await tryDestination(
    destination,
    item === undefined ? sample(now()) : item,
    signal,
  )
  if (verdict === 'delivered') return
  const answer = responseBody?.toString('utf8').slice(0, ANSWER_CHARS_MAX).toWellFormed() ?? ''
  throw new Problem(422, `the destination did not take the test request: ${reason}`, [
    ...(status === null ? [] : [{ path: 'verify.status', message: String(status) }]),
    ...(answer === '' ? [] : [{ path: 'verify.answer', message: answer }]),
  ])
}
