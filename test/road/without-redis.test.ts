/**
 * What becomes of work while Redis is not well. Lost work is looked for only every ten minutes here, so that whatever is
 * delivered in time is not owed to that.
 */
import { Redis } from 'ioredis'
import postgres from 'postgres'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { freshDatabase } from '../world/database.ts'
import { eventually } from '../world/eventually.ts'
import { apiAt, post, testSettings } from '../world/gateway.ts'
import { type Receiver, startReceiver } from '../world/receiver.ts'
import { type RedisServer, startRedis } from '../world/redis.ts'
import { cpuMsOf } from './cpu-time.ts'
import { type SluiceProcess, startProcess } from './processes.ts'

const WITHIN_MS = 30_000

let receiver: Receiver
let redis: RedisServer
let admin: Redis
let database: { url: string; drop(): Promise<void> }
let sql: postgres.Sql
let edge: SluiceProcess
let workers: SluiceProcess[]
let processes: SluiceProcess[]
let address: string
let next = 0
let startOne: (role: 'edge' | 'worker') => Promise<SluiceProcess>
const late: SluiceProcess[] = []

beforeAll(async () => {
  receiver = await startReceiver()
  redis = await startRedis()
  admin = new Redis(redis.port)
  admin.on('error', () => {})
  database = await freshDatabase()
  sql = postgres(database.url, { max: 1 })
  const env = testSettings(database.url, {
    env: {
      REDIS_URL: redis.url,
      OUTBOUND_ALLOWED: `127.0.0.1:${receiver.port}`,
      STAND_IN_SECONDS: '1',
      SWEEP_SECONDS: '600',
      LOST_SECONDS: '600',
      DELIVERY_CONCURRENCY: '4',
    },
  })
  startOne = (role) => startProcess(role, env)
  ;[edge, ...workers] = await Promise.all([startOne('edge'), startOne('worker'), startOne('worker')])
  processes = [edge, ...workers]
  const api = apiAt(edge.url)
  const shop = await api.application('shop')
  const destination = await api.destination(shop.id, `${receiver.url}/orders/{{ n }}`, {})
  const { id } = await api.integration(shop.id, {
    nodes: [{ id: 'push', kind: 'push', destination: destination.id }],
  })
  address = `/integration/${id}`
})

afterAll(async () => {
  await Promise.all([...processes, ...late].map((one) => one.kill9()))
  admin.disconnect()
  await sql.end({ timeout: 1 })
  await receiver.close()
  await redis.kill9()
  await database.drop()
})

/** Sends so many events, each of which has to be acked, and gives their numbers. */
async function send(count: number, url = edge.url): Promise<number[]> {
  const numbers = Array.from({ length: count }, () => ++next)
  const answers = await Promise.all(numbers.map((n) => post(`${url}${address}`, `{"n":${n}}`, {})))
  expect(answers.map(({ status }) => status)).toEqual(numbers.map(() => 200))
  return numbers
}

/** Each arrives, once. */
async function expectDelivered(numbers: number[]): Promise<void> {
  await eventually(() => {
    const arrived = new Set(arrivals())
    expect(numbers.filter((n) => !arrived.has(n))).toEqual([])
  }, WITHIN_MS)
}

function arrivals(): number[] {
  return receiver.requests.map(({ url }) => Number(url.split('/').at(-1)))
}

const queueStandings = () =>
  Promise.all(
    processes.map(async ({ url }) => {
      const { parts } = (await (await fetch(`${url}/health/ready`)).json()) as {
        parts: { queue: { status: string } }
      }
      return parts.queue.status
    }),
  )

/** How many lines each process wrote beside those of the work itself, whatever their level. */
const tellings = () =>
  processes.map((one) => {
    const lines = one.said().split('\n')
    return lines.filter((line) => line !== '' && !/"msg":"(?:webhook|run|attempt)"/.test(line)).length
  })

