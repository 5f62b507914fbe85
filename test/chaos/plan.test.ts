import { expect, test } from 'vitest'
import { createChance } from '../../chaos/chance.ts'
import { FAULT_NAMES, RANDOM } from '../../chaos/faults/faults.ts'
import { readOptions } from '../../chaos/options.ts'
import { planRound, SECONDS_FOR_ALL } from '../../chaos/plan.ts'

function plan(seconds: number, names?: string[], seed = 1, withoutDisk = false) {
  const obstacleTo = ({ needs = [] }: { needs?: readonly string[] }) =>
    withoutDisk && needs.includes('small disk') ? 'no disk' : undefined
  return planRound({ seconds, names, obstacleTo }, createChance(seed))
}

function namesIn({ phases }: ReturnType<typeof plan>): string[] {
  return phases.map(({ name }) => name)
}

test('enough time is time for every fault, and each has numbers of its own', () => {
  const whole = plan(SECONDS_FOR_ALL)
  expect(namesIn(whole).toSorted()).toEqual([...FAULT_NAMES].toSorted())
  expect(whole).toMatchObject({ impossible: [], leftOut: [] })
  expect(whole.phases.map(({ index }) => index)).toEqual(whole.phases.map((_, index) => index))
})

test('a short round has the mix and as many others as fit, and names all that it leaves out', () => {
  const short = plan(20)
  expect(short.phases).toHaveLength(4)
  expect(namesIn(short)).toContain(RANDOM)
  expect([...namesIn(short), ...short.leftOut].toSorted()).toEqual([...FAULT_NAMES].toSorted())
})

test('the same seed makes the same plan, another one another', () => {
  expect(namesIn(plan(30))).toEqual(namesIn(plan(30)))
  const plans = [1, 2, 3, 4].map((seed) => namesIn(plan(30, undefined, seed)).join())
  expect(new Set(plans).size).toBeGreaterThan(1)
})

test('what is asked for is done however short the time', () => {
  expect(namesIn(plan(1, ['redis-flush', 'edge-kill']))).toEqual(['redis-flush', 'edge-kill'])
})

test('what this machine does not allow is told, and left out of the mix', () => {
  const { phases, impossible } = plan(10, ['disk-full', RANDOM], 1, true)
  expect(impossible).toEqual([{ name: 'disk-full', why: 'no disk' }])
  expect(phases).toMatchObject([{ name: RANDOM, place: { onSmallDisk: false } }])
  expect(phases[0]?.faults.map(({ name }) => name)).not.toContain('disk-full')
})

test.each([
  [['--seconds', 'ten'], '--seconds takes a whole number from 1 to 86400, not "ten"'],
  [['--faults', 'edge-kill,bad-luck'], 'there is no fault "bad-luck"; there are: edge-kill, '],
  [['--rate', '0'], '--rate takes a whole number from 1 to 2000, not "0"'],
  [['--sead', '1'], "Unknown option '--sead'"],
])('%j is refused with a sentence', (args, problem) => {
  expect(readOptions(args)).toEqual({ problem: expect.stringContaining(problem) })
})

test('--help names every fault', () => {
  const read = readOptions(['--help'])
  const help = 'help' in read ? read.help : ''
  expect(FAULT_NAMES.filter((name) => !help.includes(`  ${name} `))).toEqual([])
})
