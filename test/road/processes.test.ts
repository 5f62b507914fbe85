import { readdirSync } from 'node:fs'
import postgres from 'postgres'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { freshDatabase } from '../world/database.ts'
import { eventually } from '../world/eventually.ts'
import { apiAt, post, testSettings } from '../world/gateway.ts'
import { type Receiver, startReceiver } from '../world/receiver.ts'
import { type RedisServer, startRedis } from '../world/redis.ts'
import { type SluiceProcess, startProcess } from './processes.ts'

/** Enough that many more are under way. */
const ACKS_BEFORE_THE_END = 100

let receiver: Receiver
let redis: RedisServer
let database: { url: string; drop(): Promise<void> }
let sql: postgres.Sql
let env: Record<string, string>
let edge: SluiceProcess
let worker: SluiceProcess
let integrationId: string
const left: SluiceProcess[] = []

beforeAll(async () => {
  receiver = await startReceiver()
  redis = await startRedis()
  database = await freshDatabase()
  sql = postgres(database.url, { max: 1 })
  env = testSettings(database.url, {
    env: {
      REDIS_URL: redis.url,
      REDIS_PREFIX: 'processes',
      OUTBOUND_ALLOWED: `127.0.0.1:${receiver.port}`,
      SWEEP_SECONDS: '1',
      LOST_SECONDS: '2',
      DRAIN_MS: '5000',
      DELIVERY_CONCURRENCY: '4',
    },
  })
  ;[edge, worker] = await Promise.all([start('edge'), start('worker')])
  const api = apiAt(edge.url)
  const shop = await api.application('shop')
  const config = { retry: { firstDelayMs: 100, factor: 1 } }
  const destination = await api.destination(shop.id, `${receiver.url}/orders/{{ n }}`, config)
  const function_ = await api.rewriteFunction(
    shop.id,
    'double',
    'return { jobStatus: 1, data: job.data.data }',
  )
  const { id } = await api.integration(shop.id, {
    nodes: [
      {
        id: 'copy',
        kind: 'transform',
        function: function_.name,
        mapping: { n: 'n', id: 'id' },
        next: ['push'],
      },
      { id: 'push', kind: 'push', destination: destination.id },
    ],
  })
  integrationId = id
})

afterAll(async () => {
  await Promise.all(left.map((child) => child.kill9()))
  await sql.end({ timeout: 1 })
  await receiver.close()
  await redis.stop()
  await database.drop()
})

test('with a database of its own no key is written down, nor any demo', async () => {
  expect(readdirSync(env.SLUICE_HOME ?? '').filter((file) => /dev|key|demo/.test(file))).toEqual([])
})

async function start(role: 'edge' | 'worker'): Promise<SluiceProcess> {
  const child = await startProcess(role, env)
  left.push(child)
  return child
}

let next = 0

/** Sends one event, and gives its number and whether it was acked. */
async function sendNext(url: string): Promise<{ n: number; isAcked: boolean }> {
  next += 1
  const n = next
  const body = `{"n":${n},"id":82098291194615450${n}}`
  const answer = await post(`${url}/integration/${integrationId}`, body, {}).catch(() => undefined)
  return { n, isAcked: answer?.status === 200 }
}

/** Sends so many events, a few at a time, and gives the numbers of those that were acked. */
async function sendMany(count: number, url = edge.url): Promise<number[]> {
  const acked: number[] = []
  let remaining = count
  async function sendOn(): Promise<void> {
    while (remaining > 0) {
      remaining -= 1
      const { n, isAcked } = await sendNext(url)
      if (isAcked) acked.push(n)
    }
  }
  await Promise.all(Array.from({ length: 8 }, sendOn))
  return acked
}

/** Sends on, so many events at once, until an edge acks no more; the numbers of the acked ones come by and by. */
function sendUntilRefused(url: string, atOnce: number): { acked: number[]; ended: Promise<void> } {
  const acked: number[] = []
  async function sendOn(): Promise<void> {
    for (;;) {
      const { n, isAcked } = await sendNext(url)
      if (!isAcked) return
      acked.push(n)
    }
  }
  const ended = Promise.all(Array.from({ length: atOnce }, sendOn)).then(() => {})
  return { acked, ended }
}

async function expectDelivered(numbers: number[], withinMs = 20_000): Promise<void> {
  await eventually(() => {
    const arrived = new Set(receiver.requests.map(({ url }) => Number(url.split('/').at(-1))))
    expect(numbers.filter((n) => !arrived.has(n))).toEqual([])
  }, withinMs)
}

