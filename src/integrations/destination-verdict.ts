import { z } from 'zod'
import type { FailureReason } from '../outbound/outbound.ts'
import type { PlacedProblem } from './destination-auth.ts'

/** Failures of the network that an operator may judge otherwise; the rest is ours, and the same each time. */
export const JUDGED_FAILURES = [
  'blocked_address',
  'dns',
  'connect',
  'tls',
  'timeout',
  'reset',
  'protocol',
  'too_large',
] as const satisfies readonly FailureReason[]

const judged = z
  .array(z.union([z.int().min(200).max(599), z.enum(['4xx', '5xx', ...JUDGED_FAILURES])]))
  .max(50)
  .default([])

/** Which answers mean what; a single status goes before `2xx`, `4xx` and `5xx`, and these before the defaults. */
export const verdictFields = {
  success: z
    .array(z.union([z.literal('2xx'), z.int().min(200).max(499)]))
    .min(1)
    .max(50)
    .default(['2xx'])
    .describe('statuses that count as delivered'),
  retryOn: judged.describe('statuses and failures that are tried again, whatever the default says'),
  deadOn: judged.describe('statuses and failures that end a delivery at once, whatever the default says'),
  responseBytesMax: z
    .int()
    .min(0)
    .max(65_536)
    .default(16_384)
    .describe("so much of an answer's body is kept with each attempt"),
}

type Listed = readonly (number | string)[]

export function verdictProblems({
  success,
  retryOn,
  deadOn,
}: {
  success: Listed
  retryOn: Listed
  deadOn: Listed
}): PlacedProblem[] {
  const twice = (place: string, list: Listed, others: Listed): PlacedProblem[] =>
    list
      .filter((one) => others.includes(one))
      .map((one) => ({ path: [place], message: `${one} is judged in another list already` }))
  return [...twice('retryOn', retryOn, success), ...twice('deadOn', deadOn, [...success, ...retryOn])]
}
