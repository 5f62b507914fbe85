/** What an integration redacts is shown nowhere, is kept no longer than its work needs it, and still arrives. */
import { pino } from 'pino'
import postgres from 'postgres'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type MailServer, startMailServer } from '../alerts/mail-server.ts'
import { cameTo, openRoad, type Road } from '../road/world.ts'
import { eventually } from '../world/eventually.ts'
import { receiverCertificate } from '../world/receiver.ts'

const EMAIL = 'jane.planted@example.com'
const NAME = 'Zoë Planted'
const CARD = '4111222233334444'
const CVV = 'cvv-planted-737'
const HEADER = 'planted header value'
const PARAMETER = 'planted-parameter'
/** Of these nothing may ever be seen. */
const PLANTED = [EMAIL, NAME, CARD, CVV, HEADER, PARAMETER, 'Planted', 'Zo\\u00eb', encodeURIComponent(EMAIL)]

let road: Road
let mail: MailServer
let sql: postgres.Sql
const lines: string[] = []

beforeAll(async () => {
  mail = await startMailServer({ tls: 'starttls' })
  const log = pino({ level: 'trace' }, { write: (line: string) => void lines.push(line) })
  road = await openRoad({ log, env: { ALERT_SECONDS: '1' }, alsoAllowed: [`localhost:${mail.port}`] })
  sql = postgres(road.world.env.DATABASE_URL ?? '', { max: 2 })
  await road.api.call('POST', '/alert-channels', {
    name: 'mail',
    config: {
      kind: 'email',
      host: 'localhost',
      port: mail.port,
      ca: receiverCertificate,
      from: 'sluice@shop.example',
      to: ['ops@shop.example'],
      failedAttempts: true,
    },
  })
})
afterAll(async () => {
  await sql.end()
  await road.close()
  await mail.close()
})

const get = async (path: string) => (await road.api.call('GET', path)).body

function expectNothingPlanted(text: string, what: string, planted = PLANTED): void {
  for (const one of planted)
    if (text.toLowerCase().includes(one.toLowerCase()))
      expect.fail(
        `${what} shows ${one}: ${text.slice(Math.max(0, text.indexOf(one) - 200), text.indexOf(one) + 200)}`,
      )
}

/** Every answer of the API that has anything to do with an integration, as text. */
async function everythingShown(integration: string): Promise<string> {
  const { items: events } = await get(`/events?integrationId=${integration}`)
  const { items: deliveries } = await get(`/deliveries?integrationId=${integration}`)
  const { items: letters } = await get(`/dead-letters?integrationId=${integration}`)
  const paths = [
    `/requests?integrationId=${integration}`,
    `/integrations/${integration}/merge-fields`,
    '/incidents',
    '/audit-log',
    ...events.flatMap(({ id }: { id: string }) => [`/events/${id}`, `/events/${id}/merge-fields`]),
    ...deliveries.map(({ id }: { id: string }) => `/deliveries/${id}`),
    ...letters.map(({ id }: { id: string }) => `/dead-letters/${id}`),
  ]
  const answers = await Promise.all(paths.map((path) => road.api.call('GET', path)))
  expect(answers.map(({ status }) => status)).toEqual(paths.map(() => 200))
  const show = (value: unknown) =>
    JSON.stringify(value, (_key, held) => (typeof held === 'bigint' ? String(held) : held))
  return [events, deliveries, letters, answers].map(show).join('\n')
}

