/** What was counted instead of being written. */
export interface Untold {
  integrationId: string
  outcome: string
  refusals: number
}

/**
 * How many refusals a minute are written in full: so many for each integration, reason and source, so that one
 * noisy sender does not hide the others; and an upper limit for all together, because sources can be invented.
 */
export interface RefusalQuota {
  mayTellInFull(refusal: { integrationId: string; outcome: string; sourceIp: string }): boolean
  /** Begins a new minute and gives what the last one left untold. */
  nextMinute(): Untold[]
}

const ALL_TOGETHER_FACTOR = 50

export function createRefusalQuota(perMinute: number): RefusalQuota {
  const told = new Map<string, number>()
  const untold = new Map<string, Untold>()
  let toldInAll = 0
  return {
    mayTellInFull({ integrationId, outcome, sourceIp }) {
      const key = `${integrationId} ${outcome} ${sourceIp}`
      const already = told.get(key) ?? 0
      if (already < perMinute && toldInAll < perMinute * ALL_TOGETHER_FACTOR) {
        told.set(key, already + 1)
        toldInAll += 1
        return true
      }
      // Without the source: what may be invented at will must not fill the memory.
      const place = `${integrationId} ${outcome}`
      const counted = untold.get(place) ?? { integrationId, outcome, refusals: 0 }
      counted.refusals += 1
      untold.set(place, counted)
      return false
    },
    nextMinute() {
      const left = [...untold.values()]
      told.clear()
      untold.clear()
      toldInAll = 0
      return left
    },
  }
}
