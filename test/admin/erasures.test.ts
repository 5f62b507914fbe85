/** One person's data: found wherever it stands, and gone when somebody has confirmed it. What others sent stays. */
import postgres from 'postgres'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openRoad, type Road } from '../road/world.ts'
import { apiAt } from '../world/api.ts'
import { eventually } from '../world/eventually.ts'

let road: Road
let sql: postgres.Sql
let people = 0

beforeAll(async () => {
  road = await openRoad()
  sql = postgres(road.world.env.DATABASE_URL ?? '', { max: 2 })
})
afterAll(async () => {
  await sql.end()
  await road.close()
})

function nextNumber(): number {
  people += 1
  return people
}

const person = () => `person-${nextNumber()}.planted@example.com`
const get = async (path: string) => (await road.api.call('GET', path)).body

/** Everything that the database holds, but for what was agreed and who changed it. */
async function database(): Promise<string> {
  const tables = ['requests', 'events', 'runs', 'node_results', 'deliveries', 'attempts', 'alert_messages']
  const parts = await Promise.all(
    [...tables, 'incidents', 'replays', 'erasures', 'erasure_items'].map(
      (table) => sql`SELECT coalesce(string_agg(x::text, ' '), '') AS text FROM ${sql(table)} x`,
    ),
  )
  const bodies = await sql`
    SELECT string_agg(convert_from(body, 'LATIN1'), ' ') AS text FROM requests WHERE NOT body @> '\\x00'`.catch(
    () => sql`SELECT coalesce(string_agg(encode(body, 'escape'), ' '), '') AS text FROM requests`,
  )
  return [...parts, bodies].map(([row]) => row?.text ?? '').join('\n')
}

async function search(body: object): Promise<any> {
  const made = await road.api.call('POST', '/erasures', { reason: 'asked by letter', ...body })
  expect(made.status).toBe(202)
  return eventually(async () => {
    const erasure = await get(`/erasures/${made.body.id}`)
    expect(erasure.state).toBe('found')
    return erasure
  })
}

async function erased(id: string, body?: object): Promise<any> {
  const confirmed = await road.api.call('POST', `/erasures/${id}/confirm`, body)
  expect(confirmed.status).toBe(202)
  return eventually(async () => {
    const erasure = await get(`/erasures/${id}`)
    expect(erasure.state).toBe('done')
    return erasure
  })
}

async function pushing(path: string, more: object = {}): Promise<string> {
  const destination = await road.destination(path, { retry: { kind: 'fixed', delayMs: 3_600_000 } })
  return road.integration([{ id: 'push', kind: 'push', destination }], more)
}