/** All rows of the ledger that are about an integration, with the given columns left out. */
async function everythingStored(
  integration: string,
  leftOut: Record<string, string[]> = {},
): Promise<string> {
  const runs = sql`SELECT id FROM runs WHERE integration_id = ${integration}`
  const deliveries = sql`SELECT id FROM deliveries WHERE integration_id = ${integration}`
  const without = (table: string, readable = sql`NULL::text`) =>
    sql`(to_jsonb(x) || jsonb_build_object('readable', ${readable})) - ${leftOut[table] ?? []}::text[]`
  const rows = await Promise.all([
    sql`SELECT ${without('requests', sql`convert_from(body, 'LATIN1')`)} AS row FROM requests x WHERE integration_id = ${integration}`,
    sql`SELECT ${without('events')} AS row FROM events x WHERE integration_id = ${integration}`,
    sql`SELECT ${without('runs')} AS row FROM runs x WHERE integration_id = ${integration}`,
    sql`SELECT ${without('node_results')} AS row FROM node_results x WHERE run_id IN (${runs})`,
    sql`SELECT ${without('deliveries')} AS row FROM deliveries x WHERE integration_id = ${integration}`,
    sql`SELECT ${without('attempts', sql`convert_from(response_body, 'LATIN1')`)} AS row FROM attempts x WHERE delivery_id IN (${deliveries})`,
    sql`SELECT to_jsonb(x) AS row FROM alert_messages x`,
    sql`SELECT to_jsonb(x) AS row FROM incidents x`,
    sql`SELECT to_jsonb(x) AS row FROM dedupe_keys x WHERE integration_id = ${integration}`,
  ])
  return JSON.stringify(rows.map((table) => table.map(({ row }) => row)))
}

/** Where the work needs the values, and nowhere else. */
const WORK = {
  requests: ['body', 'readable'],
  events: ['payload'],
  runs: ['answer'],
  deliveries: ['item', 'hidden', 'order_key'],
}

const RULE = {
  headers: ['X-Customer'],
  parameters: ['who'],
  fields: ['customer', 'payment.card', '**.email'],
  drop: ['payment.cvv'],
}
const BODY = `{"id":7,"customer":{"name":"${NAME}","email":"${EMAIL}"},
  "payment":{"card":${CARD},"cvv":"${CVV}"},"lines":[{"sku":"A","email":"${EMAIL}"}]}`
const HEADERS = { 'x-customer': HEADER, 'x-plain': 'kept' }

