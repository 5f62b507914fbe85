/**
 * What does a durable ack cost? The edge with everything on against a bare Hono handler that parses the same JSON
 * and answers, alternating in one run. Machines are noisy: the ratios count, not the numbers.
 *
 *     npm run bench:ack -- [--seconds 4] [--rounds 3] [--rate 1000]
 */
import { type ChildProcess, fork } from 'node:child_process'
import { createHmac, randomBytes } from 'node:crypto'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { startEmbeddedPostgres } from '../src/platform/embedded-postgres.ts'
import { connectPostgres } from '../src/platform/postgres.ts'
import { findRedisProgram } from '../test/world/redis-program.ts'
import { launchRedis, type RedisServer } from '../test/world/redis-server.ts'
import type { LoadOrder, LoadResult } from './load.ts'

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '4' },
    rounds: { type: 'string', default: '3' },
    rate: { type: 'string', default: '1000' },
  },
})

const SECRET = 'bench-secret'
/** 16 MB each: more than `min_wal_size` keeps. */
const LOG_SEGMENTS = 40
/** What is steady has begun before: of 10,000 requests the 100 slowest are those of the first tenth of a second. */
const STEADY = { connections: 64, seconds: 20, warmSeconds: 10 }
const ADMIN_KEY = randomBytes(24).toString('hex')
const here = (file: string) => new URL(file, import.meta.url)
const quiet = { info() {}, warn() {}, error: console.error }

const body = await readFile(here('shopify-order.json'), 'utf8')
const home = await mkdtemp(path.join(tmpdir(), 'sluice-bench-'))
const redis = await startRedis()
const postgres = await startEmbeddedPostgres({ home, log: quiet })
const sql = connectPostgres(postgres.url, { connectionsMax: 1, applicationName: 'bench' })
await ageDatabase()
const children: ChildProcess[] = []
try {
  const bare = await startServer('bare-server.ts', {})
  const gateway = await startServer('gateway-server.ts', gatewaySettings())
  const load = fork(here('load.ts'))
  children.push(load)
  const integrationId = await createIntegration(gateway)
  const drive = driver(load, { bare, gateway }, integrationId)
  await drive('bare', { connections: 32, seconds: 1 })
  await drive('gateway', { connections: 32, seconds: 2 })
  for (const connections of [32, 128]) await compare(drive, connections)
  await steady(drive)
  await requireDistinct()
} finally {
  for (const child of children) child.kill('SIGKILL')
  await sql.end()
  await Promise.all([postgres.close(), redis.stop()])
  await rm(home, { recursive: true, force: true })
}

/** What is a duplicate costs less. */
async function requireDistinct(): Promise<void> {
  const [row] = await sql`SELECT count(*)::int AS duplicates FROM events WHERE state = 'duplicate'`
  if (row?.duplicates !== 0) throw new Error(`${row?.duplicates} requests were taken for duplicates`)
}

/**
 * A server that has run for a while has segments of its write-ahead log to take up again; a new one makes each of
 * them first, which takes some 50 ms and would be all that the percentiles show. A checkpoint gives back those that
 * a measurement used up.
 */
async function ageDatabase(): Promise<void> {
  for (let segment = 0; segment < LOG_SEGMENTS; segment++) {
    await sql`SELECT pg_logical_emit_message(true, 'bench', 'a segment of its own')`
    await sql`SELECT pg_switch_wal()`
  }
  await sql`CHECKPOINT`
}

type Drive = (
  target: 'bare' | 'gateway',
  how: { connections: number; seconds: number; warmSeconds?: number; rate?: number },
) => Promise<LoadResult>

async function compare(drive: Drive, connections: number): Promise<void> {
  const ratios: number[] = []
  console.log(`\n${connections} connections, each sends when it was answered`)
  for (let round = 1; round <= Number(values.rounds); round++) {
    const bare = await drive('bare', { connections, seconds: Number(values.seconds) })
    const gateway = await drive('gateway', { connections, seconds: Number(values.seconds) })
    ratios.push(perSecond(gateway) / perSecond(bare))
    console.log(
      `  round ${round}: bare ${describe(bare)}   durable ack ${describe(gateway)}   ratio ${percent(ratios.at(-1) ?? 0)}`,
    )
  }
  console.log(
    `  median ratio ${percent(ratios.toSorted((a, b) => a - b)[Math.floor(ratios.length / 2)] ?? 0)}`,
  )
}