describe('what is found', () => {
  test('is an estimate with samples first, and erased only when it was confirmed: ids, states and times stay', async () => {
    const email = person()
    road.receiver.answerWith(({ body }) => ({ status: 200, body: `taken: ${body.toString()}` }))
    const integration = await pushing('/mail')
    await road.world.send(integration, JSON.stringify({ email, order: 1 }), { 'x-mail': email })
    const event = await road.api.eventIn(integration, 'delivered')
    await road.world.send(integration, '{"email":"somebody@example.com"}')
    const found = await search({ search: email.toUpperCase() })
    expect(found).toMatchObject({
      matched: 1,
      states: { delivered: 1 },
      erased: 0,
      requestedBy: expect.any(String),
    })
    expect(found.sample).toEqual([{ id: event.id, kind: 'event', state: 'delivered', refusal: null }])
    expect((await road.api.event(event.id)).payload).toMatchObject({ email })

    expect(await erased(found.id)).toMatchObject({ erased: 1, kept: 0, sample: [] })
    const left = await road.api.event(event.id)
    expect(left).toMatchObject({
      id: event.id,
      state: 'delivered',
      receivedAt: event.receivedAt,
      payload: null,
      erasedBy: found.id,
      request: { body: null, status: 200, erasedAt: expect.any(String) },
    })
    expect(left.runs[0].deliveries[0]).toMatchObject({ item: null, state: 'delivered', tries: 1 })
    expect(left.runs[0].deliveries[0].attempts[0]).toMatchObject({ status: 200, responseBody: null })
    expect((await database()).toLowerCase()).not.toContain(email)
    expect((await road.api.events(`?integrationId=${integration}&text=somebody`)).length).toBe(1)
    const again = await road.api.call('POST', `/events/${event.id}/replay`)
    expect(again).toMatchObject({ status: 409, body: { detail: 'what this event carried was erased' } })
    const [{ id }] = left.runs[0].deliveries
    expect((await road.api.call('POST', `/deliveries/${id}/replay`)).status).toBe(409)
  })

  test('stands in the audit log, without what was looked for', async () => {
    const email = person()
    const found = await search({ search: email })
    await erased(found.id)
    const { items } = await get(`/audit-log?resource=erasures&resourceId=${found.id}`)
    expect(items.map(({ action }: { action: string }) => action)).toEqual(['confirm', 'create'])
    expect(JSON.stringify(items)).toContain('asked by letter')
    expect(JSON.stringify(items)).not.toContain(email)
  })

  test('is found in XML, forms, other charsets, logs of functions, headers and refused bodies', async () => {
    const name = `Zoë Planted${nextNumber()}`
    const transform = [{ id: 'map', kind: 'transform' }]
    const xml = await road.integration(transform)
    await road.world.send(
      xml,
      Buffer.from(`<?xml version="1.0" encoding="ISO-8859-1"?><o><!-- ${name} --><n>x</n></o>`, 'latin1'),
      { 'content-type': 'text/xml' },
    )
    const utf16 = await road.integration(transform)
    await road.world.send(utf16, Buffer.from(`\ufeff<o><n>${name}</n></o>`, 'utf16le'), {
      'content-type': 'text/xml',
    })
    const form = await road.integration(transform)
    await road.world.send(form, `n=${encodeURIComponent(name)}`, {
      'content-type': 'application/x-www-form-urlencoded',
    })
    await road.api.rewriteFunction(
      road.shop,
      'looks-up',
      `console.log('it is', 'Zo\\u00eb ' + '${name.slice(4)}')\nreturn { jobStatus: 1, data: { known: true } }`,
    )
    const logged = await road.integration([{ id: 'f', kind: 'transform', function: 'looks-up' }])
    await road.world.send(logged, '{"id":1}')
    const strict = await road.integration(transform, {
      proof: { scheme: 'header', header: 'x-key', secrets: [{ secret: 'the right one' }] },
    })
    expect(
      (await road.world.send(strict, Buffer.from(`{"n":"${name}"}`, 'latin1'), { 'x-key': 'no' })).status,
    ).toBe(401)
    await eventually(async () =>
      expect((await get(`/requests?integrationId=${strict}`)).items).toHaveLength(1),
    )
    for (const id of [xml, utf16, form, logged]) await road.api.eventIn(id, 'empty')
    const found = await search({ search: name })
    expect(found.matched).toBe(5)
    expect(await erased(found.id, { unfinished: 'discard' })).toMatchObject({ erased: 5 })
    expect(await search({ search: name })).toMatchObject({ matched: 0 })
  })

  test('is found however the encoder of its sender escapes it, with what was made of it', async () => {
    const number = nextNumber()
    const integration = await pushing('/escaped')
    const name = `"Zo\\u00EB O\\u0027Brien${number}"`
    await road.world.send(integration, `{"name":${name},"email":"zoe\\u002Bshop${number}@example.com"}`)
    await road.api.eventIn(integration, 'delivered')
    expect(await search({ search: `zoe+shop${number}@example.com` })).toMatchObject({ matched: 1 })
    expect(await search({ search: `shop${number}@example.com` })).toMatchObject({ matched: 0 })
    const found = await search({ search: `zoë o'brien${number}` })
    expect(found).toMatchObject({ matched: 1 })
    await erased(found.id)
    expect(await database()).not.toContain(`Brien${number}`)
  })

  test('is a word of its own, unless parts of words are asked for; and only where one looks', async () => {
    const number = `77${Date.now()}`
    const integration = await pushing('/numbers')
    await road.world.send(integration, `{"customer":${number}}`)
    await road.world.send(integration, `{"customer":${number}1}`)
    expect(await search({ search: number })).toMatchObject({ matched: 1 })
    expect(await search({ search: number, partsOfWords: true })).toMatchObject({ matched: 2 })
    expect(await search({ search: number, integrationId: 'another' })).toMatchObject({ matched: 0 })
    expect(await search({ search: number, to: '2020-01-01T00:00:00Z' })).toMatchObject({ matched: 0 })
  })

  test('of a batch is one element; the others keep what they carried, and can be replayed', async () => {
    const email = person()
    const integration = await pushing('/batch', { split: '' })
    await road.world.send(
      integration,
      JSON.stringify([
        { email, n: 1 },
        { email: 'other@example.com', n: 2 },
      ]),
    )
    const ids = await eventually(async () => {
      const { items } = await get(`/events?integrationId=${integration}&status=delivered`)
      expect(items).toHaveLength(2)
      return items.map(({ id }: { id: string }) => id).toSorted()
    })
    const found = await search({ search: email })
    expect(found.states).toEqual({ delivered: 1 })
    await erased(found.id)
    expect((await road.api.event(ids[0])).payload).toBeNull()
    expect((await road.api.event(ids[1])).payload).toEqual({ email: 'other@example.com', n: 2 })
    expect(await database()).not.toContain(email)
    expect((await road.api.call('POST', `/events/${ids[1]}/replay`)).status).toBe(202)
  })
})