describe('an event of which much is redacted', () => {
  let integration: string
  let event: any

  beforeAll(async () => {
    road.receiver.answerWith(({ body, url }) => ({
      status: url.startsWith('/fails') ? 422 : 200,
      headers: { 'x-echo': EMAIL },
      body: `not taken: ${body.toString()} at ${url}`,
    }))
    await road.api.rewriteFunction(
      road.shop,
      'tell',
      `const { customer, payment } = jobData.job.data.data
      console.log('customer', customer, payment.cvv, jobData.job.request.headers['x-customer'])
      return { jobStatus: 1, message: 'for ' + customer.name,
               data: { ...jobData.job.data.data, MAIL: customer.email.toUpperCase(), text: 'Dear ' + customer.name,
                       cvv: payment.cvv, who: jobData.job.request.headers['x-customer'] } }`,
    )
    const fails = await road.destination('/fails?mail={{ MAIL }}', {
      headers: { 'x-name': '{{ customer.email }}' },
    })
    const takes = await road.destination('/takes')
    integration = await road.integration(
      [
        { id: 'tell', kind: 'transform', function: 'tell', next: ['fails', 'takes'] },
        { id: 'fails', kind: 'push', destination: fails, orderKey: '{{ customer.email }}' },
        { id: 'takes', kind: 'push', destination: takes },
      ],
      { redact: RULE, dedupe: { by: 'fields', fields: ['payment.card'] } },
    )
    const answer = await road.world.send(`${integration}?who=${PARAMETER}&n=1`, BODY, HEADERS)
    expect(answer.status).toBe(200)
    event = await road.api.eventIn(integration, 'dead')
  })

  test('reaches its destination whole, but for what is never written down', () => {
    const [item] = cameTo(road.receiver, '/takes').map((body) => JSON.parse(body))
    expect(item).toMatchObject({
      customer: { name: NAME, email: EMAIL },
      MAIL: EMAIL.toUpperCase(),
      cvv: '***',
      who: '***',
    })
    expect(cameTo(road.receiver, `/fails?mail=${encodeURIComponent(EMAIL.toUpperCase())}`)).toHaveLength(1)
  })

  test('is shown with its fields masked, wherever they went', () => {
    expect(event.payload).toEqual({
      id: 7,
      customer: '***',
      payment: { card: '***', cvv: '***' },
      lines: [{ sku: 'A', email: '***' }],
    })
    expect(event.request).toMatchObject({ body: null, bodyRedacted: false })
    expect(event.request.headers).toContainEqual(['x-customer', '***'])
    expect(event.request.headers).toContainEqual(['x-plain', 'kept'])
    expect(event.request.path).toBe(`/integration/${integration}?who=***&n=1`)
    const [tell] = event.runs[0].nodes
    expect(tell.output).toMatchObject({ id: 7, MAIL: '***', text: 'Dear ***' })
    expect(tell.message).toBe('for ***')
    expect(JSON.stringify(tell.log)).toContain('customer')
    const fails = event.runs[0].deliveries.find(({ nodeId }: { nodeId: string }) => nodeId === 'fails')
    expect(fails.attempts[0].request.url).toContain('/fails?mail=***')
    expect(fails.attempts[0].responseBody.text).toContain('not taken: ')
  })

  test('is nowhere seen in any answer of the API, the log, the metrics and the mails', async () => {
    await eventually(() => expect(mail.mails.length).toBeGreaterThan(0))
    expectNothingPlanted(await everythingShown(integration), 'the API')
    expectNothingPlanted(lines.join(''), 'the log')
    expectNothingPlanted(JSON.stringify(mail.mails), 'a mail')
    expect(mail.mails[0]?.text).toContain('***')
    expectNothingPlanted(await (await fetch(`${road.world.url}/metrics`)).text(), 'the metrics')
  })

  test('is not found by what is hidden in it, so that nobody can guess it letter by letter', async () => {
    for (const text of [EMAIL, CARD, 'plant'])
      for (const list of ['events', 'deliveries', 'dead-letters'])
        expect((await get(`/${list}?integrationId=${integration}&text=${text}`)).items).toEqual([])
    expect(
      (await get(`/events?integrationId=${integration}&text=${encodeURIComponent('"sku":"A"')}`)).items,
    ).toHaveLength(1)
    const estimate = {
      of: 'events',
      filter: { integrationId: integration, state: 'dead', text: EMAIL },
      estimate: true,
    }
    expect((await road.api.call('POST', '/replays', estimate)).body).toMatchObject({ matched: 0 })
  })

  test('stands in the database only where the work needs it; what is never written down stands nowhere', async () => {
    expectNothingPlanted(await everythingStored(integration, WORK), 'the database')
    expectNothingPlanted(await everythingStored(integration), 'the database', [CVV, HEADER, PARAMETER])
    const [row] = await sql`SELECT item FROM deliveries WHERE integration_id = ${integration} LIMIT 1`
    expect(row?.item).toContain(EMAIL)
  })

  test('has a dedupe key of which nobody can guess what it is made of', async () => {
    const { createHash } = await import('node:crypto')
    const plain = createHash('sha256')
      .update(JSON.stringify([[Number(CARD)]]))
      .digest('hex')
    expect(event.dedupeKey).toMatch(/^[0-9a-f]{64}$/)
    expect(event.dedupeKey).not.toBe(plain)
    await road.world.send(integration, BODY, HEADERS)
    const [duplicate] = await road.api.events(`?integrationId=${integration}&status=duplicate`)
    expect(duplicate).toMatchObject({ duplicateOf: event.id })
  })

  test('is sent again as it was, also after somebody changed what they were shown of it', async () => {
    const [{ id }] = (await get(`/dead-letters?integrationId=${integration}`)).items
    const { item } = await get(`/deliveries/${id}`)
    road.receiver.answerWith(200)
    const before = road.receiver.requests.length
    const replay = await road.api.call('POST', `/deliveries/${id}/replay`, { item: { ...item, id: 8 } })
    expect(replay.status).toBe(202)
    const sent = (await road.receiver.received(before + 1)).at(-1)
    expect(JSON.parse(sent?.body.toString() ?? '')).toMatchObject({ id: 8, customer: { email: EMAIL } })
    expect(await get(`/deliveries/${replay.body.id}`)).toMatchObject({
      edited: true,
      orderKey: '***',
      item: { id: 8, customer: { email: '***' } },
    })
    const wrong = { item: { ...item, other: '***' } }
    expect((await road.api.call('POST', `/deliveries/${replay.body.id}/replay`, wrong)).status).toBe(400)
    await road.api.eventIn(integration, 'delivered')
    expectNothingPlanted(await everythingShown(integration), 'the API')
  })
})

