/** The search itself: what is planted is found, made small, and told apart from the machine's moods. */
import { afterAll, expect, test } from 'vitest'
import { openCoverage } from '../../fuzz/coverage.ts'
import { explore } from '../../fuzz/explore.ts'
import { readPump, writePump } from '../../fuzz/growth.ts'
import { minimise } from '../../fuzz/minimise.ts'
import type { Target } from '../../fuzz/target.ts'

const coverage = openCoverage(/planted-reader/)
afterAll(() => coverage.close())
const { guarded, polluting, quadratic } = await import('./planted-reader.ts')

const INPUTS_MAX = 80_000

function searchIn(target: Target, seed: number) {
  let tried = 0
  return explore(target, {
    seed,
    coverage,
    goesOn: () => tried < INPUTS_MAX,
    isTrying: () => void tried++,
    progress: () => {},
  })
}

test('what only lies behind three right bytes is found by what was reached on the way, and made small', async () => {
  const { broken } = await searchIn(guarded, 1)
  expect(String(broken?.error)).toBe('Error: found')
  const long = Buffer.concat([broken?.input ?? Buffer.alloc(0), Buffer.alloc(500, 'x')])
  expect((await minimise(guarded, long, broken?.kind ?? '')).toString()).toBe('Ord')
})

test('a key that writes into a shared prototype is found, and taken back out of it', async () => {
  const { broken } = await searchIn(polluting, 2)
  expect(broken?.kind).toBe('polluted a prototype')
  expect(broken?.input.toString()).toContain('__proto__')
  expect(({} as Record<string, unknown>).planted).toBeUndefined()
})

test('a reader that goes back over what it read is found by its time, and what shows it can be kept', {
  timeout: 120_000,
}, async () => {
  const { broken } = await searchIn(quadratic, 8)
  expect(broken?.kind).toBe('time grows faster than the input')
  expect(broken?.pump && readPump(writePump(broken.pump))).toEqual(broken?.pump)
})
