import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { EventFilter } from '../../src/ledger/ledger.ts'
import { newId } from '../../src/platform/ids.ts'
import { freshDatabase } from '../world/database.ts'
import {
  APPLICATION,
  entryOf,
  finishRun,
  openLedger,
  recordOne,
  requestOf,
  runInto,
  type TestLedger,
  UNNAMED,
} from './world.ts'

let world: TestLedger
let drop: () => Promise<void>
const OTHER = newId()
const ids: Record<string, string> = {}

const PAID = {
  topic: 'orders/paid',
  deliveryId: 'd-1',
  eventId: 'e-1',
  occurredAt: '2026-08-01T10:00:00.250Z',
  sender: 'one.myshopify.com',
}

/** One after the other, so that the order of the events is known. */
beforeAll(async () => {
  const database = await freshDatabase()
  drop = database.drop
  world = openLedger(database.url)
  const received = [
    { name: 'json', request: { body: Buffer.from('{"city":"München"}') }, event: {} },
    {
      name: 'escaped',
      request: { body: Buffer.from('{"city":"M\\u00fcnchen","url":"https:\\/\\/a.test"}') },
      event: {},
    },
    {
      name: 'xml',
      request: { body: Buffer.from('<a>K\u00f6ln</a>', 'latin1') },
      event: { payload: '{"a":"Köln \\"Süd\\""}' },
    },
    {
      name: 'other',
      request: { applicationId: OTHER, integrationId: 'tickets', sourceIp: '2001:db8::5' },
      event: {},
    },
    { name: 'keyed', request: {}, event: { dedupe: { key: 'k1', windowSeconds: 60 } } },
    { name: 'again', request: {}, event: { dedupe: { key: 'k1', windowSeconds: 60 } } },
    { name: 'paid', request: {}, event: { identity: PAID } },
    { name: 'named', request: {}, event: { identity: { ...UNNAMED, deliveryId: PAID.eventId } } },
  ]
  for (const { name, request, event } of received) {
    const entry = entryOf(request, event)
    await world.ledger.record(entry)
    ids[name] = entry.events[0]?.id ?? ''
  }
})

afterAll(async () => {
  await world.close()
  await drop()
})

async function found(filter: Partial<EventFilter>): Promise<string[]> {
  const events = await world.ledger.findEvents({ limit: 50, ...filter })
  return events.map(({ id }) => Object.keys(ids).find((name) => ids[name] === id) ?? id)
}

describe('events', () => {
  test.each<[string, Partial<EventFilter>, string[]]>([
    ['none: newest first', {}, ['named', 'paid', 'again', 'keyed', 'other', 'xml', 'escaped', 'json']],
    ['the application', { applicationId: OTHER }, ['other']],
    ['the integration', { integrationId: 'tickets' }, ['other']],
    ['the state', { state: 'duplicate' }, ['again']],
    ['the source address', { sourceIp: '2001:db8::5' }, ['other']],
    ['the dedupe key', { dedupeKey: 'k1' }, ['again', 'keyed']],
    ['the topic', { topic: 'orders/paid' }, ['paid']],
    ['the sender', { sender: 'one.myshopify.com' }, ['paid']],
    ["the source's id of the delivery", { sourceId: 'd-1' }, ['paid']],
    ["the source's id of the event or the delivery", { sourceId: 'e-1' }, ['named', 'paid']],
    ['a topic that no table can hold', { topic: '\0', sender: '\ud800', sourceId: '\0' }, []],
    [
      'all of them',
      { applicationId: APPLICATION, integrationId: 'orders', state: 'queued', dedupeKey: 'k1' },
      ['keyed'],
    ],
    ['a text in the payload', { text: 'münch' }, ['escaped', 'json']],
    ['a text in upper case', { text: 'MÜNCHEN' }, ['escaped', 'json']],
    ['a text from XML in another charset', { text: 'köln' }, ['xml']],
    ['a text with quotes', { text: '"süd"' }, ['xml']],
    ['a text with slashes', { text: 'https://A' }, ['escaped']],
    ['signs that mean something elsewhere', { text: '%' }, []],
    ['a text that no table can hold', { text: 'a\0b' }, []],
    ['a name that no table can hold', { integrationId: '\0', sourceIp: '\ud800' }, []],
    ['a text and something else', { text: 'münchen', integrationId: 'tickets' }, []],
  ])('are narrowed down by %s', async (_, filter, names) => {
    expect(await found(filter)).toEqual(names)
  })

  test('are narrowed down by time: received at or after the one, before the other', async () => {
    const integrationId = `timed-${newId()}`
    const received = [5_000, 4_000, 3_000].map((ago) => new Date(Date.now() - ago))
    for (const receivedAt of received) await recordOne(world.ledger, entryOf({ integrationId, receivedAt }))
    const count = async (more: Partial<EventFilter>) =>
      (await world.ledger.findEvents({ limit: 50, integrationId, ...more })).length
    const [first, second, third] = received as [Date, Date, Date]
    expect(await count({ to: second })).toBe(1)
    expect(await count({ from: new Date(0), to: third })).toBe(2)
    expect(await count({ from: new Date(0), to: new Date() })).toBe(3)
    expect(await count({ to: first })).toBe(0)
    expect((await world.ledger.findRequests({ limit: 50, integrationId, to: second })).length).toBe(1)
  })

  test('are paged through completely, without a gap or a repetition, while more come', async () => {
    const integrationId = `pages-${newId()}`
    const entries = Array.from({ length: 45 }, () => entryOf({ integrationId }))
    await Promise.all(entries.map((entry) => world.ledger.record(entry)))
    const seen: string[] = []
    for (let before: string | undefined; ; ) {
      const page = await world.ledger.findEvents({ integrationId, before, limit: 10 })
      seen.push(...page.map(({ id }) => id))
      await world.ledger.record(entryOf({ integrationId }))
      before = page.at(-1)?.id
      if (page.length < 10) break
    }
    expect(seen).toEqual(
      entries
        .flatMap(({ events }) => events.map(({ id }) => id))
        .toSorted()
        .toReversed(),
    )
  })
})

