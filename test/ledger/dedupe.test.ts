import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Entry, Recorded } from '../../src/ledger/ledger.ts'
import { newId } from '../../src/platform/ids.ts'
import type { Log } from '../../src/platform/log.ts'
import type { Sql } from '../../src/platform/postgres.ts'
import { freshDatabase } from '../world/database.ts'
import { entryOf, eventOf, openLedger, requestOf, type TestLedger } from './world.ts'

let worlds: TestLedger[]
let sql: Sql
const complaints: string[] = []
let drop: () => Promise<void>

beforeAll(async () => {
  const database = await freshDatabase()
  drop = database.drop
  // Two processes have two group commits.
  const tell = (fields: { err?: Error }) => void complaints.push(String(fields.err))
  const log = { warn: tell, error: tell } as unknown as Log
  const first = openLedger(database.url, { log })
  worlds = [first, openLedger(database.url, { log })]
  sql = first.sql
})

afterAll(async () => {
  await Promise.all(worlds.map((world) => world.close()))
  await drop()
})

function copyOf(integrationId: string, key: string, windowSeconds = 3_600, receivedAt = new Date()): Entry {
  return entryOf({ integrationId, receivedAt }, { dedupe: { key, windowSeconds } })
}

function recordIn(world: number, entry: Entry): Promise<Recorded[]> {
  const ledger = worlds[world % worlds.length]?.ledger
  if (!ledger) throw new Error('there is no such ledger')
  return ledger.record(entry)
}

test('of two hundred copies that come at once over two processes, exactly one is first', async () => {
  for (let round = 0; round < 5; round += 1) {
    const integrationId = `copies-${newId()}`
    const copies = Array.from({ length: 200 }, (_, index) => recordIn(index, copyOf(integrationId, 'one')))
    const recorded = (await Promise.all(copies)).flat()
    const first = recorded.filter((event) => 'runId' in event)
    expect(first).toHaveLength(1)
    const named = new Set(recorded.flatMap((event) => ('duplicateOf' in event ? [event.duplicateOf] : [])))
    expect([...named]).toEqual([first[0]?.eventId])
    const rows = await sql`
      SELECT state, count(*)::int AS count, count(latest_run_id)::int AS runs FROM events
      WHERE integration_id = ${integrationId} GROUP BY state ORDER BY state`
    expect([...rows]).toEqual([
      { state: 'duplicate', count: 199, runs: 0 },
      { state: 'queued', count: 1, runs: 1 },
    ])
  }
})

test('within one request the first element with a key is first, and the others name it', async () => {
  const integrationId = `elements-${newId()}`
  const dedupe = { key: 'same', windowSeconds: 60 }
  const events = Array.from({ length: 4 }, (_, position) => eventOf({ position, payload: '{}', dedupe }))
  const recorded = await recordIn(0, { request: requestOf({ integrationId }), events })
  expect(recorded).toEqual([
    { eventId: events[0]?.id, runId: events[0]?.runId },
    ...events.slice(1).map(({ id }) => ({ eventId: id, duplicateOf: events[0]?.id })),
  ])
})

test('a key counts for its integration only', async () => {
  const recorded = await Promise.all(
    ['one', 'two'].map((name) => recordIn(0, copyOf(`${name}-${newId()}`, 'shared key'))),
  )
  expect(recorded.flat().every((event) => 'runId' in event)).toBe(true)
})

test('after its window a key is free again, and then has a new first', async () => {
  const integrationId = `window-${newId()}`
  const long = new Date(Date.now() - 10_000)
  const [first] = await recordIn(0, copyOf(integrationId, 'key', 60, long))
  const [second] = await recordIn(1, copyOf(integrationId, 'key', 60))
  expect(second).toMatchObject({ duplicateOf: first?.eventId })
  await sql`UPDATE dedupe_keys SET expires_at = now() - interval '1 second' WHERE integration_id = ${integrationId}`
  const again = await Promise.all(
    [0, 1, 2, 3].map((world) => recordIn(world, copyOf(integrationId, 'key', 60))),
  )
  const firsts = again.flat().filter((event) => 'runId' in event)
  expect(firsts).toHaveLength(1)
  const [later] = await recordIn(0, copyOf(integrationId, 'key', 60))
  expect(later).toMatchObject({ duplicateOf: firsts[0]?.eventId })
})

test('a window begins when the request was received', async () => {
  const integrationId = `late-${newId()}`
  await recordIn(0, copyOf(integrationId, 'key', 5, new Date(Date.now() - 6_000)))
  const [second] = await recordIn(0, copyOf(integrationId, 'key', 5))
  expect(second).toHaveProperty('runId')
})

test('what is stored late is judged by when it was received', async () => {
  const integrationId = `kept-back-${newId()}`
  const at = (seconds: number) => new Date(Date.now() - 1_800_000 + seconds * 1_000)
  const [first] = await recordIn(0, copyOf(integrationId, 'key', 60, at(0)))
  const [within] = await recordIn(1, copyOf(integrationId, 'key', 60, at(59)))
  const [after] = await recordIn(0, copyOf(integrationId, 'key', 60, at(61)))
  expect(within).toMatchObject({ duplicateOf: first?.eventId })
  expect(after).toHaveProperty('runId')
  const [again] = await recordIn(1, copyOf(integrationId, 'key', 60, at(100)))
  expect(again).toMatchObject({ duplicateOf: after?.eventId })
})

test('many keys in different orders never deadlock', async () => {
  const keys = Array.from({ length: 300 }, (_, index) => `key-${index}`)
  for (let round = 0; round < 12; round += 1) {
    const integrationId = `order-${newId()}`
    const both = [keys, keys.toReversed()].map((ordered, world) => {
      const events = ordered.map((key, position) =>
        eventOf({ position, payload: '{}', dedupe: { key, windowSeconds: 60 } }),
      )
      return recordIn(world, { request: requestOf({ integrationId }), events })
    })
    const firsts = (await Promise.all(both)).flat().filter((event) => 'runId' in event)
    expect(firsts).toHaveLength(keys.length)
  }
  // A deadlock would be overcome by another try, and told.
  expect(complaints).toEqual([])
})

test('keys whose window has been over for an hour are forgotten, so many at a time', async () => {
  const integrationId = `forgotten-${newId()}`
  const past = new Date(Date.now() - 3_700_000)
  await Promise.all(
    Array.from({ length: 7 }, (_, index) => recordIn(0, copyOf(integrationId, `${index}`, 1, past))),
  )
  await recordIn(0, copyOf(integrationId, 'valid', 600))
  await recordIn(0, copyOf(integrationId, 'over', 600, new Date(Date.now() - 1_200_000)))
  const ledger = worlds[0]?.ledger
  expect([await ledger?.dropExpiredKeys(5), await ledger?.dropExpiredKeys(5)]).toEqual([5, 2])
  const left = await sql`SELECT key FROM dedupe_keys WHERE integration_id = ${integrationId} ORDER BY key`
  expect([...left]).toEqual([{ key: 'over' }, { key: 'valid' }])
})