/** Every acked event is in the ledger; the body names it. */
async function expectKept(numbers: number[]): Promise<void> {
  const rows = await sql<{ body: Buffer }[]>`
    SELECT request.body FROM requests request JOIN events event ON event.request_id = request.id
    JOIN runs run ON run.event_id = event.id WHERE request.outcome = 'accepted'`
  const kept = new Set(rows.map(({ body }) => Number(/"n":(\d+)/.exec(body.toString())?.[1])))
  expect(numbers.filter((n) => !kept.has(n))).toEqual([])
}

/** One event, the second half of whose body follows when the edge has said this. */
function sendInTwo(to: SluiceProcess, said: string): Promise<Response> {
  const body = new ReadableStream<Uint8Array>({
    async start(controller) {
      controller.enqueue(Buffer.from('{"n":0,'))
      await eventually(() => expect(to.said()).toContain(said))
      controller.enqueue(Buffer.from('"id":0}'))
      controller.close()
    },
  })
  const headers = { 'content-type': 'application/json' }
  const init = { method: 'POST', headers, body, duplex: 'half' } as RequestInit
  return fetch(`${to.url}/integration/${integrationId}`, init)
}

/** Slow enough that something is always under way. */
function answerAfter(ms: number): void {
  receiver.answerWith(async () => {
    await new Promise((resolve) => setTimeout(resolve, ms))
    return 200
  })
}

test('an edge and a worker, each a process of its own, make the whole road; the worker takes no webhooks', async () => {
  const acked = await sendMany(20)
  expect(acked).toHaveLength(20)
  await expectDelivered(acked)
  const first = receiver.requests.find(({ url }) => url === '/orders/1')
  expect(first?.body.toString()).toBe('{"n":1,"id":820982911946154501}')
  expect((await post(`${worker.url}/integration/${integrationId}`, '{}', {})).status).toBe(404)
})

test('what a worker leaves behind when it is killed is delivered by another', {
  timeout: 90_000,
}, async () => {
  let isKilled = false
  receiver.answerWith(async () => {
    if (!isKilled) await new Promise((resolve) => setTimeout(resolve, 60_000).unref())
    return 200
  })
  const acked = await sendMany(40)
  await eventually(async () => {
    const waiting = await sql`SELECT 1 FROM runs WHERE state IN ('queued', 'running')`
    expect(waiting).toHaveLength(0)
    const sending = await sql`SELECT 1 FROM deliveries WHERE state = 'sending'`
    expect(sending.length).toBeGreaterThan(0)
  })
  await worker.kill9()
  isKilled = true
  worker = await start('worker')
  // The leases of what was being sent go on for most of a minute, which is not waited for here.
  await sql`UPDATE deliveries SET lease_until = now() WHERE state = 'sending'`
  // A job that was taken a moment before its delivery is the queue's to hand on, which it does within a minute.
  await expectDelivered(acked, 75_000)
  // Some had come to the receiver, but nobody had seen its answer: those are sent again.
  await eventually(async () => {
    const [row] = await sql`
      SELECT count(*)::int AS count, count(*) FILTER (WHERE delivery.state = 'delivered')::int AS delivered
      FROM attempts attempt JOIN deliveries delivery ON delivery.id = attempt.delivery_id
      WHERE attempt.verdict = 'interrupted'`
    expect(row?.count).toBeGreaterThan(0)
    expect(row?.delivered).toBe(row?.count)
  }, 75_000)
})

test('nothing that was acked is lost when the edge is killed under load', { timeout: 90_000 }, async () => {
  const second = await start('edge')
  const { acked, ended } = sendUntilRefused(second.url, 24)
  await eventually(() => expect(acked.length).toBeGreaterThan(ACKS_BEFORE_THE_END), 60_000)
  // Nothing is stored from here on: what is acknowledged all the same is lost.
  await sql.begin(async (transaction) => {
    await transaction`LOCK TABLE requests IN EXCLUSIVE MODE`
    await new Promise((resolve) => setTimeout(resolve, 300))
    await second.kill9()
  })
  await ended
  await expectKept(acked)
})

test('asked to stop, both finish what is under way, and end with 0', { timeout: 90_000 }, async () => {
  answerAfter(100)
  const { acked, ended } = sendUntilRefused(edge.url, 16)
  await eventually(() => expect(acked.length).toBeGreaterThan(ACKS_BEFORE_THE_END), 60_000)
  const begun = sendInTwo(edge, 'stopping: what is under way')
  await (await fetch(`${edge.url}/health/live`)).text()
  expect(await edge.stop()).toBe(0)
  expect((await begun).status).toBe(200)
  await ended
  await expectKept(acked)
  expect(await worker.stop()).toBe(0)
  expect(worker.said()).toContain('"msg":"stopped"')
  const rows = await sql`SELECT 1 FROM deliveries WHERE state = 'sending'`
  expect(rows).toHaveLength(0)
})