describe('a body that is no JSON', () => {
  const bodies = {
    'XML in another charset': [
      Buffer.from(
        `<?xml version="1.0" encoding="ISO-8859-1"?><order><id>1</id><customer vat="${CARD}"><email>${EMAIL}</email></customer><customer><name>${NAME}</name></customer></order>`,
        'latin1',
      ),
      { 'content-type': 'application/xml' },
      { order: { id: '1', customer: [{ '@vat': '***', email: '***' }, { name: '***' }] } },
      ['order.customer.@vat', 'order.customer.email', 'order.customer.name'],
    ],
    'a form': [
      Buffer.from(`id=1&customer[email]=${encodeURIComponent(EMAIL)}&customer[name]=Zo%C3%AB+Planted`),
      { 'content-type': 'application/x-www-form-urlencoded' },
      { id: '1', customer: { email: '***', name: '***' } },
      ['customer.email', 'customer.name'],
    ],
  } as const

  test.each(Object.entries(bodies))(
    '%s is redacted by the paths of its payload',
    async (_, [body, headers, shown, fields]) => {
      road.receiver.answerWith(({ body: sent }) => ({ status: 404, body: `unknown: ${sent.toString()}` }))
      const destination = await road.destination('/xml', { format: 'xml' })
      const integration = await road.integration([{ id: 'push', kind: 'push', destination }], {
        redact: { fields },
      })
      await road.world.send(integration, body, headers)
      const event = await road.api.eventIn(integration, 'dead')
      expect(event.payload).toEqual(shown)
      expect(event.request).toMatchObject({ body: null, bodyRedacted: true })
      expectNothingPlanted(await everythingShown(integration), 'the API')
      expectNothingPlanted(await everythingStored(integration, WORK), 'the database')
    },
  )
})

