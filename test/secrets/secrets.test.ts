/**
 * Plants a secret in every field that takes one, exercises the system, and looks for them in everything that can be
 * read: logs of all levels, answers of the API, metrics, the audit log, alerts, files, and the tables of the database.
 */
import type { ChildProcess } from 'node:child_process'
import { mkdtemp, readdir, readFile, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { Redis } from 'ioredis'
import postgres from 'postgres'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { checkSettings } from '../../src/cli/checked-settings.ts'
import { readSettings, SettingsError } from '../../src/platform/settings.ts'
import { PRESETS } from '../../src/sources/sources.ts'
import { documentAt, operationsOf } from '../admin/sample-of.ts'
import { type MailServer, mailCertificate, startMailServer } from '../alerts/mail-server.ts'
import { endAll, runSluice } from '../cli/sluice.ts'
import { freshDatabase } from '../world/database.ts'
import { eventually } from '../world/eventually.ts'
import { type Api, apiAt, MASTER_KEY } from '../world/gateway.ts'
import { type Received, type Receiver, startReceiver } from '../world/receiver.ts'
import { type RedisServer, startRedis } from '../world/redis.ts'
import { spawnSluice } from '../world/spawn-sluice.ts'
import { leaksIn, plant, plantAsItIs } from './leaks.ts'
import { placesIn, placesInSchemas } from './places.ts'
import {
  MAIL_PASSWORD,
  plantedChannels,
  plantedDestinations,
  plantedProofs,
  plantedServer,
} from './planted.ts'

const ADMIN_KEY = `${plant()}-the-key-of-the-settings`
const ACCESS_TOKEN = plant()

let database: Awaited<ReturnType<typeof freshDatabase>>
let sql: postgres.Sql
let role: string
let redis: RedisServer
let redisUrl: string
let receiver: Receiver
let mail: MailServer
let sluice: ChildProcess
let home: string
let api: Api
let url: string
let said = ''
/** Answers of the API as they came, but for those that show a new key. */
const answers: [what: string, text: string][] = []
const planted: { destinations: Record<string, object>; proofs: object[]; channels: Record<string, object> } =
  {
    destinations: {},
    proofs: [],
    channels: {},
  }

beforeAll(async () => {
  plantAsItIs(MASTER_KEY, 'SLUICE_MASTER_KEY')
  database = await freshDatabase()
  sql = postgres(database.url, { max: 2, onnotice: () => {} })
  receiver = await startReceiver()
  receiver.answerWith(echo)
  mail = await startMailServer({
    tls: 'starttls',
    credentials: { username: 'sluice', password: MAIL_PASSWORD },
  })
  redis = await startRedis()
  await startAll()
}, 120_000)

afterAll(async () => {
  sluice?.kill('SIGKILL')
  await redis?.stop()
  await mail?.close()
  await receiver?.close()
  await sql?.unsafe(`REASSIGN OWNED BY ${role} TO CURRENT_USER`)
  await sql?.unsafe(`DROP OWNED BY ${role}`)
  await sql?.unsafe(`DROP ROLE ${role}`)
  await sql?.end()
  await database?.drop()
})

/** With passwords in DATABASE_URL and REDIS_URL that are really asked for. */
async function startAll(): Promise<void> {
  const [databasePassword, redisPassword] = [plant(), plant()]
  role = `reader_${Date.now()}`
  await sql.unsafe(`CREATE ROLE ${role} LOGIN SUPERUSER PASSWORD '${databasePassword}'`)
  const databaseUrl = new URL(database.url)
  databaseUrl.username = role
  databaseUrl.password = databasePassword
  const client = new Redis(redis.url)
  await client.config('SET', 'requirepass', redisPassword)
  client.disconnect()
  redisUrl = redis.url.replace('//', `//:${redisPassword}@`)
  const cwd = await mkdtemp(path.join(inject('scratch'), 'secrets-'))
  home = path.join(cwd, 'home')
  const tls = plantedServer()
  await writeFile(path.join(cwd, 'cert.pem'), tls.cert)
  await writeFile(path.join(cwd, 'key.pem'), tls.key, { mode: 0o600 })
  sluice = spawnSluice({
    role: 'all',
    cwd,
    env: {
      DATABASE_URL: databaseUrl.href,
      REDIS_URL: redisUrl,
      SLUICE_HOME: home,
      SLUICE_MASTER_KEY: MASTER_KEY,
      SLUICE_ADMIN_KEY: ADMIN_KEY,
      RETRIEVE_ALLOWED_LIST: '127.0.0.1',
      OUTBOUND_ALLOWED: `127.0.0.1:${receiver.port},127.0.0.1:${mail.port},localhost:${mail.port},localhost:${receiver.port}`,
      LOG_LEVEL: 'trace',
      ALERT_SECONDS: '1',
      PORT: '0',
    },
  })
  for (const stream of [sluice.stdout, sluice.stderr]) stream?.on('data', (chunk) => (said += chunk))
  const line = await eventually(() => {
    const ready = said.split('\n').find((one) => one.includes('"msg":"ready"'))
    if (ready === undefined) throw new Error(`it did not start: ${said}`)
    return JSON.parse(ready)
  }, 60_000)
  url = `http://127.0.0.1:${line.port}`
  api = recording(apiAt(url, ADMIN_KEY))
}

/** Tells everything it got, as careless servers do; each second time it also says no. */
function echo({ method, url: asked, headers, body }: Received) {
  if (asked.startsWith('/token-refused')) return { status: 401, body: body.toString() }
  if (asked.startsWith('/token'))
    return {
      status: 200,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ access_token: ACCESS_TOKEN, token_type: 'Bearer', expires_in: 3_600 }),
    }
  if (asked.startsWith('/call'))
    return { status: 200, headers: { 'content-type': 'application/json' }, body: '{"fine":true}' }
  const text = JSON.stringify({ method, asked, headers })
  const number = JSON.parse(body.toString() || '{}').number ?? 2
  const told = {
    'x-echo': String(headers.authorization ?? headers['x-pin'] ?? ''),
    'content-type': 'application/json',
  }
  return { status: [503, 400, 200][number] ?? 400, headers: told, body: text }
}