test.each([
  { what: 'killed', away: () => redis.kill9(), back: () => redis.restart() },
  {
    what: 'frozen',
    away: async () => void process.kill(redis.pid(), 'SIGSTOP'),
    back: async () => void process.kill(redis.pid(), 'SIGCONT'),
  },
  {
    what: 'a replica of a master that is gone',
    away: () => admin.replicaof('127.0.0.1', 1),
    back: () => admin.replicaof('NO', 'ONE'),
  },
  {
    what: 'out of memory',
    away: () => admin.config('SET', 'maxmemory', '1mb'),
    back: () => admin.config('SET', 'maxmemory', '0'),
  },
])(
  'Redis $what: acks go on, the workers take their work from the ledger, quietly and once each',
  {
    timeout: 120_000,
  },
  async ({ away, back }) => {
    await eventually(async () => expect(await queueStandings()).toEqual(['up', 'up', 'up']), WITHIN_MS)
    const before = await send(10)
    const toldBefore = tellings()
    await away()
    const meanwhile = await send(40)
    await expectDelivered([...before, ...meanwhile])
    await eventually(
      async () => expect(await queueStandings()).toEqual(['degraded', 'degraded', 'degraded']),
      WITHIN_MS,
    )
    // With nothing to do they do nothing: a busy loop would take all of the time.
    const used = await Promise.all(processes.map(({ pid }) => cpuMsOf(pid, 2_000)))
    for (const ms of used) expect(ms).toBeLessThan(1_000)
    const told = tellings().map((count, index) => count - (toldBefore[index] ?? 0))
    for (const count of told) expect(count).toBeLessThanOrEqual(10)
    await back()
    await eventually(async () => expect(await queueStandings()).toEqual(['up', 'up', 'up']), WITHIN_MS)
    await expectDelivered(await send(20))
    await expectOnceEach()
  },
)

/** Slow enough that most of what was sent waits in Redis. */
function answerSlowly(): void {
  receiver.answerWith(async () => {
    await new Promise((resolve) => setTimeout(resolve, 40))
    return 200
  })
}

test('Redis emptied: what waited there is put back at once', { timeout: 60_000 }, async () => {
  answerSlowly()
  const numbers = await send(60)
  await admin.flushall()
  await expectDelivered(numbers)
  await expectOnceEach()
})

test('Redis evicting: what is lost there is put back at once', { timeout: 90_000 }, async () => {
  answerSlowly()
  const numbers = await send(60)
  // What is left of a job may be its id alone, or all but its id.
  await eventually(async () => expect(await admin.keys('*delivery-*')).not.toEqual([]))
  await admin.config('SET', 'maxmemory-policy', 'allkeys-random')
  await admin.config('SET', 'maxmemory', '1mb')
  await eventually(async () =>
    expect(Number(/evicted_keys:(\d+)/.exec(await admin.info('stats'))?.[1])).toBeGreaterThan(0),
  )
  await admin.config('SET', 'maxmemory', '0')
  await admin.config('SET', 'maxmemory-policy', 'noeviction')
  await expectDelivered(numbers)
  await expectOnceEach()
  receiver.answerWith(() => 200)
})

test('an edge and a worker can be started while Redis is away and work waits', async () => {
  await redis.kill9()
  late.push(...(await Promise.all([startOne('edge'), startOne('worker')])))
  const [lateEdge, lateWorker] = late
  await Promise.all(workers.map((worker) => worker.stop()))
  const numbers = await send(5, lateEdge?.url)
  await expectDelivered(numbers)
  await redis.restart()
  await expectDelivered(await send(5, lateEdge?.url))
  expect(await lateWorker?.stop()).toBe(0)
  await expectOnceEach()
})

/** Nothing was sent twice, and no run was executed twice. */
async function expectOnceEach(): Promise<void> {
  const numbers = arrivals()
  expect(numbers.length).toBe(new Set(numbers).size)
  await eventually(async () => {
    const rows = await sql`SELECT state, takes FROM runs WHERE state <> 'delivered' OR takes <> 1`
    expect([...rows]).toEqual([])
  }, WITHIN_MS)
}
