/** Edges as processes of their own that are killed and started while PostgreSQL is away. */
import { mkdtemp, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import postgres from 'postgres'
import { afterAll, beforeAll, expect, inject, test, vi } from 'vitest'
import { type SluiceProcess, startProcess } from '../road/processes.ts'
import { apiAt } from '../world/api.ts'
import { eventually } from '../world/eventually.ts'
import { post, testSettings } from '../world/gateway.ts'
import { type PostgresServer, startPostgres } from '../world/postgres.ts'
import { type Receiver, startReceiver } from '../world/receiver.ts'
import { modeOf, runSluice } from './sluice.ts'

/** A busy machine takes long to start a process, and some tests start several. */
const PATIENCE_MS = 60_000
// What was waited for in vain is to be told.
vi.setConfig({ testTimeout: 3 * PATIENCE_MS })

let database: PostgresServer
let home: string
let env: Record<string, string>
let copyFile: string
let receiver: Receiver
/** The one that runs from one test to the next. */
let edge: SluiceProcess
const processes: SluiceProcess[] = []

beforeAll(async () => {
  database = await startPostgres()
  receiver = await startReceiver()
  home = await mkdtemp(path.join(inject('scratch'), 'home-'))
  copyFile = path.join(home, 'definitions.json')
  env = testSettings(database.url, {
    queue: 'bullmq',
    env: {
      SLUICE_HOME: home,
      LEDGER_SLOW_MS: '300',
      ALERT_SECONDS: '1',
      ALERT_CALM_SECONDS: '0',
      OUTBOUND_ALLOWED: `127.0.0.1:${receiver.port}`,
    },
  })
})
afterAll(async () => {
  for (const one of processes) await one.kill9()
  await receiver.close()
  await database.stop()
})

async function startEdge(more: Record<string, string> = {}): Promise<SluiceProcess> {
  const edge = await startProcess('edge', { ...env, ...more })
  processes.push(edge)
  return edge
}

let next = 0

/** Sends so many, one after the other, each of which is acknowledged. */
async function send({ url }: SluiceProcess, id: string, count: number): Promise<void> {
  for (let sent = 0; sent < count; sent++) {
    const answer = await post(`${url}/integration/${id}`, `{"n":${next++}}`, {})
    expect(answer).toMatchObject({ status: 200, body: '{"result":true,"error":""}' })
  }
}

async function makeIntegration({ url }: SluiceProcess, slug: string): Promise<string> {
  const api = apiAt(url)
  const { id } = await api.application(slug)
  return (await api.integration(id, { nodes: [{ id: 'keep', kind: 'transform' }] })).id
}

async function health({ url }: SluiceProcess) {
  const response = await fetch(`${url}/health/ready`)
  return { status: response.status, body: await response.json() }
}

/** Nothing is in its journal then. */
async function untilUp(edge: SluiceProcess): Promise<void> {
  await eventually(async () => expect((await health(edge)).body).toMatchObject({ status: 'up' }), PATIENCE_MS)
}

async function stored(id: string): Promise<number[]> {
  const sql = postgres(database.url, { max: 1 })
  const rows = await sql`
    SELECT request.body FROM events event JOIN requests request ON request.id = event.request_id
    WHERE event.integration_id = ${id} AND event.state = 'queued' ORDER BY event.id`
  await sql.end()
  return rows.map(({ body }) => JSON.parse(body.toString()).n)
}

test('an edge that is killed while PostgreSQL is away and started again without it goes on; all that was acknowledged is there when PostgreSQL is', async () => {
  const first = await startEdge()
  const id = await makeIntegration(first, 'shop')
  await send(first, id, 3)
  await eventually(async () => expect(await readFile(copyFile, 'utf8')).toContain(id))
  await untilUp(first)
  await database.kill9()
  await send(first, id, 20)
  await first.kill9()

  edge = await startEdge()
  expect(edge.said()).toContain('PostgreSQL is away: starting without it')
  expect(await health(edge)).toMatchObject({
    status: 200,
    body: {
      status: 'degraded',
      parts: {
        database: { status: 'degraded' },
        definitions: { status: 'degraded', detail: expect.stringContaining('a local copy of 20') },
        journal: { status: 'degraded', detail: expect.stringContaining('20 requests of') },
      },
    },
  })
  await send(edge, id, 20)
  expect(await post(`${edge.url}/integration/unknown`, '{}', {})).toMatchObject({ status: 404 })

  await database.restart()
  await untilUp(edge)
  await send(edge, id, 3)
  await eventually(
    async () => expect(await stored(id)).toEqual(Array.from({ length: next }, (_, n) => n)),
    PATIENCE_MS,
  )
  // Changes are heard of as ever.
  const other = await makeIntegration(edge, 'other')
  await send(edge, other, 1)
})

test('the copy of the definitions and the journal are for their owner alone, and no secret stands in the copy', async () => {
  expect([await modeOf(copyFile), await modeOf(path.join(home, 'journal'))]).toEqual(['600', '700'])
  const api = apiAt(edge.url)
  const { id } = await api.application('signed')
  await api.integration(id, {
    source: 'shopify',
    proof: { secrets: [{ secret: 'a-planted-secret' }] },
    nodes: [{ id: 'keep', kind: 'transform' }],
  })
  // The integration is in a later copy than its application may be.
  const text = await eventually(async () => {
    const copy = await readFile(copyFile, 'utf8')
    expect(copy).toContain('"source\\":\\"shopify')
    return copy
  })
  expect(text).toContain('sealed:')
  expect(text).not.toContain('a-planted-secret')
})

test('of two edges on one home each has a journal of its own; what the one that was killed has left is brought in by the other', async () => {
  const other = await startEdge()
  const id = await makeIntegration(edge, 'pair')
  await eventually(() => send(other, id, 1))
  const from = next
  await database.kill9()
  await send(edge, id, 5)
  await send(other, id, 5)
  await other.kill9()
  await database.restart()
  await eventually(async () => expect(await stored(id)).toHaveLength(1 + next - from), PATIENCE_MS)
})

test('whoever is to hear of it is told that requests are kept in the journal while PostgreSQL is away, and that it is over', async () => {
  const api = apiAt(edge.url)
  const config = { kind: 'webhook', url: receiver.url, secret: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw' }
  const { body: channel } = await api.call('POST', '/alert-channels', { name: 'on call', config })
  const when = { condition: 'journal', olderThanSeconds: 1 }
  const { body: rule } = await api.call('POST', '/alert-rules', { when })
  const id = await makeIntegration(edge, 'alerting')
  await send(edge, id, 1)
  // What it knows now is all that it can go by when PostgreSQL is away.
  await eventually(async () => {
    const known = await readFile(path.join(home, 'alert-channels.json'), 'utf8')
    for (const one of [channel, rule]) expect(known).toContain(one.id)
  })
  const heard = () =>
    receiver.requests.flatMap(({ body }) => {
      const { type, data } = JSON.parse(body.toString())
      return data.incident.condition === 'journal' ? [{ type, sentence: data.incident.sentence }] : []
    })
  await database.kill9()
  await send(edge, id, 5)
  await eventually(() => expect(heard()).toHaveLength(1), PATIENCE_MS)
  expect(heard()).toEqual([
    {
      type: 'incident.opened',
      sentence: expect.stringMatching(
        /has kept requests in its journal .*; \d acknowledged requests? waiting$/,
      ),
    },
  ])
  await database.restart()
  await eventually(
    () => expect(heard().map(({ type }) => type)).toEqual(['incident.opened', 'incident.recovered']),
    PATIENCE_MS,
  )
  for (const path of [`/alert-channels/${channel.id}`, `/alert-rules/${rule.id}`])
    await api.call('DELETE', path)
  expect(await edge.stop()).toBe(0)
})

test('a journal that nobody is left for is brought in by a command', async () => {
  edge = await startEdge()
  const id = await makeIntegration(edge, 'left')
  await send(edge, id, 1)
  await untilUp(edge)
  await database.stop()
  await send(edge, id, 10)
  await edge.kill9()
  await database.restart()
  const run = (...args: string[]) =>
    runSluice(['journal', ...args], { home, env: { DATABASE_URL: database.url } })
  const status = await run('status')
  expect(status.stdout).toMatch(
    /^1: 10 requests of \d+ bytes wait, the oldest since 20\S+Z; 0 were set aside\n/,
  )
  const drained = await run('drain')
  expect([drained.code, drained.stderr]).toEqual([0, ''])
  expect(drained.stdout).toMatch(/^1: 10 requests brought in, 0 set aside\n/)
  expect(await stored(id)).toHaveLength(11)
  expect((await run('drain')).stdout).toMatch(/^1: 0 requests brought in, 0 set aside\n/)
})

test('when a PostgreSQL comes that forgets, the edge that waited for it ends', async () => {
  await database.kill9()
  edge = await startEdge({ DATABASE_URL: `${database.url}?synchronous_commit=off` })
  await database.restart()
  expect(await edge.ended()).toBe(1)
  expect(edge.said()).toContain('PostgreSQL has synchronous_commit = off')
})

test('a copy that cannot be read is told in a sentence, and so is a database that is there and refuses', async () => {
  await writeFile(copyFile, '{"version":1,')
  const away = await runSluice(['start'], {
    home,
    env: { ...env, REDIS_URL: '', DATABASE_URL: 'postgres://sluice:secret@127.0.0.1:1/sluice' },
  })
  expect([away.code, away.stderr]).toEqual([
    1,
    expect.stringMatching(
      /^sluice: the local copy of the definitions in \S.*definitions\.json cannot be read: .+\n$/,
    ),
  ])
  const refusing = await runSluice(['start'], {
    home,
    env: { ...env, REDIS_URL: '', DATABASE_URL: database.url.replace(/[^/]*$/, 'nothing') },
  })
  expect([refusing.code, refusing.stderr]).toEqual([
    1,
    expect.stringContaining('sluice: the PostgreSQL of DATABASE_URL cannot be used'),
  ])
})