function recording(of: Api): Api {
  return {
    ...of,
    async call(method, asked, body) {
      const answer = await of.call(method, asked, body)
      if (!(method === 'POST' && asked === '/api-keys'))
        answers.push([`${method} ${asked}`, JSON.stringify(answer.body) ?? ''])
      return answer
    },
  }
}

async function make(at: string, body: object): Promise<any> {
  const { status, body: made } = await api.call('POST', at, body)
  if (status !== 201) throw new Error(`POST ${at}: ${status} ${JSON.stringify(made)}`)
  return made
}

describe('secrets', () => {
  test('that are planted wherever there is room for one are found nowhere but sealed', async () => {
    const applicationId = (await make('/applications', { slug: 'shop', name: 'shop' })).id
    await plantDestinations(applicationId)
    await plantProofs(applicationId)
    await plantChannels()
    await plantKeys(applicationId)
    await exercise()
    const queued = await queuedTexts()
    await breakThings()
    const [stored, read] = [await storedTexts(), await readTexts()]
    const logs = said.split('\n').map((line): [string, string] => ['the log', line])
    const alerts = [
      ...mail.mails.map(({ headers, text }): [string, string] => ['a mail', JSON.stringify(headers) + text]),
      ...receiver.requests
        .filter(({ url: to }) => /^\/(?:alerts|slack)/.test(to))
        .map(({ body }): [string, string] => ['an alert', body.toString()]),
    ]
    expect([logs.length > 100, alerts.length > 3, stored.length > 100, read.length > 100]).toEqual([
      true,
      true,
      true,
      true,
    ])
    const leaks = [...logs, ...alerts, ...queued, ...stored, ...read, ...answers].flatMap(([where, text]) =>
      leaksIn(where, text),
    )
    expect([...new Set(leaks)]).toEqual([])
  }, 240_000)

  test('are planted in every field that the document knows as one', async () => {
    const isPlanted = (text: string) => leaksIn('', text).length > 0 || text.includes('PUBLIC KEY')
    const { destinations, proofs, channels } = planted
    const places = new Set(
      [...Object.values(destinations), ...proofs, ...Object.values(channels)].flatMap((given) =>
        placesIn(given, isPlanted),
      ),
    )
    const known = placesInSchemas(await documentAt(url))
    expect(known.size).toBeGreaterThan(20)
    expect([...known].filter((place) => !places.has(place))).toEqual([])
  })

  test('arrive where they belong', () => {
    const sent = receiver.requests.map(({ url: to, headers }) => `${to} ${JSON.stringify(headers)}`)
    const withSecret = sent
      .filter((text) => leaksIn('', text).length > 0)
      .map((text) => text.split(/[ ?]/)[0])
    for (const kind of ['basic', 'bearer', 'key-in-header', 'key-in-query', 'header', 'oauth2', 'by-hand'])
      expect(withSecret).toContain(`/${kind}`)
  })
})

