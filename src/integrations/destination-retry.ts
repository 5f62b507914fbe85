import { z } from 'zod'

/** A week; what is kept as a wait must stay below 2^31. */
const DELAY_MS_MAX = 604_800_000
const DAY_MS = 86_400_000

const delayMs = z.int().min(100).max(DELAY_MS_MAX)
const triesMax = z.int().min(1).max(100).default(12).describe('attempts in all, the first one included')

/** What every kind has. */
const limits = {
  ageMaxMs: z
    .int()
    .min(1_000)
    .max(90 * DAY_MS)
    .optional()
    .describe('no attempt begins later than this after the event was received, but for the first'),
  retryAfterMaxMs: z
    .int()
    .min(0)
    .max(DELAY_MS_MAX)
    .default(DAY_MS)
    .describe('longer waits that the destination asks for (Retry-After) are cut to this'),
}

const exponential = z.strictObject({
  // Configs of before there were kinds name none.
  kind: z.literal('exponential').optional().default('exponential'),
  triesMax,
  firstDelayMs: z.int().min(100).max(DAY_MS).default(10_000),
  factor: z.number().min(1).max(10).default(3),
  delayMaxMs: delayMs.default(21_600_000),
  ...limits,
})

const linear = z.strictObject({
  kind: z.literal('linear'),
  triesMax,
  firstDelayMs: z.int().min(100).max(DAY_MS).default(60_000),
  stepMs: delayMs.default(60_000).describe('how much longer each wait is than the one before it'),
  delayMaxMs: delayMs.default(21_600_000),
  ...limits,
})

const fixed = z.strictObject({
  kind: z.literal('fixed'),
  triesMax,
  delayMs: delayMs.default(300_000),
  ...limits,
})

const schedule = z.strictObject({
  kind: z.literal('schedule'),
  delaysMs: z.array(delayMs).max(99).describe('the wait before each attempt but the first'),
  ...limits,
})

/** When a delivery is tried again. With the default the last of twelve tries is a good day after the first. */
export const retrySchema = z.discriminatedUnion('kind', [exponential, linear, fixed, schedule]).prefault({})

export type RetryPolicy = z.infer<typeof retrySchema>
