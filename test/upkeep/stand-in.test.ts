/** A worker that goes on from the ledger while the queue is away: when it begins, how much it takes, when it ends. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { Unfinished } from '../../src/ledger/ledger.ts'
import { createLog } from '../../src/platform/log.ts'
import type { Trouble } from '../../src/queue/queue.ts'
import { type StandIn, startStandIn } from '../../src/upkeep/upkeep.ts'

/** One look, and whatever comes after it at once. */
const LOOK_MS = 1_000
const STAND_IN_SECONDS = 5
const LOST_SECONDS = 60
/** What the lanes of a worker's own may hold. */
const ROOM = 500

type Asked = Parameters<Parameters<typeof startStandIn>[0]['ledger']['findUnfinished']>[0]
type Run = Unfinished['runs'][number]

let awaySince: number | undefined
/** What the ledger has of unfinished runs. */
let unfinished: Run[]
/** What waits in the lanes. */
let waiting: Run[]
let asked: Asked[]
let most: number
/** Called when the ledger is asked. */
let onLook: () => void | Promise<void>
let standIn: StandIn

beforeEach(() => {
  vi.useFakeTimers()
  awaySince = undefined
  unfinished = []
  waiting = []
  asked = []
  most = 0
  onLook = () => {}
  standIn = startStandIn({
    ledger: {
      clock: async () => new Date(),
      async findUnfinished(question) {
        asked.push(question)
        await onLook()
        return { runs: unfinished.slice(0, question.limit), deliveries: [] }
      },
    },
    queue: { trouble },
    waiting: async () => waiting.length,
    async put({ runs }) {
      waiting.push(...runs)
      unfinished = unfinished.filter((run) => !runs.includes(run))
      most = Math.max(most, waiting.length)
    },
    standInSeconds: STAND_IN_SECONDS,
    lostSeconds: LOST_SECONDS,
    log: createLog('silent'),
  })
})
afterEach(async () => {
  await standIn.close()
  vi.useRealTimers()
})

function trouble(): Trouble | undefined {
  return awaySince === undefined ? undefined : { reason: 'it is away', sinceMs: Date.now() - awaySince }
}

const runs = (count: number): Run[] => Array.from({ length: count }, (_, n) => ({ id: `run-${n}` }) as Run)

const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms)

/** The queue goes away, and stays so for as long as a worker waits for it. */
async function beAwayLongEnough(): Promise<void> {
  awaySince = Date.now()
  await pass(STAND_IN_SECONDS * 1_000 + LOOK_MS)
}

test('nothing is taken while the queue is well, or was away for less than it is waited for', async () => {
  unfinished = runs(3)
  await pass(60_000)
  awaySince = Date.now()
  await pass(STAND_IN_SECONDS * 1_000 - 1)
  awaySince = undefined
  await pass(60_000)
  expect([asked, waiting]).toEqual([[], []])
})

test('when the queue was away for that long, what lay for as long is taken with the next look', async () => {
  unfinished = runs(3)
  await beAwayLongEnough()
  expect(waiting).toEqual(runs(3))
  const [first] = asked
  const now = Date.now()
  const agoMs = (at: Date | undefined) => now - (at?.getTime() ?? 0)
  expect(first).toMatchObject({ limit: ROOM, alone: false })
  expect(agoMs(first?.queuedBefore)).toBeGreaterThanOrEqual(STAND_IN_SECONDS * 1_000)
  expect(agoMs(first?.queuedBefore)).toBeLessThanOrEqual(STAND_IN_SECONDS * 1_000 + LOOK_MS)
  expect(agoMs(first?.silentBefore)).toBeGreaterThanOrEqual(LOST_SECONDS * 1_000)
})

test('what comes while the queue is away is taken too, and nothing more when it is back', async () => {
  await beAwayLongEnough()
  unfinished = runs(2)
  await pass(LOOK_MS)
  expect(waiting).toHaveLength(2)
  awaySince = undefined
  unfinished = runs(4)
  const before = asked.length
  await pass(60_000)
  expect([asked.length, waiting.length]).toEqual([before, 2])
})

test('a queue that is away a second time is waited for anew', async () => {
  await beAwayLongEnough()
  awaySince = undefined
  await pass(LOOK_MS)
  const before = asked.length
  awaySince = Date.now()
  await pass((STAND_IN_SECONDS - 1) * 1_000)
  expect(asked).toHaveLength(before)
  await pass(2 * LOOK_MS)
  expect(asked.length).toBeGreaterThan(before)
})

test('no more is taken than there is room for; the rest soon after there is', async () => {
  unfinished = runs(2 * ROOM + 100)
  waiting = runs(ROOM - 20)
  await beAwayLongEnough()
  await pass(10 * LOOK_MS)
  expect(asked.map(({ limit }) => limit)).toEqual([20])
  expect(waiting).toHaveLength(ROOM)
  waiting = []
  // Where more was left it does not wait for the next whole second.
  await pass(LOOK_MS / 5)
  expect(waiting).toHaveLength(ROOM)
  waiting = []
  await pass(LOOK_MS / 5)
  waiting = []
  await pass(LOOK_MS / 5)
  expect(unfinished).toEqual([])
  expect(most).toBe(ROOM)
})

test('a ledger that fails is asked again', async () => {
  unfinished = runs(1)
  onLook = () => {
    if (asked.length < 3) throw new Error('the ledger is away too')
  }
  await beAwayLongEnough()
  expect(waiting).toEqual([])
  await pass(2 * LOOK_MS)
  expect(waiting).toEqual(runs(1))
})

test('a look that is under way does not overlap itself, and ends before closing does', async () => {
  const { promise: answered, resolve: answer } = Promise.withResolvers<void>()
  onLook = () => answered
  unfinished = runs(1)
  await beAwayLongEnough()
  await pass(10 * LOOK_MS)
  expect(asked).toHaveLength(1)
  let isClosed = false
  const closing = standIn.close().then(() => {
    isClosed = true
  })
  await pass(LOOK_MS)
  expect(isClosed).toBe(false)
  answer()
  await closing
  expect(waiting).toEqual(runs(1))
  await pass(10 * LOOK_MS)
  expect([asked.length, vi.getTimerCount()]).toEqual([1, 0])
})
