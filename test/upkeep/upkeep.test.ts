import { setTimeout as wait } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import type { Unfinished } from '../../src/ledger/ledger.ts'
import { newId } from '../../src/platform/ids.ts'
import { createLog } from '../../src/platform/log.ts'
import { createMetrics } from '../../src/platform/metrics.ts'
import type { Gap } from '../../src/queue/queue.ts'
import { startUpkeep, type UpkeepOptions } from '../../src/upkeep/upkeep.ts'
import { openProcess, type Process } from '../integrations/world.ts'
import { entryOf, openLedger, recordOne, runInto, type TestLedger, takeOf } from '../ledger/world.ts'
import { openRoad } from '../road/world.ts'
import { freshDatabase } from '../world/database.ts'
import { eventually } from '../world/eventually.ts'

let world: TestLedger
let definitions: Process
let drop: () => Promise<void>

beforeAll(async () => {
  const database = await freshDatabase()
  drop = database.drop
  world = openLedger(database.url)
  definitions = await openProcess(database.url)
})

afterAll(async () => {
  await definitions.close()
  await world.close()
  await drop()
})

const silent = createLog('silent')

/** Upkeep on the real ledger that tells what it puts back. */
async function keepUp(options: Partial<UpkeepOptions> = {}) {
  const found: Unfinished[] = []
  const upkeep = await startUpkeep({
    ledger: world.ledger,
    integrations: definitions.integrations,
    fetchText: async () => ({ ok: false, message: 'nothing is fetched here' }),
    now: () => new Date(),
    forgetAudits: async () => {},
    queue: { trouble: () => undefined, onGap() {} },
    requeue: async (work) => void found.push(work),
    alerts: { assess: async () => {}, sendMessages: async () => {}, eraseContent: async () => {} },
    retentionDays: 0,
    metrics: createMetrics(),
    sealer: { open: (sealed) => sealed },
    alertSeconds: 3_600,
    sweepSeconds: 0.05,
    lostSeconds: 0.5,
    alone: false,
    log: silent,
    ...options,
  })
  return { found, runs: () => found.flatMap(({ runs }) => runs.map(({ id }) => id)), ...upkeep }
}

test('work that was never queued is put back once it counts as lost, and then again, not all the time', async () => {
  const putBackAtMs: number[] = []
  let runId = ''
  const { close } = await keepUp({
    async requeue({ runs }) {
      if (!runs.some(({ id }) => id === runId)) return
      const [row] = await world.sql<{ queued_at: Date }[]>`SELECT queued_at FROM runs WHERE id = ${runId}`
      if (row) putBackAtMs.push(row.queued_at.getTime())
    },
  })
  const recordedAtMs = Date.now()
  ;({ runId } = await recordOne(world.ledger, entryOf({ receivedAt: new Date() })))
  await eventually(() => expect(putBackAtMs.length).toBeGreaterThanOrEqual(2))
  const [first = 0, second = 0] = putBackAtMs
  // The ledger's own times, which a busy machine does not change.
  expect(first - recordedAtMs).toBeGreaterThanOrEqual(490)
  expect(second - first).toBeGreaterThanOrEqual(490)
  await close()
})

test('at the start of a process that is alone everything unfinished is put back at once, taken or not', async () => {
  const { runId } = await recordOne(world.ledger)
  const other = await recordOne(world.ledger)
  const [deliveryId = ''] = await runInto(world.ledger, other.runId, 1)
  await world.ledger.takeDelivery(takeOf(deliveryId))
  const { found, runs, close } = await keepUp({ alone: true, lostSeconds: 3_600 })
  expect(runs()).toContain(runId)
  expect(found.flatMap(({ deliveries }) => deliveries.map(({ id }) => id))).toContain(deliveryId)
  await close()
})

test('when the queue is away, it starts all the same and puts the work back later', async () => {
  const { runId } = await recordOne(world.ledger)
  let away = true
  const later: string[] = []
  const { close } = await keepUp({
    async requeue({ runs }) {
      if (away) throw new Error('the queue is away')
      later.push(...runs.map(({ id }) => id))
    },
  })
  away = false
  await eventually(() => expect(later).toContain(runId))
  await close()
})

test('while the queue is away nothing is looked for; when it is back, all that waits is put back at once', async () => {
  const { runId } = await recordOne(world.ledger)
  const taken = await recordOne(world.ledger)
  await world.ledger.takeRun(taken.runId)
  let trouble: { reason: string; sinceMs: number } | undefined = { reason: 'it is away', sinceMs: 1_000 }
  let tell: (gap: Gap) => void = () => {}
  const asked: (boolean | undefined)[] = []
  const found: string[] = []
  const { close } = await keepUp({
    lostSeconds: 600,
    queue: { trouble: () => trouble, onGap: (listener) => (tell = listener) },
    requeue: async ({ runs }, anew) => {
      asked.push(anew)
      found.push(...runs.map(({ id }) => id))
    },
  })
  tell({ why: 'it is away', idsMayBeLeft: false })
  await wait(200)
  expect(found).toEqual([])
  trouble = undefined
  tell({ why: 'it was away', idsMayBeLeft: true })
  await eventually(() => expect(found).toContain(runId))
  // Its worker may be busy with it.
  expect(found).not.toContain(taken.runId)
  expect(asked).not.toContain(false)
  await close()
})