describe('what is not finished', () => {
  test('stays as it is and is named, or is given up and erased', async () => {
    const email = person()
    road.receiver.answerWith(({ url }) => (url === '/dead' ? 404 : 503))
    const [retrying, dead] = [await pushing('/later'), await pushing('/dead')]
    for (const one of [retrying, dead]) await road.world.send(one, JSON.stringify({ email }))
    await road.api.eventIn(dead, 'dead')
    await eventually(async () => {
      const { items } = await get(`/deliveries?integrationId=${retrying}&state=retrying`)
      expect(items).toHaveLength(1)
    })
    const kept = await erased((await search({ search: email })).id)
    expect(kept).toMatchObject({ erased: 0, kept: 2 })
    expect(kept.sample.map(({ refusal }: { refusal: string }) => refusal)).toEqual(
      Array(2).fill('it is not finished'),
    )
    expect((await road.api.eventIn(dead, 'dead')).payload).toEqual({ email })

    expect(await erased((await search({ search: email })).id, { unfinished: 'discard' })).toMatchObject({
      erased: 2,
      kept: 0,
    })
    for (const one of [retrying, dead]) {
      const event = await road.api.eventIn(one, 'discarded')
      expect(event).toMatchObject({ payload: null, reason: 'given up, because its content was erased' })
      expect(event.runs[0].deliveries[0].state).toBe('discarded')
    }
    expect(await database()).not.toContain(email)
  })

  test('in quarantine or queued is given up too, and no worker does anything about it any more', async () => {
    const email = person()
    const held = await pushing('/held', {
      onUnproven: 'quarantine',
      proof: { scheme: 'hmac', header: 'x-signature', secrets: [{ secret: 'the right one' }] },
    })
    await road.world.send(held, JSON.stringify({ email }), { 'x-signature': 'wrong' })
    const found = await search({ search: email })
    expect(found.states).toEqual({ quarantined: 1 })
    await erased(found.id, { unfinished: 'discard' })
    const event = await road.api.eventIn(held, 'discarded')
    expect((await road.api.call('POST', `/events/${event.id}/release`)).status).toBe(409)
  })
})