async function plantDestinations(applicationId: string): Promise<void> {
  planted.destinations = plantedDestinations(receiver.url, receiver.port)
  const retry = { kind: 'fixed', delayMs: 3_600_000 }
  const ids = await Promise.all(
    Object.entries(planted.destinations).map(async ([name, given]) => {
      const config = { retry, timeoutMs: 2_000, ...given }
      const { id } = await make('/destinations', { applicationId, name, config })
      await api.call('POST', `/destinations/${id}/test`, { item: { number: 1 } })
      // What a careless server tells is in the answer too.
      await api.call('POST', '/destinations', {
        applicationId,
        name,
        config,
        verify: true,
        sample: { number: 1 },
      })
      // Shown as ***, and kept where it is sent back so.
      const shown = (await api.call('GET', `/destinations/${id}`)).body.config
      const changed = await api.call('PATCH', `/destinations/${id}`, {
        config: { ...shown, timeoutMs: 2_500 },
      })
      expect([name, changed.status, changed.body.config?.timeoutMs]).toEqual([name, 200, 2_500])
      return id
    }),
  )
  const request = {
    url: `${receiver.url}/call`,
    auth: { kind: 'bearer', token: plant() },
    headers: { 'x-auth': plant() },
  }
  const source =
    'console.log(JSON.stringify(jobData)); return { jobStatus: 1, data: { ...job.data.data, integration } }'
  await make('/functions', { applicationId, name: 'tells-all', source })
  const pushes = ids.map((destination, index) => ({ id: `push-${index}`, kind: 'push', destination }))
  await make('/integrations', {
    applicationId,
    name: 'orders',
    id: 'orders',
    definition: {
      proof: { scheme: 'header', header: 'x-pin', secrets: [{ secret: SENDER_SECRET }] },
      nodes: [
        { id: 'call', kind: 'call', request, result: 'asked', next: ['tell'] },
        { id: 'tell', kind: 'transform', function: 'tells-all', next: pushes.map(({ id }) => id) },
        ...pushes,
      ],
    },
  })
}

const SENDER_SECRET = plant()

async function plantProofs(applicationId: string): Promise<void> {
  for (const source of PRESETS.keys()) {
    for (const proof of plantedProofs(source)) {
      planted.proofs.push(proof)
      const nodes = [{ id: 'map', kind: 'transform' }]
      const { id } = await make('/integrations', {
        applicationId,
        name: source,
        definition: { source, proof, nodes },
      })
      await make('/integrations', {
        applicationId,
        name: source,
        definition: { source, proof, nodes, onUnproven: 'quarantine' },
      })
      const { parameter, header } = proof as { parameter?: string; header?: string }
      const query = parameter === undefined ? '' : `&${parameter}=${plant()}`
      await post(
        `/integration/${id}?token=${plant()}${query}`,
        { number: 0 },
        header === 'x-pin' ? { 'x-pin': plant() } : {},
      )
    }
  }
}