test('what could not be put back when the queue had lost something is put back later, under ids that it does not know', async () => {
  const { runId } = await recordOne(world.ledger)
  let tell: (gap: Gap) => void = () => {}
  let failures = 0
  const anewOf = new Map<string, boolean | undefined>()
  const { close } = await keepUp({
    lostSeconds: 600,
    ledger: {
      ...world.ledger,
      findUnfinished: async (how) => {
        // What looks into a gap is told what is silent apart from what waits.
        if (how.silentBefore && failures++ === 0)
          throw new Error('canceling statement due to statement timeout')
        return world.ledger.findUnfinished(how)
      },
    },
    queue: {
      trouble: () => undefined,
      onGap(listener) {
        tell = listener
      },
    },
    requeue: async ({ runs }, anew) => {
      for (const { id } of runs) anewOf.set(id, anew)
    },
    sweepSeconds: 0.2,
  })
  tell({ why: 'Redis has evicted keys', idsMayBeLeft: true })
  await eventually(() => expect(anewOf.get(runId)).toBe(true))
  await close()
})

test('what counts as lost, and what waits, is said by the clock of the ledger, whatever the clock of this machine says', async () => {
  const fresh = await recordOne(world.ledger)
  const { runId: old } = await recordOne(world.ledger)
  let tell: (gap: Gap) => void = () => {}
  // From here on no id may be made: those of one process rise, and would be an hour ahead for good.
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + 3_600_000 })
  try {
    const ahead = await keepUp({ lostSeconds: 600 })
    await world.sql`UPDATE runs SET queued_at = now() - interval '11 minutes' WHERE id = ${old}`
    await eventually(() => expect(ahead.runs()).toContain(old))
    expect(ahead.runs()).not.toContain(fresh.runId)
    await ahead.close()
    vi.setSystemTime(Date.now() - 7_200_000)
    const behind = await keepUp({
      lostSeconds: 600,
      queue: {
        trouble: () => undefined,
        onGap(listener) {
          tell = listener
        },
      },
    })
    tell({ why: 'it was away', idsMayBeLeft: true })
    await eventually(() => expect(behind.runs()).toContain(fresh.runId))
    await behind.close()
  } finally {
    vi.useRealTimers()
  }
})

test('more work than one page holds is put back page by page', async () => {
  const entries = Array.from({ length: 1_100 }, () => entryOf())
  await Promise.all(entries.map((entry) => world.ledger.record(entry)))
  await world.sql`UPDATE runs SET queued_at = now() - interval '1 minute'`
  const { found, runs, close } = await keepUp({ sweepSeconds: 600, lostSeconds: 30 })
  expect(new Set(runs()).size).toBeGreaterThanOrEqual(1_100)
  expect(found.length).toBeGreaterThan(1)
  await close()
})

test('a request that was received long ago and came late is no lost work', async () => {
  const { runId } = await recordOne(world.ledger, entryOf({ receivedAt: new Date(Date.now() - 3_600_000) }))
  const { runs, close } = await keepUp({ lostSeconds: 600 })
  expect(runs()).not.toContain(runId)
  await close()
})

describe('a chore', () => {
  test('does not overlap itself, and goes on after a failure', async () => {
    let now = 0
    let most = 0
    let times = 0
    const ledger = {
      ...world.ledger,
      async dropExpiredKeys() {
        now += 1
        times += 1
        most = Math.max(most, now)
        await wait(130)
        now -= 1
        if (times === 1) throw new Error('not this time')
        return 0
      },
    }
    const { close } = await keepUp({ ledger, sweepSeconds: 0.02 })
    await eventually(() => expect(times).toBeGreaterThanOrEqual(3))
    expect(most).toBe(1)
    await close()
  })

  test('ends before closing does, and leaves no timer behind', async () => {
    const timers = () => process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length
    const before = timers()
    let under = false
    const ledger = {
      ...world.ledger,
      async dropExpiredKeys() {
        under = true
        await wait(100)
        under = false
        return 0
      },
    }
    const { close } = await keepUp({ ledger, sweepSeconds: 0.02 })
    await vi.waitUntil(() => under)
    await close()
    expect(under).toBe(false)
    expect(timers()).toBeLessThanOrEqual(before)
  })
})

test('in a gateway, a run that stands in the ledger and in no queue is delivered', async () => {
  const road = await openRoad({ env: { SWEEP_SECONDS: '1', LOST_SECONDS: '1' } })
  const destination = await road.destination('/lost')
  const id = await road.integration([{ id: 'push', kind: 'push', destination }])
  await road.world.gateway.ledger.record(
    entryOf({ integrationId: id, applicationId: road.shop, id: newId() }, { payload: '{"lost":true}' }),
  )
  const [arrived] = await road.receiver.received(1)
  expect(arrived?.body.toString()).toBe('{"lost":true}')
  await road.close()
})
