import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ACCEPTED, type EdgeWorld, startEdge } from './world.ts'

let world: EdgeWorld

beforeAll(async () => {
  world = await startEdge()
})
afterAll(() => world.close())

/** All events of an integration in the order in which they came. */
async function eventsOf(id: string) {
  const events = (await world.api.events(`?integrationId=${id}&limit=500`)).toReversed()
  return Promise.all(events.map((event: { id: string }) => world.api.event(event.id)))
}

const payloads = async (id: string) => (await eventsOf(id)).map((event) => event.payload)

describe('an array', () => {
  test('is one event unless it is to be split', async () => {
    const id = await world.integration()
    await world.send(id, '[{"a":1},{"a":2}]')
    expect(await payloads(id)).toEqual([[{ a: 1 }, { a: 2 }]])
  })

  test.each<[split: string, body: string, payloads: unknown[]]>([
    ['', '[{"a":1},2,null,[3]]', [{ a: 1 }, 2, null, [3]]],
    ['', '[12345678901234567890123]', [12345678901234567890123n]],
    ['orders', '{"shop":"x","orders":[{"id":1},{"id":2}]}', [{ id: 1 }, { id: 2 }]],
    ['data.orders', '{"data":{"orders":[{"id":1}]}}', [{ id: 1 }]],
    // What is no array there is one event, whole.
    ['', '{"id":1}', [{ id: 1 }]],
    ['', '[]', [[]]],
    ['orders', '{"orders":{"id":1}}', [{ orders: { id: 1 } }]],
    ['orders', '{"other":[1,2]}', [{ other: [1, 2] }]],
    ['orders', '{"orders":[]}', [{ orders: [] }]],
    // With [], every list there is, and a single value is a list of one.
    ['x[].y', '{"x":[{"y":[1,2]},{"z":0},{"y":[]},{"y":[3]}]}', [1, 2, 3]],
    ['x[].y', '{"x":{"y":[1,2]}}', [1, 2]],
    ['x[].y', '{"x":[{"y":1},{"y":[2,3]},{"y":null}]}', [1, 2, 3]],
    ['x[].y[].z', '{"x":[{"y":[{"z":[1]},{"z":[[2]]}]},{"y":{"z":3}}]}', [1, [2], 3]],
    [
      'orders[]',
      '{"orders":[[1,2],[3,4]]}',
      [
        [1, 2],
        [3, 4],
      ],
    ],
    ['orders[]', '{"orders":{"id":1}}', [{ id: 1 }]],
    ['orders[]', '{"other":[1,2]}', [{ other: [1, 2] }]],
    ['[]', '[[1,2],[3]]', [[1, 2], [3]]],
    ['[][]', '[[1,2],[3]]', [1, 2, 3]],
    ['x[].y', '{"x":[{"y":[]}]}', [{ x: [{ y: [] }] }]],
  ])('split at "%s", %s becomes its parts', async (split, body, expected) => {
    const id = await world.integration({ split })
    expect(await world.send(id, body)).toMatchObject(ACCEPTED)
    expect(await payloads(id)).toEqual(expected)
    const events = await eventsOf(id)
    expect(events.map((event) => event.position)).toEqual(expected.map((_, at) => at))
    expect(new Set(events.map((event) => event.requestId)).size).toBe(1)
  })

  test('of XML elements is split alike', async () => {
    const id = await world.integration({ split: 'orders.order' })
    const body = '<orders><order><id>1</id></order><order><id>2</id></order></orders>'
    await world.send(id, body, { 'content-type': 'text/xml' })
    expect(await payloads(id)).toEqual([{ id: '1' }, { id: '2' }])
  })

  test('of XML elements in several others loses none, also where one stands alone', async () => {
    const id = await world.integration({ split: 'f.store[].order' })
    const order = (number: number) => `<order><id>${number}</id></order>`
    const send = (xml: string) => world.send(id, xml, { 'content-type': 'text/xml' })
    await send(`<f><store>${order(1)}${order(2)}</store><store>${order(3)}</store></f>`)
    expect(await payloads(id)).toEqual([{ id: '1' }, { id: '2' }, { id: '3' }])
    await send(`<f><store>${order(4)}</store></f>`)
    expect((await payloads(id)).at(-1)).toEqual({ id: '4' })
  })

  test('of 1,000 elements is 1,000 events, and one of 1,001 is refused', async () => {
    const id = await world.integration({ split: '' })
    expect(await world.send(id, JSON.stringify(Array.from({ length: 1_000 }, (_, at) => at)))).toMatchObject(
      ACCEPTED,
    )
    const [row] = await world.sql`SELECT count(*)::int AS n FROM events WHERE integration_id = ${id}`
    expect(row?.n).toBe(1_000)
    const answer = await world.send(id, JSON.stringify(Array(1_001).fill(0)))
    expect(answer).toMatchObject({ status: 400 })
    expect(JSON.parse(answer.body).error).toBe('The body is too complex: 1001 elements, at most 1000')
  })
})

test('a body is kept exactly: digits, blanks, keys in their order, escapes', async () => {
  const id = await world.integration()
  const body = '{ "z": 820982911946154508, "a": 1.10, "__proto__": "\\u0000\\ud800", "": 1e400 }'
  await world.send(id, body)
  const [row] = await world.sql`SELECT body FROM requests WHERE integration_id = ${id}`
  expect(row?.body.toString()).toBe(body)
  const [event] = await world.api.events(`?integrationId=${id}`)
  const answer = await fetch(`http://127.0.0.1:${world.port}/api/v1/events/${event.id}`, {
    headers: { authorization: 'Bearer test-admin-key-of-thirty-two-characters' },
  })
  expect(await answer.text()).toContain(
    '"payload":{"z":820982911946154508,"a":1.1,"__proto__":"\\u0000\\ud800","":1e400}',
  )
})