async function plantChannels(): Promise<void> {
  planted.channels = plantedChannels(receiver.url, mail.port, mailCertificate)
  for (const [name, config] of Object.entries(planted.channels)) {
    const { id } = await make('/alert-channels', { name, config })
    await api.call('POST', `/alert-channels/${id}/test`)
    await api.call('PATCH', `/alert-channels/${id}`, { name: `${name} again` })
  }
}

async function plantKeys(applicationId: string): Promise<void> {
  const { key, id } = await make('/api-keys', { name: 'till', role: 'viewer', applicationId })
  plantAsItIs(key, 'an API key')
  await recording(apiAt(url, key)).call('GET', '/events')
  await recording(apiAt(url, `${plant()}-is-no-key`)).call('GET', '/events')
  await api.call('DELETE', `/api-keys/${id}`)
}

function post(at: string, body: object, headers: Record<string, string> = {}): Promise<Response> {
  return fetch(`${url}${at}`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      authorization: `Bearer ${plant()}`,
      cookie: `session=${plant()}`,
      'x-api-key': plant(),
      ...headers,
    },
    body: JSON.stringify(body),
  })
}

/** Deliveries that arrive, are tried again and die; their replays, and what is told of them. */
async function exercise(): Promise<void> {
  for (const number of [0, 1, 2]) {
    const sent = await post('/integration/orders', { number }, { 'x-pin': SENDER_SECRET })
    expect(sent.status).toBe(200)
  }
  const many = Object.keys(planted.destinations).length
  await eventually(async () => {
    const { items } = (await apiAt(url, ADMIN_KEY).call('GET', '/deliveries?limit=500')).body
    const states = items.map(({ state }: { state: string }) => state)
    const open = states.filter((state: string) => !['dead', 'retrying', 'delivered'].includes(state))
    if (states.length < 3 * many || open.length > 0)
      throw new Error(`${states.length} deliveries, open: ${open}`)
  }, 90_000)
  const dead = (await api.call('GET', '/dead-letters')).body.items
  await api.call('POST', `/deliveries/${dead[0].id}/replay`)
  await api.call('POST', '/replays', { of: 'dead-letters', filter: {}, estimate: true })
  await eventually(() => {
    const told = receiver.requests.map(({ url: to }) => to)
    if (!told.includes('/alerts') || mail.mails.length < 2) throw new Error(`${mail.mails.length} mails`)
  }, 60_000)
}

/** What goes wrong with database and queue is told in the log. */
async function breakThings(): Promise<void> {
  await sql`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = ${role}`
  await redis.kill9()
  await eventually(async () => {
    const response = await fetch(`${url}/health/ready`)
    answers.push(['GET /health/ready', await response.text()])
    await post('/integration/orders', { number: 2 }, { 'x-pin': SENDER_SECRET })
    if (!/redis|queue/i.test(said.slice(-20_000))) throw new Error('nobody tells that Redis is away')
  }, 60_000)
}

/** Everything in Redis. */
async function queuedTexts(): Promise<[string, string][]> {
  const client = new Redis(redisUrl)
  const texts: [string, string][] = []
  for await (const keys of client.scanStream())
    for (const key of keys)
      texts.push([`Redis ${key}`, (await client.dumpBuffer(key))?.toString('latin1') ?? ''])
  client.disconnect()
  expect(texts.length).toBeGreaterThan(0)
  return texts
}

