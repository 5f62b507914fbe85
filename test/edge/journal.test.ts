/** What an edge does while its PostgreSQL is gone, hangs, is slow, reads only, or is full. */
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import postgres from 'postgres'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { runSluice } from '../cli/sluice.ts'
import { eventually } from '../world/eventually.ts'
import { copiesOf, type PostgresServer, startPostgres } from '../world/postgres.ts'
import { ACCEPTED, type Answer, type EdgeWorld, startEdge } from './world.ts'

/** A busy machine takes long for all of this. */
const PATIENCE_MS = 90_000
vi.setConfig({ testTimeout: PATIENCE_MS, hookTimeout: PATIENCE_MS })

const SLOW_MS = 800
const UNSTORED = { status: 503, headers: { 'retry-after': '10' } }
const secrets = { secrets: [{ secret: 'a-secret-of-the-shop' }] }

let database: PostgresServer
/** Databases beside the one that most tests use, on the same server. */
let others: Record<'small' | 'none' | 'refused', string>
let world: EdgeWorld
/** Ends the fault that a test has begun. */
let mend = async () => {}

beforeAll(async () => {
  database = await startPostgres()
  others = await copiesOf(database, ['small', 'none', 'refused'])
  world = await startEdge({ LEDGER_SLOW_MS: String(SLOW_MS), QUARANTINE_MAX: '5' }, database.url)
})
afterEach(async () => {
  await mend()
  await untilDrained()
})
afterAll(async () => {
  await world.close()
  await database.stop()
})

/** What can be wrong with a PostgreSQL, and how it is made well again. */
const FAULTS: Record<string, () => Promise<() => Promise<void>>> = {
  async gone() {
    await database.kill9()
    return () => database.restart()
  },
  async hanging() {
    const resume = database.freeze()
    return async () => resume()
  },
  'reading only': async () => {
    await asOperator((sql) => sql`ALTER SYSTEM SET default_transaction_read_only = on`)
    return () => asOperator((sql) => sql`ALTER SYSTEM RESET default_transaction_read_only`)
  },
  full: () => onEachRequest(`RAISE EXCEPTION 'no space left on device' USING ERRCODE = 'disk_full';`),
  slow: () => onEachRequest(`PERFORM pg_sleep(${(3 * SLOW_MS) / 1_000});`),
}

async function begin(fault: string): Promise<void> {
  const made = await FAULTS[fault]?.()
  if (!made) throw new Error(`no such fault: ${fault}`)
  mend = async () => {
    mend = async () => {}
    await made()
  }
}

async function asOperator(work: (sql: postgres.Sql) => Promise<unknown>): Promise<void> {
  const sql = postgres(database.url, {
    max: 1,
    connection: { default_transaction_read_only: false },
    onnotice: () => {},
  })
  await work(sql)
  await sql`SELECT pg_reload_conf()`
  await sql.end()
}

/** As the error or the pace of a disk reaches whoever writes. */
async function onEachRequest(does: string): Promise<() => Promise<void>> {
  await asOperator((sql) =>
    sql.unsafe(`
      CREATE FUNCTION hindrance() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN ${does} RETURN NULL; END $$;
      CREATE TRIGGER hindrance AFTER INSERT ON requests FOR EACH STATEMENT EXECUTE FUNCTION hindrance()`),
  )
  return () => asOperator((sql) => sql`DROP FUNCTION hindrance CASCADE`)
}

interface Stored {
  n: number
  state: string
}

/** The events of an integration as the ledger has them, in the order of their ids. */
async function storedOf(id: string, { sql } = world): Promise<Stored[]> {
  const rows = await sql`
    SELECT event.state, request.body FROM events event JOIN requests request ON request.id = event.request_id
    WHERE event.integration_id = ${id} ORDER BY event.id`
  return rows.map(({ state, body }) => ({ state, n: JSON.parse(body.toString()).n }))
}

async function health(port = world.port): Promise<{ status: number; body: any }> {
  const response = await fetch(`http://127.0.0.1:${port}/health/ready`)
  return { status: response.status, body: await response.json() }
}