describe('an erasure', () => {
  test('can be cancelled, and is confirmed once', async () => {
    const found = await search({ search: person() })
    expect((await road.api.call('POST', `/erasures/${found.id}/cancel`)).body.state).toBe('cancelled')
    expect((await road.api.call('POST', `/erasures/${found.id}/confirm`)).status).toBe(409)
    expect((await road.api.call('POST', `/erasures/${found.id}/cancel`)).status).toBe(409)
    expect((await get('/erasures?limit=1')).items).toHaveLength(1)
  })

  test('is for administrators, and within their application', async () => {
    const other = await road.api.application('other')
    const keyOf = async (body: object) => {
      const made = await road.api.call('POST', '/api-keys', { name: 'a key', ...body })
      return apiAt(`http://127.0.0.1:${road.world.gateway.adminPort}`, made.body.key)
    }
    const editor = await keyOf({ role: 'editor' })
    const elsewhere = await keyOf({ role: 'admin', applicationId: other.id })
    const email = person()
    const integration = await pushing('/whose')
    await road.world.send(integration, JSON.stringify({ email }))
    const body = { search: email, reason: 'asked' }
    expect((await editor.call('POST', '/erasures', body)).status).toBe(403)
    const made = await elsewhere.call('POST', '/erasures', body)
    expect(made).toMatchObject({ status: 202, body: { applicationId: other.id } })
    await eventually(async () =>
      expect((await elsewhere.call('GET', `/erasures/${made.body.id}`)).body).toMatchObject({
        state: 'found',
        matched: 0,
      }),
    )
    const own = await search({ search: email })
    expect((await elsewhere.call('GET', `/erasures/${own.id}`)).status).toBe(404)
  })
})

describe('what an integration keeps for a shorter time than the rest', () => {
  const later = (hours: number) => new Date(Date.now() + hours * 3_600_000)
  const keptFor = (id: string) => {
    const definition = road.world.gateway.integrations.integration(id)?.definition
    return {
      fieldsHours: definition?.redact?.eraseAfterHours ?? null,
      contentDays: definition?.contentDays ?? null,
    }
  }
  const pass = (at: Date) => road.world.gateway.ledger.eraseDue(keptFor, at, new AbortController().signal)

  test('loses its redacted fields first, then all that it carried, each when its time has come', async () => {
    const email = person()
    road.receiver.answerWith(200)
    const integration = await pushing('/short', {
      redact: { fields: ['email'], eraseAfterHours: 2 },
      contentDays: 3,
    })
    await road.world.send(integration, JSON.stringify({ email, order: 7 }))
    const { id } = await road.api.eventIn(integration, 'delivered')
    await pass(later(1))
    expect(await database()).toContain(email)
    await pass(later(3))
    expect(await database()).not.toContain(email)
    expect(await road.api.event(id)).toMatchObject({
      payload: { email: '***', order: 7 },
      erasedBy: 'redaction',
    })
    expect((await road.api.call('POST', `/events/${id}/replay`)).status).toBe(409)
    await pass(later(73))
    expect(await road.api.event(id)).toMatchObject({
      payload: null,
      erasedBy: 'retention',
      state: 'delivered',
    })
  })

  test('waits until its event has ended', async () => {
    const email = person()
    road.receiver.answerWith(404)
    const integration = await pushing('/short-dead', { redact: { fields: ['email'], eraseAfterHours: 0 } })
    await road.world.send(integration, JSON.stringify({ email }))
    await road.api.eventIn(integration, 'dead')
    await pass(later(100))
    expect(await database()).toContain(email)
    const [letter] = (await get(`/dead-letters?integrationId=${integration}`)).items
    await road.api.call('POST', `/dead-letters/${letter.id}/discard`)
    await pass(later(100))
    expect(await database()).not.toContain(email)
  })
})