test('requests are narrowed down by everything that refusals have, too', async () => {
  const integrationId = `refused-${newId()}`
  const refused = requestOf({
    integrationId,
    outcome: 'unreadable',
    status: 400,
    detail: 'line 1',
    applicationId: null,
  })
  await world.ledger.record({ request: refused, events: [] })
  await world.ledger.record(entryOf({ integrationId }))
  const outcomes = async (more: object) =>
    (await world.ledger.findRequests({ limit: 50, integrationId, ...more })).map(({ outcome }) => outcome)
  expect(await outcomes({})).toEqual(['accepted', 'unreadable'])
  expect(await outcomes({ outcome: 'unreadable' })).toEqual(['unreadable'])
  expect(await outcomes({ applicationId: APPLICATION })).toEqual(['accepted'])
  expect(await outcomes({ sourceIp: '198.51.100.1' })).toEqual([])
  expect(await outcomes({ before: refused.id })).toEqual([])
  expect(await outcomes({ from: new Date(Date.now() + 60_000) })).toEqual([])
  expect(await world.ledger.findEvents({ limit: 5, integrationId })).toHaveLength(1)
})

test('a request whose address holds what no table can is kept all the same', async () => {
  const request = requestOf({
    integrationId: 'a\0b',
    path: '/integration/a\0\ud800',
    outcome: 'unknown_integration',
  })
  await world.ledger.record({ request, events: [] })
  const [row] = await world.ledger.findRequests({ limit: 1, outcome: 'unknown_integration' })
  expect(row).toMatchObject({ integrationId: 'a\ufffdb', path: '/integration/a\ufffd\ufffd' })
})

test('an event shows what its source calls it, in lists, by itself and to the run that takes it', async () => {
  const { eventId, runId } = await recordOne(world.ledger, entryOf({}, { identity: PAID }))
  const [listed] = await world.ledger.findEvents({ limit: 1, from: new Date(Date.now() - 60_000) })
  expect(listed).toMatchObject({ id: eventId, source: PAID })
  expect(await world.ledger.findEvent(eventId)).toMatchObject({ source: PAID })
  expect((await world.ledger.findEvent(ids.json ?? ''))?.source).toEqual(UNNAMED)
  const run = await world.ledger.takeRun(runId)
  expect(run).toMatchObject({ eventId, source: PAID })
  expect(Object.keys(run ?? {}).filter((key) => /^source./.test(key))).toEqual([])
})

test('one event tells of its request, its runs, what each node did, its deliveries and attempts', async () => {
  const { eventId, runId } = await recordOne(world.ledger)
  await world.ledger.takeRun(runId)
  const result = { message: 'said \0', output: '{"a":1e400}', functionVersion: 'v1', wallMs: 1.6, cpuMs: 0.4 }
  const log = [{ level: 'log', text: 'a\0\ud800' }]
  const results = [{ nodeId: 'n1', outcome: 'failed', ...result, log, call: null }]
  await finishRun(world, runId, { state: 'dead', reason: 'node "n1": \0', results, deliveries: [] })
  const again = newId()
  await world.ledger.replayEvent({ eventId, runId: again, definitionVersion: 2 })
  await runInto(world.ledger, again, 2)
  const detail = await world.ledger.findEvent(eventId)
  expect(detail).toMatchObject({
    payload: '{"id":820982911946154508}',
    state: 'delivering',
    request: { headers: '[["content-type","application/json"]]', bodyBytes: 25 },
    runs: [
      { cause: 'received', state: 'dead', reason: 'node "n1": \ufffd', deliveries: [] },
      { cause: 'replay', state: 'delivering', definitionVersion: 2, nodes: [] },
    ],
  })
  expect(detail?.runs[0]?.nodes).toEqual([
    {
      nodeId: 'n1',
      outcome: 'failed',
      ...result,
      message: 'said \ufffd',
      log: JSON.stringify(log),
      call: null,
      wallMs: 2,
      cpuMs: 0,
    },
  ])
  expect(
    detail?.runs[1]?.deliveries.map(({ position, tries, attempts }) => [position, tries, attempts]),
  ).toEqual([
    [0, 0, []],
    [1, 0, []],
  ])
  expect(await world.ledger.findEvent(newId())).toBeUndefined()
})