async function metric(name: string): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${world.port}/metrics`)).text()
  return Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1])
}

async function untilDrained(port?: number): Promise<void> {
  await eventually(async () => expect((await health(port)).body).toMatchObject({ status: 'up' }), PATIENCE_MS)
}

/** All that an edge has written into its journals, as one text. */
function journalText({ gateway } = world): string {
  const folder = path.join(gateway.settings.SLUICE_HOME, 'journal')
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile())
  return files.map(({ parentPath, name }) => readFileSync(path.join(parentPath, name), 'utf8')).join('\n')
}

const numbers = (count: number) => Array.from({ length: count }, (_, n) => n)

describe.each(Object.keys(FAULTS))('while PostgreSQL is %s', (fault) => {
  test('requests are acknowledged, one after the other without waiting for it, and are in the ledger once when it is well', async () => {
    const id = await world.integration()
    await begin(fault)
    const first = await Promise.all(numbers(20).map((n) => world.send(id, `{"n":${n}}`)))
    const startedAt = performance.now()
    const second = []
    for (const n of numbers(20)) second.push(await world.send(id, `{"n":${20 + n}}`))
    const tookMs = performance.now() - startedAt
    for (const answer of [...first, ...second]) expect(answer).toMatchObject(ACCEPTED)
    // Each would have waited so long for itself.
    expect(tookMs).toBeLessThan(20 * SLOW_MS)
    await mend()
    await untilDrained()
    const stored = await storedOf(id)
    expect(stored.map(({ n }) => n).toSorted((a, b) => a - b)).toEqual(numbers(40))
    expect(stored.slice(20).map(({ n }) => n)).toEqual(numbers(20).map((n) => 20 + n))
    expect(new Set(stored.map(({ state }) => state))).toEqual(new Set(['queued']))
    expect(await world.send(id, '{"n":40}')).toMatchObject(ACCEPTED)
    await untilDrained()
    expect((await storedOf(id)).at(-1)).toEqual({ n: 40, state: 'queued' })
  })
})

describe('while PostgreSQL is away', () => {
  test.each([
    ['gone', 503],
    ['hanging', 503],
    ['reading only', 200],
  ])('the API says so, and nobody hangs with it: %s', async (fault, toReaders) => {
    const { call } = world.api
    await begin(fault)
    const answers = await Promise.all([
      call('GET', '/events'),
      // One that the database hears late may be made all the same.
      call('POST', '/applications', { slug: `late-${fault.replaceAll(' ', '-')}`, name: 'Late' }),
    ])
    expect(answers.map(({ status }) => status)).toEqual([toReaders, 503])
    await mend()
    await eventually(async () => expect((await call('GET', '/events')).status).toBe(200), PATIENCE_MS)
  })

  test('each source is answered in its own words', async () => {
    const id = await world.integration({ source: 'adobe-commerce-webhooks' })
    const told = await world.integration({ reply: { status: 202, contentType: 'text/plain', body: 'noted' } })
    await begin('full')
    expect(await world.send(id)).toMatchObject({ status: 200, body: '{"op":"success"}' })
    expect(await world.send(told)).toMatchObject({ status: 202, body: 'noted' })
    expect(world.lines.filter((line) => line.includes(told)).map((line) => JSON.parse(line).status)).toEqual([
      202,
    ])
  })

  test('the edge is ready but degraded, and tells how much waits; one line tells when it began, and one when it is over', async () => {
    const id = await world.integration()
    const from = world.lines.length
    await begin('gone')
    for (const _ of numbers(5)) await world.send(id, '{"n":1}')
    const { status, body } = await health()
    expect(status).toBe(200)
    expect(body).toMatchObject({
      status: 'degraded',
      parts: {
        database: { status: 'degraded' },
        definitions: { status: 'up' },
        journal: { status: 'degraded', detail: expect.stringMatching(/5 requests of \d+ bytes wait/) },
      },
    })
    expect(await metric('sluice_journal_records')).toBe(5)
    expect(await metric('sluice_journal_bytes')).toBeGreaterThan(500)
    expect(await metric('sluice_journal_oldest_seconds')).toBeGreaterThan(0)
    await mend()
    await untilDrained()
    expect(await metric('sluice_journal_records')).toBe(0)
    const lines = world.lines.slice(from)
    const said = (text: string) => lines.filter((line) => line.includes(text))
    expect(said('requests are kept in the journal')).toHaveLength(1)
    expect(said('requests go to the ledger again')).toEqual([
      expect.stringContaining('"taken":5,"setAside":0'),
    ])
    expect(said('"kept":"journal"')).toHaveLength(5)
    // One for each part of the program that notices, however long it takes.
    const faults = lines.filter((line) => /"level":(40|50|60)/.test(line))
    expect(faults.length).toBeLessThan(10)
  })

  test('a large body whose payload takes six times as much is acknowledged like any other', async () => {
    const id = await world.integration()
    const body = Buffer.alloc(10 * 2 ** 20, 1)
    await begin('gone')
    const headers = { 'content-type': 'text/plain' }
    expect(await world.ask(`/integration/${id}`, { body, headers })).toMatchObject(ACCEPTED)
    expect(await metric('sluice_journal_bytes')).toBeGreaterThan(7 * body.length)
    await mend()
    await untilDrained()
    const events = await world.sql`
      SELECT octet_length(payload) AS bytes FROM events WHERE integration_id = ${id}`
    expect([...events]).toEqual([{ bytes: 6 * body.length + 2 }])
  })

  test('what comes twice is one event and its duplicate: the first acknowledged is first', async () => {
    const id = await world.integration({ dedupe: { by: 'fields', fields: ['key'], windowSeconds: 3_600 } })
    await world.send(id, '{"key":"before","n":1}')
    await begin('hanging')
    for (const [n, key] of ['before', 'within', 'within', 'after'].entries())
      expect(await world.send(id, `{"key":"${key}","n":${n + 2}}`)).toMatchObject(ACCEPTED)
    await mend()
    await untilDrained()
    await world.send(id, '{"key":"after","n":6}')
    await untilDrained()
    expect((await storedOf(id)).map(({ state }) => state)).toEqual([
      'queued',
      'duplicate',
      'queued',
      'duplicate',
      'queued',
      'duplicate',
    ])
  })

  test('a sender that is to be answered by the workflow gets the usual answer', async () => {
    const id = await world.integration({
      respond: { deadlineMs: 5_000, body: '{"said":true}' },
    })
    await begin('full')
    expect(await world.send(id)).toMatchObject(ACCEPTED)
  })

  test('what is wrongly signed is held as far as the last count allows, and what is refused is refused', async () => {
    const id = await world.integration({ source: 'shopify', proof: secrets, onUnproven: 'quarantine' })
    const strict = await world.integration({ source: 'shopify', proof: secrets })
    expect(await world.send(id)).toMatchObject(ACCEPTED)
    await begin('hanging')
    const answers = []
    for (const _ of numbers(6)) answers.push((await world.send(id)).status)
    expect(answers).toEqual([200, 200, 200, 200, 401, 401])
    expect((await world.send(strict)).status).toBe(401)
    expect((await world.ask('/integration/none')).status).toBe(404)
    await mend()
    await untilDrained()
    const held = await world.sql`SELECT state FROM events WHERE integration_id = ${id}`
    expect(held.map(({ state }) => state)).toEqual(Array(5).fill('quarantined'))
  })

  test('no secret and nothing that is never to be written down stands in the journal, and the event comes as it is to', async () => {
    const secret = 'planted-shop-secret'
    const id = await world.integration({
      source: 'generic',
      // By its name alone nobody would take this header for a credential.
      proof: { scheme: 'header', header: 'x-shop-proof', secrets: [{ secret }] },
      redact: { headers: ['x-customer'], parameters: ['who'], drop: ['payment.cvv'] },
      dedupe: { by: 'fields', fields: ['payment.cvv'], windowSeconds: 3_600 },
    })
    await begin('gone')
    const sent = {
      headers: {
        'content-type': 'application/json',
        'x-shop-proof': secret,
        authorization: 'Bearer planted-bearer',
        cookie: 'session=planted-cookie',
        'x-api-key': 'planted-key',
        'x-customer': 'planted-customer',
        'x-plain': 'plain-header',
      },
      body: '{"n":1,"payment":{"cvv":"planted-cvv"},"plain":"plain-field"}',
    }
    expect(await world.ask(`/integration/${id}?token=planted-token&who=planted-who`, sent)).toMatchObject(
      ACCEPTED,
    )
    const text = journalText()
    expect(text).toContain('plain-header')
    expect(text).toContain('plain-field')
    expect(text.match(/planted-?\w*/g)).toBeNull()
    await mend()
    await untilDrained()
    expect(await world.eventOf(id)).toMatchObject({
      state: 'queued',
      payload: { n: 1, payment: { cvv: '***' }, plain: 'plain-field' },
    })
  })

  test('a handshake that has to be remembered is asked for again later', async () => {
    const id = await world.integration({ source: 'tilby', proof: {} })
    const subscribed = '{"type":"SUBSCRIBED","environment_id":"e","client_id":"c"}'
    await begin('hanging')
    expect(await world.send(id, subscribed)).toMatchObject(UNSTORED)
    await mend()
    await eventually(async () => expect(await world.send(id, subscribed)).toMatchObject(ACCEPTED))
  })
})

test('what was stored although nobody heard of it in time is no duplicate of itself', async () => {
  const id = await world.integration({ dedupe: { by: 'body', windowSeconds: 3_600 } })
  await begin('slow')
  expect(await world.send(id, '{"n":1}')).toMatchObject(ACCEPTED)
  expect(await metric('sluice_journal_records')).toBe(1)
  // It is there before the journal has brought it in.
  await eventually(async () => expect(await storedOf(id)).toEqual([{ n: 1, state: 'queued' }]))
  await mend()
  await untilDrained()
  expect(await storedOf(id)).toEqual([{ n: 1, state: 'queued' }])
  expect(await world.sql`SELECT state FROM runs WHERE integration_id = ${id}`).toHaveLength(1)
})

test('on the way back to the ledger nothing overtakes what was acknowledged before it', async () => {
  const id = await world.integration({ dedupe: { by: 'fields', fields: ['key'], windowSeconds: 3_600 } })
  let isOver = false
  let sent = 0
  /** Often enough that there are pairs in every moment of the way, and not so often that they are all that a machine does. */
  const PAIRS_PAUSE_MS = 50
  /** The second of a pair is sent when the first is acknowledged, whichever way both go. */
  async function sendPairs(line: number): Promise<void> {
    for (let pair = 0; !isOver; pair++) {
      for (const n of [1, 2]) {
        expect(await world.send(id, `{"key":"${line}-${pair}","n":${n}}`)).toMatchObject(ACCEPTED)
        sent += 1
      }
      await pause(PAIRS_PAUSE_MS)
    }
  }
  const sending = Promise.all(numbers(8).map(sendPairs))
  for (const fault of ['full', 'gone', 'hanging']) {
    await begin(fault)
    const before = sent
    await eventually(() => expect(sent).toBeGreaterThan(before + 50), PATIENCE_MS)
    await mend()
    await eventually(
      async () => expect((await health()).body.parts.journal).toEqual({ status: 'up' }),
      PATIENCE_MS,
    )
  }
  isOver = true
  await sending
  const stored = await storedOf(id)
  expect(stored).toHaveLength(sent)
  expect(stored.filter(({ n, state }) => state !== (n === 1 ? 'queued' : 'duplicate'))).toEqual([])
})

describe('a journal', () => {
  test('that is full has the sender come again, in the words of its source, and loses nothing', async () => {
    const small = await startEdge({ LEDGER_SLOW_MS: '100', JOURNAL_BYTES_MAX: '100000' }, others.small)
    const id = await small.integration()
    const openTicket = await small.integration({ source: 'openticket' })
    const unproven = await small.integration({ source: 'shopify', proof: secrets, onUnproven: 'quarantine' })
    await begin('hanging')
    const answers: Answer[] = []
    for (const n of numbers(40)) answers.push(await small.send(id, `{"n":${n},"is":"${'x'.repeat(4_000)}"}`))
    const acked = numbers(40).filter((n) => answers[n]?.status === 200)
    expect(acked.length).toBeGreaterThan(15)
    expect(acked).toEqual(numbers(acked.length))
    for (const answer of answers.slice(acked.length)) expect(answer).toMatchObject(UNSTORED)
    const large = JSON.stringify('x'.repeat(4_000))
    expect(await small.send(openTicket, large)).toMatchObject({ status: 429 })
    expect(await small.send(unproven)).toMatchObject({ status: 503 })
    expect(await health(small.port)).toMatchObject({
      status: 503,
      body: { parts: { database: { status: 'down' } } },
    })
    await mend()
    await untilDrained(small.port)
    expect((await storedOf(id, small)).map(({ n }) => n)).toEqual(acked)
    expect(await small.send(id, '{"n":99}')).toMatchObject(ACCEPTED)
    await small.close()
  })

  test('that cannot be made is told and done without', async () => {
    const edge = await startEdge({ SLUICE_HOME: '/dev/null/home', STORE_WAIT_MS: '3000' }, others.none)
    const id = await edge.integration()
    expect(await edge.send(id)).toMatchObject(ACCEPTED)
    expect((await health(edge.port)).body.parts.journal).toMatchObject({
      status: 'degraded',
      detail: expect.stringContaining('cannot be opened'),
    })
    await begin('hanging')
    expect(await edge.send(id)).toMatchObject(UNSTORED)
    await mend()
    await edge.close()
  })

  test('sets aside what PostgreSQL does not take, and brings in the rest; an operator sees why, and tries it again', async () => {
    const url = others.refused
    const edge = await startEdge({ LEDGER_SLOW_MS: '100' }, url)
    const { SLUICE_HOME: home } = edge.gateway.settings
    const sluice = (...args: string[]) =>
      runSluice(['journal', ...args], { home, env: { DATABASE_URL: url } })
    const id = await edge.integration()
    await edge.sql`ALTER TABLE requests ADD CONSTRAINT no_agent CHECK (headers NOT LIKE '%unwanted%') NOT VALID`
    await begin('hanging')
    for (const n of numbers(5))
      expect(await edge.send(id, `{"n":${n}}`, n === 2 ? { 'user-agent': 'unwanted' } : {})).toMatchObject(
        ACCEPTED,
      )
    const busy = await sluice('status')
    expect([busy.code, busy.stdout]).toEqual([0, expect.stringContaining('1: in use by a running Sluice')])
    await mend()
    await eventually(async () =>
      expect((await health(edge.port)).body.parts.journal.detail).toBe('1 requests were set aside'),
    )
    expect((await storedOf(id, edge)).map(({ n }) => n)).toEqual([0, 1, 3, 4])
    await edge.close()

    expect((await sluice('status')).stdout).toMatch(
      /^1: 0 requests of 0 bytes wait; 1 were set aside\n {2}set aside \S+: PostgreSQL does not take it: .*no_agent.*\.record\)\n$/,
    )
    const refused = await sluice('drain', '--set-aside')
    expect([refused.code, refused.stdout]).toEqual([1, '1: 0 requests brought in, 1 set aside\n'])
    await asOperator(async () => {
      const sql = postgres(url, { max: 1 })
      await sql`ALTER TABLE requests DROP CONSTRAINT no_agent`
      await sql.end()
    })
    const taken = await sluice('drain', '--set-aside')
    expect([taken.code, taken.stdout]).toEqual([0, '1: 1 requests brought in, 0 set aside\n'])
    const sql = postgres(url, { max: 1 })
    expect(await sql`SELECT 1 FROM events WHERE integration_id = ${id}`).toHaveLength(5)
    await sql.end()
  })
})