async function steady(drive: Drive): Promise<void> {
  const rate = Number(values.rate)
  console.log(
    `\nsteady ${rate}/s on 64 connections, counted from when each request was due, after ${STEADY.warmSeconds} s of it`,
  )
  for (const target of ['bare', 'gateway'] as const) {
    const result = await drive(target, { ...STEADY, rate })
    const { p50, p99, p999, max } = result
    console.log(
      `  ${target.padEnd(8)} p50 ${p50.toFixed(2)} ms, p99 ${p99.toFixed(2)} ms, p99.9 ${p999.toFixed(2)} ms, max ${max.toFixed(1)} ms`,
    )
  }
}

function driver(load: ChildProcess, ports: { bare: number; gateway: number }, integrationId: string): Drive {
  let series = 0
  return async (target, { connections, seconds, warmSeconds = 0, rate = 0 }) => {
    const order: LoadOrder = {
      port: ports[target],
      connections,
      seconds,
      warmSeconds,
      rate,
      head: headOf(integrationId),
      body,
      series: `series${series++}`,
    }
    if (target === 'gateway') await sql`CHECKPOINT`
    load.send(order)
    const result = await messageOf<LoadResult>(load)
    if (result.failed > 0)
      throw new Error(`${result.failed} of ${result.requests} requests to ${target} failed`)
    return result
  }
}

/** The signature covers the body alone, so one is right for all; only the event id differs, which `load.ts` adds. */
function headOf(integrationId: string): string {
  const signature = createHmac('sha256', SECRET).update(body).digest('base64')
  return [
    `POST /integration/${integrationId} HTTP/1.1`,
    'Host: hooks.example.com',
    'User-Agent: Shopify-Captain-Hook',
    'Content-Type: application/json',
    `Content-Length: ${Buffer.byteLength(body)}`,
    'X-Shopify-Topic: orders/create',
    'X-Shopify-Shop-Domain: demo-shop.myshopify.com',
    'X-Shopify-API-Version: 2026-01',
    'X-Shopify-Webhook-Id: b54557e4-bdd9-4b37-8a5f-bf7d70bcd043',
    'X-Shopify-Triggered-At: 2026-01-01T00:00:00.123456789Z',
    `X-Shopify-Hmac-Sha256: ${signature}`,
    '',
  ].join('\r\n')
}

async function createIntegration(port: number): Promise<string> {
  const { id: applicationId } = await create(port, 'applications', { slug: 'bench', name: 'bench' })
  const { id } = await create(port, 'integrations', {
    applicationId,
    name: 'bench',
    definition: {
      allowedList: ['127.0.0.1'],
      source: 'shopify',
      proof: { secrets: [{ secret: SECRET }] },
      nodes: [{ id: 'map', kind: 'transform', mapping: { id: 'id' } }],
    },
  })
  return id
}

async function create(port: number, what: string, input: object): Promise<{ id: string }> {
  const response = await fetch(`http://127.0.0.1:${port}/api/v1/${what}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${ADMIN_KEY}`, 'content-type': 'application/json' },
    body: JSON.stringify(input),
  })
  if (response.status !== 201) throw new Error(`POST ${what}: ${await response.text()}`)
  return (await response.json()) as { id: string }
}

function gatewaySettings(): Record<string, string> {
  return {
    DATABASE_URL: postgres.url,
    SLUICE_HOME: path.join(home, 'gateway'),
    REDIS_URL: redis.url,
    SLUICE_MASTER_KEY: randomBytes(32).toString('base64'),
    SLUICE_ADMIN_KEY: ADMIN_KEY,
    PORT: '0',
  }
}

async function startRedis(): Promise<RedisServer> {
  const program = findRedisProgram(process.env.PATH ?? '')
  if (program === null) throw new Error('the benchmark needs redis-server or valkey-server on the PATH')
  return launchRedis({ path: program, scratch: home })
}

async function startServer(file: string, env: Record<string, string>): Promise<number> {
  // Log lines are written as in production, and thrown away.
  const child = fork(here(file), {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  children.push(child)
  return (await messageOf<{ port: number }>(child)).port
}

function messageOf<T>(child: ChildProcess): Promise<T> {
  return new Promise((resolve, reject) => {
    const onExit = (code: number | null) =>
      reject(new Error(`${child.spawnargs.at(-1)} ended with code ${code}`))
    child.once('exit', onExit)
    child.once('message', (message) => {
      child.off('exit', onExit)
      resolve(message as T)
    })
  })
}

function perSecond({ requests, seconds }: LoadResult): number {
  return requests / seconds
}

function describe(result: LoadResult): string {
  return `${Math.round(perSecond(result))}/s (p50 ${result.p50.toFixed(2)} ms, p99 ${result.p99.toFixed(2)} ms)`
}

function percent(ratio: number): string {
  return `${Math.round(ratio * 100)} %`
}