describe('duplicates', () => {
  async function states(id: string) {
    const events = await eventsOf(id)
    return events.map((event) => ({ state: event.state, of: event.duplicateOf }))
  }

  test.each<
    [
      what: string,
      dedupe: object,
      first: [string, Record<string, string>],
      other: [string, Record<string, string>],
    ]
  >([
    ['body', { by: 'body' }, ['{"a":1}', {}], ['{"a": 1}', {}]],
    [
      'header',
      { by: 'header', header: 'X-Event-Id' },
      ['{}', { 'x-event-id': '7' }],
      ['{}', { 'x-event-id': '8' }],
    ],
    [
      'fields',
      { by: 'fields', fields: ['id', 'at'] },
      ['{"id":1,"at":2,"x":3}', {}],
      ['{"id":1,"at":3,"x":3}', {}],
    ],
    [
      'long integers',
      { by: 'fields', fields: ['id'] },
      ['{"id":820982911946154508}', {}],
      ['{"id":820982911946154509}', {}],
    ],
  ])('by %s are answered like the first and shown as its copies', async (_what, dedupe, first, other) => {
    const id = await world.integration({ dedupe })
    for (const [body, headers] of [first, first, other, first])
      expect(await world.send(id, body, headers)).toMatchObject(ACCEPTED)
    const [original, copy, different, again] = await states(id)
    expect(original).toEqual({ state: 'queued', of: null })
    expect(different).toEqual({ state: 'queued', of: null })
    const [{ id: firstId } = { id: '' }] = await eventsOf(id)
    expect([copy, again]).toEqual(Array(2).fill({ state: 'duplicate', of: firstId }))
    const line = world.lines.map((text) => JSON.parse(text)).findLast((entry) => entry.integrationId === id)
    expect(line).toMatchObject({ outcome: 'accepted', duplicates: 1 })
  })

  test('are none where what makes them known is missing or empty', async () => {
    const byHeader = await world.integration({ dedupe: { by: 'header', header: 'X-Event-Id' } })
    for (const headers of [{}, {}, { 'x-event-id': '' }, { 'x-event-id': ' ' }])
      await world.send(byHeader, '{}', headers)
    const byFields = await world.integration({ dedupe: { by: 'fields', fields: ['id'] } })
    for (const body of ['{}', '{}', '{"id":null}', '{"id":null}', '{"id":""}', '{"id":""}', '[]'])
      await world.send(byFields, body)
    for (const id of [byHeader, byFields])
      expect((await states(id)).map(({ state }) => state)).not.toContain('duplicate')
  })

  test('of another integration are no duplicates', async () => {
    const [one, two] = await Promise.all([1, 2].map(() => world.integration({ dedupe: { by: 'body' } })))
    await world.send(one ?? '', '{}')
    await world.send(two ?? '', '{}')
    expect(await states(two ?? '')).toEqual([{ state: 'queued', of: null }])
  })

  test('are judged element by element where an array is split', async () => {
    const id = await world.integration({ split: '', dedupe: { by: 'fields', fields: ['id'] } })
    await world.send(id, '[{"id":1},{"id":2},{"id":1}]')
    await world.send(id, '[{"id":2},{"id":3}]')
    expect((await states(id)).map(({ state }) => state)).toEqual([
      'queued',
      'queued',
      'duplicate',
      'duplicate',
      'queued',
    ])
  })

  test('are forgotten after their window', async () => {
    const id = await world.integration({ dedupe: { by: 'body', windowSeconds: 3 } })
    await Promise.all([world.send(id), world.send(id)])
    const deadline = performance.now() + 15_000
    let last = 'duplicate'
    while (last === 'duplicate' && performance.now() < deadline) {
      await new Promise((resolve) => setTimeout(resolve, 200))
      await world.send(id)
      last = (await states(id)).at(-1)?.state ?? ''
    }
    const atOnce = (await states(id)).slice(0, 2).map(({ state }) => state)
    expect(atOnce.toSorted()).toEqual(['duplicate', 'queued'])
    expect(last).toBe('queued')
  })

  test('of 100 copies at once exactly one is no duplicate', async () => {
    const id = await world.integration({ dedupe: { by: 'body' } })
    const body = readFileSync(new URL('../bodies/shopify-order.json', import.meta.url))
    const answers = await Promise.all(Array.from({ length: 100 }, () => world.send(id, body)))
    for (const answer of answers) expect(answer).toMatchObject(ACCEPTED)
    const rows = await world.sql`SELECT id, state, duplicate_of FROM events WHERE integration_id = ${id}`
    const firsts = rows.filter((row) => row.state !== 'duplicate')
    expect(rows).toHaveLength(100)
    expect(firsts).toHaveLength(1)
    expect(new Set(rows.map((row) => row.duplicate_of))).toEqual(new Set([null, firsts[0]?.id]))
    const [runs] = await world.sql`SELECT count(*)::int AS n FROM runs WHERE integration_id = ${id}`
    expect(runs?.n).toBe(1)
  })
})
