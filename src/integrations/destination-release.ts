import { z } from 'zod'

/** So many attempts are under way at once for a destination that asks for no other number. */
export const CONCURRENCY_DEFAULT = 16

const circuitSchema = z
  .strictObject({
    failureRate: z.number().gt(0).max(1).default(0.5).describe('opens when so many of the attempts failed'),
    attemptsMin: z.int().min(2).max(100).default(10).describe('fewer attempts than this say nothing'),
    windowSeconds: z
      .int()
      .min(1)
      .max(86_400)
      .default(300)
      .describe('older attempts do not count, nor more than the latest 100'),
    pauseSeconds: z
      .number()
      .min(0.1)
      .max(86_400)
      .default(15)
      .describe('until one delivery is let through to see; doubled each time that this fails'),
    pauseSecondsMax: z.number().min(0.1).max(86_400).default(900),
  })
  .describe('holds all deliveries back while the destination fails whatever is sent; false: never')

/** When deliveries are let go, for every kind of destination. */
export const releaseFields = {
  concurrencyMax: z
    .int()
    .min(1)
    .max(1_000)
    .optional()
    .describe(
      `attempts under way at once, all workers together; without it about ${CONCURRENCY_DEFAULT} in each worker`,
    ),
  rateMax: z
    .strictObject({ count: z.int().min(1).max(100_000), perSeconds: z.number().min(0.1).max(86_400) })
    .optional()
    .describe('at most so many attempts in any span of so many seconds, all workers together'),
  circuit: z.union([circuitSchema, z.literal(false)]).prefault({}),
}
