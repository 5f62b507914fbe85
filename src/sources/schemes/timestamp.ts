import { z } from 'zod'
import { unproven, type Verdict } from '../verdict.ts'

/** The setting of presets whose sources sign a time; five minutes is what the sources' own libraries tolerate. */
export const toleranceSecondsSchema = z
  .int()
  .min(1)
  .max(86_400)
  .default(300)
  .describe('how far the signed time may be from now')

export interface Tolerance {
  readonly pastSeconds: number
  /** Some sources' own libraries do not look ahead: Infinity. */
  readonly futureSeconds: number
}

const DIGITS = /^[0-9]{1,16}$/

/** The moment of a timestamp of digits only, in milliseconds since 1970, or undefined. */
export function readTimestamp(text: string, unit: 'seconds' | 'milliseconds'): number | undefined {
  if (!DIGITS.test(text)) return undefined
  return unit === 'seconds' ? Number(text) * 1000 : Number(text)
}

/** A fault when a signed moment is further from now than is tolerated. Asked after the signature was found right. */
export function timeFault(signedMs: number, now: Date, tolerance: Tolerance): Verdict | undefined {
  const ageSeconds = (now.getTime() - signedMs) / 1000
  if (ageSeconds > tolerance.pastSeconds) return unproven('too_old', `${Math.round(ageSeconds)} s old`)
  if (-ageSeconds > tolerance.futureSeconds) return unproven('too_new', `${Math.round(-ageSeconds)} s ahead`)
  return undefined
}
