import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { newId } from '../../src/platform/ids.ts'
import { freshDatabase } from '../world/database.ts'
import {
  attemptEnd,
  entryOf,
  finishAttempt,
  holdOne,
  openLedger,
  runInto,
  type TestLedger,
  takeOf,
} from './world.ts'

let world: TestLedger
let drop: () => Promise<void>

beforeAll(async () => {
  const database = await freshDatabase()
  drop = database.drop
  world = openLedger(database.url)
})

afterAll(async () => {
  await world.close()
  await drop()
})

const OPERATORS = Array.from({ length: 8 })

function releaseOf(eventId: string) {
  return { eventId, runId: newId(), definitionVersion: 3 }
}

async function runsOf(eventId: string) {
  return world.sql<{ id: string; cause: string; definition_version: number }[]>`
    SELECT id, cause, definition_version FROM runs WHERE event_id = ${eventId}`
}

describe('an event in quarantine', () => {
  test('has no run, and no sweep or replay gives it one', async () => {
    const eventId = await holdOne(world.ledger, { receivedAt: new Date(Date.now() - 3_600_000) })
    const found = await world.ledger.findUnfinished({ queuedBefore: new Date(), limit: 1_000, alone: true })
    expect(found.runs).toEqual([])
    expect(await world.ledger.replayEvent(releaseOf(eventId))).toBe(false)
    expect(await runsOf(eventId)).toEqual([])
    expect(await world.ledger.findEvent(eventId)).toMatchObject({
      state: 'quarantined',
      latestRunId: null,
      runs: [],
    })
  })

  test('released by several operators at once gets one run, which delivers it', async () => {
    const eventId = await holdOne(world.ledger)
    const releases = OPERATORS.map(() => releaseOf(eventId))
    const released = await Promise.all(releases.map((release) => world.ledger.releaseEvent(release)))
    expect(released.filter(Boolean)).toHaveLength(1)
    const runId = releases[released.indexOf(true)]?.runId ?? ''
    expect([...(await runsOf(eventId))]).toEqual([{ id: runId, cause: 'released', definition_version: 3 }])
    const [deliveryId = ''] = await runInto(world.ledger, runId, 1)
    await world.ledger.takeDelivery(takeOf(deliveryId))
    await finishAttempt(world, attemptEnd(deliveryId, 1, 'delivered'))
    expect(await world.ledger.findEvent(eventId)).toMatchObject({ state: 'delivered', latestRunId: runId })
    expect(await world.ledger.releaseEvent(releaseOf(eventId))).toBe(false)
    expect(await world.ledger.discardEvent(eventId, 'too late')).toBe(false)
    expect(await world.ledger.replayEvent(releaseOf(eventId))).toBe(true)
  })

  test('discarded stays discarded, with the reason, whatever is tried', async () => {
    const eventId = await holdOne(world.ledger)
    expect(await world.ledger.discardEvent(eventId, 'forged \0')).toBe(true)
    expect(await world.ledger.discardEvent(eventId, 'again')).toBe(false)
    expect(await world.ledger.releaseEvent(releaseOf(eventId))).toBe(false)
    expect(await world.ledger.replayEvent(releaseOf(eventId))).toBe(false)
    expect(await world.ledger.findEvent(eventId)).toMatchObject({
      state: 'discarded',
      reason: 'forged \ufffd',
      runs: [],
    })
  })

  test('released and discarded in the same moment does one of the two', async () => {
    const held = await Promise.all(OPERATORS.map(() => holdOne(world.ledger)))
    for (const eventId of held) {
      const [released, discarded] = await Promise.all([
        world.ledger.releaseEvent(releaseOf(eventId)),
        world.ledger.discardEvent(eventId, 'forged'),
      ])
      expect([released, discarded].filter(Boolean)).toHaveLength(1)
      expect(await runsOf(eventId)).toHaveLength(released ? 1 : 0)
    }
  })
})

test('what was never held is neither released nor discarded', async () => {
  const entry = entryOf()
  await world.ledger.record(entry)
  for (const eventId of [entry.events[0]?.id ?? '', newId()]) {
    expect(await world.ledger.releaseEvent(releaseOf(eventId))).toBe(false)
    expect(await world.ledger.discardEvent(eventId, 'no')).toBe(false)
  }
})

test('what an integration holds is counted no further than asked, over an index of nothing else', async () => {
  const integrationId = `held-${newId()}`
  for (let count = 0; count < 4; count += 1) await holdOne(world.ledger, { integrationId })
  await holdOne(world.ledger, { integrationId: `other-${newId()}` })
  await world.ledger.record(entryOf({ integrationId }))
  const [first] = await world.ledger.findEvents({ integrationId, state: 'quarantined', limit: 1 })
  expect(await world.ledger.countQuarantined(integrationId, 10)).toBe(4)
  expect(await world.ledger.countQuarantined(integrationId, 3)).toBe(3)
  await world.ledger.releaseEvent(releaseOf(first?.id ?? ''))
  expect(await world.ledger.countQuarantined(integrationId, 10)).toBe(3)
  expect(await world.ledger.countQuarantined('nobody', 10)).toBe(0)
  const indexes = await world.sql<{ indexdef: string }[]>`
    SELECT indexdef FROM pg_indexes WHERE indexname = 'events_quarantined'`
  expect(indexes.map(({ indexdef }) => indexdef).join()).toMatch(
    /\(integration_id\) WHERE \(state = 'quarantined'/,
  )
})