describe('what was derived from a field', () => {
  test('is not shown either, where nothing of the results is', async () => {
    road.receiver.answerWith(({ body }) => ({ status: 422, body: body.toString() }))
    await road.api.rewriteFunction(
      road.shop,
      'derive',
      `const name = jobData.job.data.data.name.split('').reverse().join('')
      console.log('backwards', name)
      return { jobStatus: 1, message: name, data: { name, [name]: 1 } }`,
    )
    const destination = await road.destination('/derived?n={{ name }}')
    const integration = await road.integration(
      [
        { id: 'derive', kind: 'transform', function: 'derive', next: ['push'] },
        { id: 'push', kind: 'push', destination },
      ],
      { redact: { fields: ['name'], results: 'hide' } },
    )
    await road.world.send(integration, '{"name":"detnalp drawkcab","id":7}')
    const event = await road.api.eventIn(integration, 'dead')
    const derived = ['backward planted', 'backward%20planted', 'detnalp drawkcab']
    expect(cameTo(road.receiver, '/derived?n=backward%20planted')).toHaveLength(1)
    expectNothingPlanted(await everythingShown(integration), 'the API', derived)
    expectNothingPlanted(await everythingStored(integration, WORK), 'the database', derived.slice(0, 2))
    expectNothingPlanted(lines.join(''), 'the log', derived)
    const [delivery] = event.runs[0].deliveries
    expect(event.payload).toEqual({ name: '***', id: 7 })
    expect(event.runs[0].nodes[0]).toMatchObject({ output: '***', message: '***', outcome: 'rewritten' })
    expect(delivery).toMatchObject({ item: '***', reason: 'bad_payload: ***', state: 'dead' })
  })

  test('is not shown of a run that failed', async () => {
    await road.api.rewriteFunction(road.shop, 'throws', `throw new Error('no ' + jobData.job.data.data.name)`)
    for (const [results, reason] of [
      ['mask', 'node "throws": rewrite function "throws" threw: Error: no ***'],
      ['hide', '***'],
    ]) {
      const integration = await road.integration([{ id: 'throws', kind: 'transform', function: 'throws' }], {
        redact: { fields: ['name'], results },
      })
      await road.world.send(integration, `{"name":"${NAME}"}`)
      const event = await road.api.eventIn(integration, 'dead')
      expect(event.runs[0].reason).toContain(reason)
      expectNothingPlanted(await everythingShown(integration), 'the API')
    }
    expectNothingPlanted(lines.join(''), 'the log')
  })
})

describe('a rule that is made later', () => {
  test('holds for what is shown of events that came before it; and one that is taken back for nothing it held for', async () => {
    road.receiver.answerWith(({ body }) => ({ status: 422, body: body.toString() }))
    const destination = await road.destination('/later')
    const nodes = [{ id: 'push', kind: 'push', destination }]
    const integration = await road.integration(nodes)
    await road.world.send(integration, `{"name":"${NAME}"}`)
    const before = await road.api.eventIn(integration, 'dead')
    expect(before.payload).toEqual({ name: NAME })
    await road.api.call('PATCH', `/integrations/${integration}`, {
      definition: { nodes, redact: { fields: ['name'] } },
    })
    expect((await road.api.event(before.id)).payload).toEqual({ name: '***' })
    expectNothingPlanted(await everythingShown(integration), 'the API')

    await road.world.send(integration, `{"name":"${NAME}"}`)
    const [{ id }] = await road.api.events(`?integrationId=${integration}&limit=1`)
    await eventually(async () => expect((await road.api.event(id)).state).toBe('dead'))
    await road.api.call('PATCH', `/integrations/${integration}`, { definition: { nodes } })
    expect((await road.api.event(id)).payload).toEqual({ name: '***' })
    expect((await road.api.event(before.id)).payload).toEqual({ name: NAME })
  })
})

test('of what is refused no body is kept', async () => {
  const integration = await road.integration([{ id: 'map', kind: 'transform' }], {
    redact: { fields: ['name'] },
    proof: { scheme: 'header', header: 'x-key', secrets: [{ secret: 'the right one' }] },
  })
  expect((await road.world.send(integration, `{"name":"${NAME}"}`, { 'x-key': 'wrong' })).status).toBe(401)
  await eventually(async () => {
    const rows = await sql`SELECT body FROM requests WHERE integration_id = ${integration}`
    expect(rows).toEqual([{ body: null }])
  })
})

test('what an operator sends to try it out is redacted like the rest', async () => {
  const integration = await road.integration([{ id: 'map', kind: 'transform' }], {
    redact: { fields: ['name'], drop: ['cvv'] },
  })
  const made = await road.api.call('POST', `/integrations/${integration}/test`, {
    payload: { name: NAME, cvv: CVV },
  })
  expect(made.status).toBe(202)
  expect((await road.api.event(made.body.eventId)).payload).toEqual({ name: '***', cvv: '***' })
  expectNothingPlanted(await everythingStored(integration), 'the database', [CVV])
})
