import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { checkDestination } from '../../src/integrations/destination-config.ts'
import { backoff, type RetryPolicy } from '../../src/integrations/integrations.ts'

/** As a destination's config gives it. */
function policyOf(retry: object): RetryPolicy {
  const checked = checkDestination({ kind: 'http', url: 'https://erp.example/', retry })
  if (!checked.ok) throw new Error(JSON.stringify(checked.problems))
  return checked.config.retry
}

/** Milliseconds, or undefined where there is no next try. */
function waitOf(
  tries: number,
  policy: RetryPolicy,
  random: () => number,
  retryAfterMs?: number,
): number | undefined {
  const next = backoff({ tries, ageMs: 0, retryAfterMs }, policy, random)
  return 'delayMs' in next ? next.delayMs : undefined
}

const DEFAULT = policyOf({})

const exponentials = fc
  .record({
    triesMax: fc.integer({ min: 1, max: 100 }),
    firstDelayMs: fc.integer({ min: 100, max: 86_400_000 }),
    factor: fc.double({ min: 1, max: 10, noNaN: true }),
    delayMaxMs: fc.integer({ min: 100, max: 604_800_000 }),
  })
  .map((retry) => ({ ...retry, kind: 'exponential' as const, retryAfterMaxMs: 1 }))
const chances = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })

describe('the wait before the next try', () => {
  test('by default grows by the factor up to the limit, half certain and half random', () => {
    const waits = (random: number) => [1, 2, 3, 8, 9, 11].map((tries) => waitOf(tries, DEFAULT, () => random))
    expect(waits(0)).toEqual([5_000, 15_000, 45_000, 10_800_000, 10_800_000, 10_800_000])
    expect(waits(0.999_999_999)).toEqual([10_000, 30_000, 90_000, 21_600_000, 21_600_000, 21_600_000])
  })

  test('is the same for a config of before there were kinds', () => {
    expect(policyOf({ triesMax: 12, firstDelayMs: 10_000, factor: 3, delayMaxMs: 21_600_000 })).toEqual(
      DEFAULT,
    )
  })

  test('linear: grows by the same step up to the limit', () => {
    const policy = policyOf({
      kind: 'linear',
      triesMax: 6,
      firstDelayMs: 1_000,
      stepMs: 500,
      delayMaxMs: 2_200,
    })
    expect([1, 2, 3, 4, 5, 6].map((tries) => waitOf(tries, policy, () => 0.9))).toEqual([
      1_000,
      1_500,
      2_000,
      2_200,
      2_200,
      undefined,
    ])
  })

  test('fixed: is always the same', () => {
    const policy = policyOf({ kind: 'fixed', triesMax: 4, delayMs: 7_000 })
    expect([1, 2, 3, 4].map((tries) => waitOf(tries, policy, () => 0.9))).toEqual([
      7_000,
      7_000,
      7_000,
      undefined,
    ])
  })

  test('by a schedule: is what stands there, and the tries are one more than its waits', () => {
    const policy = policyOf({ kind: 'schedule', delaysMs: [5_000, 300_000, 100] })
    expect([1, 2, 3, 4, 5].map((tries) => waitOf(tries, policy, () => 0.9))).toEqual([
      5_000,
      300_000,
      100,
      undefined,
      undefined,
    ])
    expect(waitOf(1, policyOf({ kind: 'schedule', delaysMs: [] }), () => 0)).toBeUndefined()
  })

  test('ends when the tries are used up, and says so', () => {
    expect(waitOf(11, DEFAULT, () => 0)).toEqual(expect.any(Number))
    expect(waitOf(13, DEFAULT, () => 0)).toBeUndefined()
    expect(waitOf(1, policyOf({ triesMax: 1 }), () => 0)).toBeUndefined()
    expect(backoff({ tries: 12, ageMs: 0 }, DEFAULT, () => 0)).toEqual({
      ended: 'that was the last of 12 tries',
    })
  })

  test.each([
    { kind: 'exponential', firstDelayMs: 2_000, factor: 1 },
    { kind: 'linear', firstDelayMs: 2_000 },
    { kind: 'fixed', delayMs: 2_000 },
    { kind: 'schedule', delaysMs: [2_000, 2_000] },
  ])('ends when the next try would come later than the age allows: %j', (retry) => {
    const policy = policyOf({ ...retry, ageMaxMs: 60_000 })
    const at = (ageMs: number, retryAfterMs = 0) =>
      backoff({ tries: 1, ageMs, retryAfterMs }, policy, () => 0.999_999_999)
    expect(at(58_000)).toEqual({ delayMs: 2_000 })
    expect(at(58_001)).toEqual({ ended: expect.stringContaining('60 seconds after the event') })
    expect(at(0, 60_000)).toEqual({ delayMs: 60_000 })
    expect(at(1, 60_000)).toHaveProperty('ended')
  })

  test.each(['exponential', 'linear', 'fixed', 'schedule'])(
    '%s: is never shorter than what the destination asked for',
    (kind) => {
      const policy = policyOf(kind === 'schedule' ? { kind, delaysMs: [10_000] } : { kind })
      expect(waitOf(1, policy, () => 0.5, 7_000_000)).toBe(7_000_000)
      expect(waitOf(1, policy, () => 0.5, 1)).toBe(waitOf(1, policy, () => 0.5))
      expect(waitOf(100, policy, () => 0.5, 7_000_000)).toBeUndefined()
    },
  )

  test('whatever the numbers, it is a whole number between half and all of the exponential wait', () => {
    fc.assert(
      fc.property(exponentials, fc.integer({ min: 1, max: 120 }), chances, (policy, tries, chance) => {
        const wait = waitOf(tries, policy, () => chance)
        if (tries >= policy.triesMax) {
          expect(wait).toBeUndefined()
          return
        }
        const full = Math.min(policy.delayMaxMs, policy.firstDelayMs * policy.factor ** (tries - 1))
        expect(Number.isSafeInteger(wait)).toBe(true)
        expect(wait).toBeGreaterThanOrEqual(Math.floor(full / 2))
        expect(wait).toBeLessThanOrEqual(Math.min(Math.ceil(full), policy.delayMaxMs))
      }),
    )
  })

  test('never gets shorter with more tries, at equal chance', () => {
    fc.assert(
      fc.property(exponentials, chances, (policy, chance) => {
        const waits = Array.from({ length: policy.triesMax - 1 }, (_, at) =>
          Number(waitOf(at + 1, policy, () => chance)),
        )
        expect(waits).toEqual(waits.toSorted((left, right) => left - right))
      }),
    )
  })
})