/** Rows of all tables, and the files that Sluice keeps. */
async function storedTexts(): Promise<[string, string][]> {
  const tables = await sql<{ name: string }[]>`
    SELECT relname AS name FROM pg_class
    WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition`
  const texts: [string, string][] = []
  for (const { name } of tables) {
    const rows = await sql<{ row: string }[]>`SELECT row::text FROM ${sql(name)} AS row`
    texts.push(...rows.map(({ row }): [string, string] => [`table ${name}`, row]))
  }
  expect(texts.some(([, text]) => text.includes('sealed:'))).toBe(true)
  for (const entry of await readdir(home, { recursive: true, withFileTypes: true })) {
    const file = path.join(entry.parentPath, entry.name)
    if (entry.isFile()) texts.push([`file ${entry.name}`, await readFile(file, 'latin1')])
  }
  return texts
}

/** Everything that can be read, by the document of the API. */
async function readTexts(): Promise<[string, string][]> {
  const reading = operationsOf(await documentAt(url)).filter(({ method }) => method === 'get')
  const lists = reading.filter(({ path: at }) => !at.includes('{'))
  const plain = apiAt(url, ADMIN_KEY)
  const texts: [string, string][] = []
  const read = async (at: string) => {
    const { status, body } = await plain.call('GET', at)
    texts.push([
      `GET ${at}`,
      JSON.stringify(body, (_key, value) => (typeof value === 'bigint' ? String(value) : value)),
    ])
    return status === 200 ? body : {}
  }
  for (const { path: list, parameters = [] } of lists) {
    const { items = [] } = await read(
      parameters.some(({ name }) => name === 'limit') ? `${list}?limit=500` : list,
    )
    const ones = reading.filter(({ path: at }) => at.startsWith(`${list}/{`))
    for (const { path: one } of ones)
      for (const { id } of items.slice(0, 60)) await read(one.replace(/\{\w+\}/, id))
  }
  for (const at of ['/metrics', '/health/ready', '/api/v1/openapi.json'])
    texts.push([`GET ${at}`, await (await fetch(`${url}${at}`)).text()])
  return texts
}

describe('settings that are wrong', () => {
  const right = { DATABASE_URL: 'postgres://localhost/none', SLUICE_MASTER_KEY: MASTER_KEY }

  function problemsOf(env: Record<string, string>): string[] {
    try {
      checkSettings(readSettings({ ...right, ...env }))
    } catch (error) {
      if (error instanceof SettingsError) return error.problems
    }
    throw new Error(`nothing is wrong with ${Object.keys(env)}`)
  }

  test('are told without their secrets', async () => {
    const file = path.join(await mkdtemp(path.join(inject('scratch'), 'secrets-')), 'key.pem')
    await writeFile(file, `-----BEGIN PRIVATE KEY-----\n${plant()}\n-----END PRIVATE KEY-----\n`)
    const wrong: Record<string, string>[] = [
      { DATABASE_URL: `postgres://sluice:a@${plant()}@127.0.0.1:none/none?password=${plant()}` },
      { DATABASE_URL: `postgres://sluice:${plant()}@[none/none` },
      { REDIS_URL: `redis://:${plant()}@[none` },
      { REDIS_URL: `redis+sentinel://:${plant()}@a,b/m?sentinelPassword=${plant()}&none=1` },
      { SLUICE_MASTER_KEY: plant() },
      { SLUICE_ADMIN_KEY: plant().slice(0, 20) },
      { TLS_CERT: file, TLS_KEY: file },
    ]
    for (const env of wrong) expect(leaksIn(Object.keys(env).join(), problemsOf(env).join('\n'))).toEqual([])
  })

  test('and a database that is not there, are told without its password', async () => {
    const env = { DATABASE_URL: `postgres://sluice:${plant()}@127.0.0.1:1/none`, LOG_LEVEL: 'debug' }
    const { code, stdout, stderr } = await runSluice(['create-key', 'x'], { env })
    expect([code, stderr]).toEqual([1, expect.stringContaining('cannot be used')])
    expect(leaksIn('create-key', stdout + stderr)).toEqual([])
    await endAll()
  }, 60_000)
})
