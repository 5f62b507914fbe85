import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { backoff, type RetryPolicy } from '../../src/send/backoff.ts'

const POLICY: RetryPolicy = { triesMax: 12, firstDelayMs: 10_000, factor: 3, delayMaxMs: 21_600_000 }

const policies = fc.record({
  triesMax: fc.integer({ min: 1, max: 100 }),
  firstDelayMs: fc.integer({ min: 100, max: 86_400_000 }),
  factor: fc.double({ min: 1, max: 10, noNaN: true }),
  delayMaxMs: fc.integer({ min: 100, max: 604_800_000 }),
})
const chances = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })

describe('the wait before the next try', () => {
  test('grows by the factor up to the limit, half certain and half random', () => {
    const waits = (random: number) => [1, 2, 3, 8, 9, 11].map((tries) => backoff(tries, POLICY, () => random))
    expect(waits(0)).toEqual([5_000, 15_000, 45_000, 10_800_000, 10_800_000, 10_800_000])
    expect(waits(0.999_999_999)).toEqual([10_000, 30_000, 90_000, 21_600_000, 21_600_000, 21_600_000])
  })

  test('ends when the tries are used up', () => {
    expect(backoff(11, POLICY, () => 0)).toEqual(expect.any(Number))
    expect(backoff(12, POLICY, () => 0)).toBeUndefined()
    expect(backoff(13, POLICY, () => 0)).toBeUndefined()
    expect(backoff(1, { ...POLICY, triesMax: 1 }, () => 0)).toBeUndefined()
  })

  test('is never shorter than what the destination asked for', () => {
    expect(backoff(1, POLICY, () => 0.5, 60_000)).toBe(60_000)
    expect(backoff(3, POLICY, () => 0.5, 60_000)).toBe(67_500)
    expect(backoff(12, POLICY, () => 0.5, 60_000)).toBeUndefined()
  })

  test('whatever the policy, it is a whole number between half and all of the exponential wait', () => {
    fc.assert(
      fc.property(policies, fc.integer({ min: 1, max: 120 }), chances, (policy, tries, chance) => {
        const wait = backoff(tries, policy, () => chance)
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
      fc.property(policies, chances, (policy, chance) => {
        const waits = Array.from({ length: policy.triesMax - 1 }, (_, at) =>
          Number(backoff(at + 1, policy, () => chance)),
        )
        expect(waits).toEqual(waits.toSorted((left, right) => left - right))
      }),
    )
  })
})
