import { spawn } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, writeFile } from 'node:fs/promises'
import net from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Redis } from 'ioredis'
import { afterAll, afterEach, beforeAll, describe, expect, inject, onTestFinished, test, vi } from 'vitest'
import { findFreePort } from '../../src/platform/embedded-postgres/free-port.ts'
import type { RedisConnection } from '../../src/platform/redis.ts'
import { createSharedQueue, type Gap, type Queue, QueueUnavailable } from '../../src/queue/queue.ts'
import { type RedisServer, startRedis } from '../world/redis.ts'
import { aJob, gate, type LogLine, listeningLog, redisAt } from './world.ts'

const within = { timeout: 15_000, interval: 25 }
const nothing = { waiting: 0, delayed: 0, active: 0 }

interface Opened {
  queue: Queue
  redis: RedisConnection
  lines: LogLine[]
}

const opened: Opened[] = []
async function openQueue(url: string, prefix: string = randomUUID()): Promise<Opened> {
  const { log, lines } = listeningLog()
  const redis = redisAt(url, log)
  const queue = await createSharedQueue({ redis, log, prefix, lockMs: 1_000, stalledCheckMs: 500 })
  const each = { queue, redis, lines }
  opened.push(each)
  return each
}
/** A way to the server on which something can be done before a certain request goes by. */
async function startWay(port: number) {
  const sockets = new Set<net.Socket>()
  let awaited: RegExp | undefined
  let act: () => Promise<unknown> = async () => {}
  const server = net.createServer((near) => {
    const far = net.connect(port, '127.0.0.1')
    let sent: Promise<unknown> = Promise.resolve()
    for (const socket of [near, far]) {
      sockets.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => [near, far].map((one) => one.destroy()))
    }
    near.on('data', (chunk) => {
      const isAwaited = awaited?.test(chunk.toString('latin1'))
      if (isAwaited) awaited = undefined
      sent = sent.then(() => isAwaited && act()).then(() => far.write(chunk))
    })
    far.pipe(near)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as net.AddressInfo).port,
    /** Settles when it was done. */
    beforeNext: (request: RegExp, work: () => Promise<unknown>) =>
      new Promise<void>((resolve) => {
        act = () => work().then(() => resolve())
        awaited = request
      }),
    async close() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
/** A taker of one job at a time, which has one in hand until it is let go. */
async function takeAndHold(queue: Queue): Promise<{ seen: string[]; held: ReturnType<typeof gate> }> {
  const held = gate()
  const seen: string[] = []
  await queue.take('runs', { concurrency: 1 }, async ({ id }) => {
    seen.push(id)
    await held.passed
  })
  await queue.put([aJob()])
  await vi.waitFor(() => expect(seen).toHaveLength(1), within)
  return { seen, held }
}
async function closeAll() {
  for (const { queue, redis } of opened.splice(0)) {
    await queue.close(0)
    await redis.close()
  }
}

describe('with Redis up', () => {
  let server: RedisServer
  let admin: Redis
  beforeAll(async () => {
    server = await startRedis()
    admin = new Redis(server.port)
  })
  afterEach(closeAll)
  afterAll(async () => {
    admin.disconnect()
    await server.stop()
  })

  test('the job of a worker that was killed is handled by another one', async () => {
    const prefix = randomUUID()
    const { queue, lines } = await openQueue(server.url, prefix)
    const job = aJob({ priority: 7 })
    await queue.put([job])
    const program = fileURLToPath(new URL('worker-that-hangs.ts', import.meta.url))
    const child = spawn(process.execPath, [program, server.url, prefix], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const [said] = await once(child.stdout, 'data')
    expect(String(said).trim()).toBe(job.id)

    const seen: unknown[] = []
    await queue.take('runs', { concurrency: 1 }, async (each) => void seen.push(each))
    // While the worker lives, its job stays with it, beyond the three seconds of its lock and two checks.
    await new Promise((resolve) => setTimeout(resolve, 5_000))
    expect(seen).toEqual([])
    child.kill('SIGKILL')
    // lockMs + 2 × stalledCheckMs are four seconds: the rest is for a busy machine.
    await vi.waitFor(() => expect(seen).toEqual([{ ...job, begun: 1 }]), within)
    expect(lines.map(({ msg }) => msg)).toEqual(['a job of a worker that fell silent is handled again'])
    await vi.waitFor(async () => expect(await queue.counts()).toEqual(nothing), within)
  })

  test('a job that a closing worker leaves behind is handled by another one', async () => {
    const prefix = randomUUID()
    const leaving = await openQueue(server.url, prefix)
    const staying = await openQueue(server.url, prefix)
    const job = aJob()
    const [held, started] = [gate(), gate()]
    const taker = await leaving.queue.take('runs', { concurrency: 1 }, () => {
      started.open()
      return held.passed
    })
    await leaving.queue.put([job])
    await started.passed
    await taker.close(100)
    const seen: string[] = []
    await staying.queue.take('runs', { concurrency: 1 }, async ({ id }) => void seen.push(id))
    await vi.waitFor(() => expect(seen).toEqual([job.id]), within)
    // The handler that was left behind ends at last, and that changes nothing.
    held.open()
    const next = aJob()
    await staying.queue.put([next])
    await vi.waitFor(() => expect(seen).toEqual([job.id, next.id]), within)
    await vi.waitFor(async () => expect(await staying.queue.counts()).toEqual(nothing), within)
  })

  test('wiping Redis under a running worker loses what waited there and nothing else', async () => {
    const { queue, lines } = await openQueue(server.url)
    const held = gate()
    const seen: string[] = []
    await queue.take('runs', { concurrency: 2 }, async ({ id }) => {
      seen.push(id)
      if (seen.length <= 2) await held.passed
    })
    const first = [aJob(), aJob(), aJob(), aJob({ delayMs: 300 })]
    await queue.put(first)
    await vi.waitFor(() => expect(seen).toHaveLength(2), within)
    await admin.flushall()
    held.open()
    const again = [...first.map((job) => ({ ...job, id: `${job.id}-2` })), ...first]
    await queue.put(again)
    await vi.waitFor(() => expect(new Set(seen)).toEqual(new Set(again.map(({ id }) => id))), within)
    await vi.waitFor(async () => expect(await queue.counts('runs')).toEqual(nothing), within)
    expect(lines.length).toBeLessThanOrEqual(2)
  })

  test('Redis holds ids and nothing of what a handler or its failure says', async () => {
    const { queue } = await openQueue(server.url)
    await admin.flushall()
    let done = 0
    await queue.take('runs', { concurrency: 1 }, async () => {
      done++
      throw new Error('the secret of the customer')
    })
    const jobs = [aJob(), aJob(), aJob({ delayMs: 1e7 })]
    await queue.put(jobs)
    await vi.waitFor(() => expect(done).toBe(2), within)
    await vi.waitFor(async () => expect((await queue.counts()).active).toBe(0), within)
    const everything = await contents(admin)
    expect(everything).toContain(jobs[2]?.subject)
    expect(everything).not.toContain('secret')
    // What ended has left no key of its own.
    expect(
      (await admin.keys('*')).filter((key) => jobs.slice(0, 2).some(({ id }) => key.includes(id))),
    ).toEqual([])
  })

  test('a policy that lets Redis drop work is said at the start', async () => {
    await admin.config('SET', 'maxmemory-policy', 'allkeys-lru')
    const { queue, lines } = await openQueue(server.url)
    await queue.put([aJob()])
    await vi.waitFor(() => expect(lines).toHaveLength(1), within)
    expect(lines[0]).toMatchObject({ level: 40, maxmemoryPolicy: 'allkeys-lru' })
    await admin.config('SET', 'maxmemory-policy', 'noeviction')
  })

  const refusals = [
    {
      what: 'is a replica whose master is gone',
      begin: () => admin.replicaof('127.0.0.1', 1),
      end: () => admin.replicaof('NO', 'ONE'),
      reason: /READONLY/,
    },
    {
      what: 'is out of memory',
      begin: () => admin.config('SET', 'maxmemory', '1mb'),
      end: () => admin.config('SET', 'maxmemory', '0'),
      reason: /OOM/,
    },
    {
      what: 'waits for replicas',
      begin: () => admin.config('SET', 'min-replicas-to-write', '1'),
      end: () => admin.config('SET', 'min-replicas-to-write', '0'),
      reason: /NOREPLICAS/,
    },
  ]

  test.each(refusals)(
    'a Redis that $what takes no work: it is told, quietly, and a gap when it does again',
    async (fault) => {
      const { queue, lines } = await openQueue(server.url)
      const seen: string[] = []
      const gaps: Gap[] = []
      queue.onGap((gap) => gaps.push(gap))
      await queue.take('runs', { concurrency: 2 }, async ({ id }) => void seen.push(id))
      const first = aJob()
      await queue.put([first])
      await vi.waitFor(() => expect(seen).toEqual([first.id]), within)
      expect(queue.trouble()).toBeUndefined()
      onTestFinished(async () => void (await fault.end()))
      await fault.begin()
      await vi.waitFor(() => expect(queue.trouble()?.reason).toMatch(fault.reason), within)
      for (let count = 0; count < 10; count += 1) {
        await expect(queue.put([aJob()])).rejects.toThrow(fault.reason)
        await new Promise((resolve) => setTimeout(resolve, 100))
      }
      expect(queue.trouble()?.sinceMs).toBeGreaterThan(900)
      expect(lines.length).toBeLessThanOrEqual(3)
      expect(gaps).toEqual([])
      await fault.end()
      await vi.waitFor(
        () => expect(gaps).toEqual([{ why: 'the queue was away', idsMayBeLeft: false }]),
        within,
      )
      const after = aJob()
      await vi.waitFor(() => queue.put([after]), within)
      await vi.waitFor(() => expect(seen).toEqual([first.id, after.id]), within)
      await vi.waitFor(() => expect(lines.at(-1)?.msg).toMatch(/again|back/), within)
    },
  )

  test.each(refusals)(
    'a Redis that $what is asked for work now and then, and no more often',
    async (fault) => {
      const { queue } = await openQueue(server.url)
      // A lane whose last job was there has reason to ask for the next one at once.
      const { seen, held } = await takeAndHold(queue)
      const next = aJob()
      onTestFinished(async () => void (await fault.end()))
      await fault.begin()
      await vi.waitFor(() => expect(queue.trouble()).toBeDefined(), within)
      const refusedBefore = await refusedCommands()
      held.open()
      await vi.waitFor(() => expect(queue.trouble()?.sinceMs).toBeGreaterThan(4_000), within)
      const refused = (await refusedCommands()) - refusedBefore
      const seconds = (queue.trouble()?.sinceMs ?? 0) / 1_000
      expect(refused).toBeGreaterThan(0)
      expect(Math.round(refused / seconds)).toBeLessThan(30)
      await fault.end()
      await vi.waitFor(() => queue.put([next]), within)
      await vi.waitFor(() => expect(seen).toContain(next.id), within)
    },
  )

  async function refusedCommands(): Promise<number> {
    return Number(/^total_error_replies:(\d+)/m.exec(await admin.info('stats'))?.[1])
  }

  test('a Redis that was emptied is a gap, and one that evicts is another, which leaves ids behind', async () => {
    const { queue, lines } = await openQueue(server.url)
    const gaps: Gap[] = []
    queue.onGap((gap) => gaps.push(gap))
    await vi.waitFor(async () => expect(await admin.keys('*:pulse')).not.toEqual([]), within)
    // The first pulse after its key was made tells nothing.
    await new Promise((resolve) => setTimeout(resolve, 1_500))
    expect(gaps).toEqual([])
    await admin.flushall()
    await vi.waitFor(() => expect(gaps).toEqual([{ why: 'Redis was emptied', idsMayBeLeft: false }]), within)

    const job = aJob()
    await queue.put([job])
    // As when Redis has evicted the list of what waits, and not what waits.
    const [waiting = ''] = await admin.keys('*:runs:prioritized')
    await admin.del(waiting)
    await queue.put([job])
    expect(await queue.counts('runs')).toEqual(nothing)
    await admin.config('SET', 'maxmemory-policy', 'allkeys-lru')
    await admin.config('SET', 'maxmemory', '1mb')
    await vi.waitFor(async () => expect(await admin.info('stats')).toMatch(/evicted_keys:[1-9]/), within)
    await admin.config('SET', 'maxmemory', '0')
    await admin.config('SET', 'maxmemory-policy', 'noeviction')
    const evicted = { why: 'Redis has evicted keys', idsMayBeLeft: true }
    await vi.waitFor(() => expect(gaps).toContainEqual(evicted), within)
    expect(lines.map(({ msg }) => msg)).toContainEqual(expect.stringContaining('has dropped keys'))
  })

  test('a Redis that is emptied while a pulse is under way is noticed', async () => {
    const way = await startWay(server.port)
    onTestFinished(() => way.close())
    const prefix = randomUUID()
    const { queue } = await openQueue(`redis://127.0.0.1:${way.port}`, prefix)
    const gaps: Gap[] = []
    queue.onGap((gap) => gaps.push(gap))
    await vi.waitFor(async () => expect(await admin.exists(`{${prefix}}:pulse`)).toBe(1), within)
    await way.beforeNext(/set\r\n.*:pulse/is, () => admin.flushall())
    await vi.waitFor(() => expect(gaps).toEqual([{ why: 'Redis was emptied', idsMayBeLeft: false }]), within)
  })

  test('a closed queue leaves no connection behind', async () => {
    const { queue, redis } = await openQueue(server.url)
    const lanes = ['runs', 'deliveries', 'shop']
    for (const lane of lanes) await queue.take(lane, { concurrency: 1 }, async () => {})
    await queue.put(lanes.map((lane) => aJob({ lane })))
    await vi.waitFor(async () => expect(await queue.counts()).toEqual(nothing), within)
    const ours = async () =>
      String(await admin.client('LIST'))
        .split('\n')
        .filter((line) => /cmd=/.test(line)).length - 1
    await vi.waitFor(async () => expect(await ours()).toBe(2 + lanes.length), within)
    await queue.close()
    await redis.close()
    await vi.waitFor(async () => expect(await ours()).toBe(0), within)
  })
})

describe('with Redis coming and going', () => {
  let server: RedisServer
  beforeAll(async () => {
    server = await startRedis()
  })
  afterEach(closeAll)
  afterAll(() => server.stop())

  test('killed and started again: puts are refused at once, and the taker goes on by itself', async () => {
    const { queue, lines } = await openQueue(server.url)
    const seen: string[] = []
    await queue.take('runs', { concurrency: 2 }, async ({ id }) => void seen.push(id))
    const before = aJob()
    await queue.put([before])
    await vi.waitFor(() => expect(seen).toEqual([before.id]), within)

    await server.kill9()
    for (let tries = 0; tries < 20; tries++) {
      const startMs = performance.now()
      await expect(queue.put([aJob()])).rejects.toThrow(QueueUnavailable)
      await expect(queue.counts()).rejects.toThrow(QueueUnavailable)
      // Sooner than any of them would give up waiting for an answer.
      expect(performance.now() - startMs).toBeLessThan(1_900)
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
    await server.restart()
    const after = aJob()
    await vi.waitFor(() => queue.put([after]), within)
    await vi.waitFor(() => expect(seen).toEqual([before.id, after.id]), within)
    await vi.waitFor(
      () => expect(lines.map(({ msg }) => msg)).toEqual(['Redis is away', 'Redis is back']),
      within,
    )
  })

  test('frozen: a put under way ends within its time, the next ones at once; thawed, all goes on', async () => {
    const { queue } = await openQueue(server.url)
    const seen: string[] = []
    await queue.take('runs', { concurrency: 2 }, async ({ id }) => void seen.push(id))
    await queue.put([aJob()])
    await vi.waitFor(() => expect(seen).toHaveLength(1), within)
    const pid = await processOf(server)
    process.kill(pid, 'SIGSTOP')
    const startMs = performance.now()
    await expect(queue.put([aJob()])).rejects.toThrow(QueueUnavailable)
    expect(performance.now() - startMs).toBeLessThan(5_000)
    await new Promise((resolve) => setTimeout(resolve, 100))
    const nextMs = performance.now()
    await expect(queue.put([aJob()])).rejects.toThrow(QueueUnavailable)
    // Without waiting for it as the first had to.
    expect(performance.now() - nextMs).toBeLessThan((nextMs - startMs) / 2)
    process.kill(pid, 'SIGCONT')
    const after = aJob()
    await vi.waitFor(() => queue.put([after]), within)
    await vi.waitFor(() => expect(seen).toContain(after.id), within)
  })

  test('a job whose handler ends while Redis is away is done, and the taker takes the next', async () => {
    const { queue } = await openQueue(server.url)
    const { seen, held } = await takeAndHold(queue)
    await server.kill9()
    held.open()
    await server.restart()
    const after = aJob()
    await vi.waitFor(() => queue.put([after]), within)
    await vi.waitFor(() => expect(seen).toHaveLength(2), within)
    expect(seen[1]).toBe(after.id)
  })

  test('away from the start: taking begins when Redis comes', async () => {
    await server.kill9()
    const { queue, lines } = await openQueue(server.url)
    const seen: string[] = []
    await queue.take('runs', { concurrency: 1 }, async ({ id }) => void seen.push(id))
    const startMs = performance.now()
    await expect(queue.put([aJob()])).rejects.toThrow(QueueUnavailable)
    expect(performance.now() - startMs).toBeLessThan(5_000)
    await server.restart()
    const job = aJob()
    await vi.waitFor(() => queue.put([job]), within)
    await vi.waitFor(() => expect(seen).toEqual([job.id]), within)
    await vi.waitFor(
      () => expect(lines.map(({ msg }) => msg)).toEqual(['Redis is away', 'Redis is back']),
      within,
    )
    expect(lines[0]?.reason).toContain('ECONNREFUSED')
  })

  test.each([
    ['lost after it worked', true],
    ['never there', false],
  ])('closing ends in time with Redis %s', async (_, worked) => {
    if (!worked) await server.kill9()
    const { queue, redis } = await openQueue(server.url)
    const held = gate()
    let started = 0
    await queue.take('runs', { concurrency: 1 }, () => {
      started++
      return held.passed
    })
    if (worked) {
      await queue.put([aJob()])
      await vi.waitFor(() => expect(started).toBe(1), within)
      await server.kill9()
    }
    const startMs = performance.now()
    setTimeout(held.open, 200)
    await queue.close(1_000)
    await redis.close()
    expect(performance.now() - startMs).toBeLessThan(4_500)
    await server.restart()
  })
})

test('Redis Cluster: putting, counting and taking work over several lanes', async () => {
  const server = await startRedis({
    args: ['--cluster-enabled', 'yes', '--cluster-announce-ip', '127.0.0.1'],
  })
  const admin = new Redis(server.port)
  await admin.call('CLUSTER', 'ADDSLOTSRANGE', '0', '16383')
  try {
    await vi.waitFor(async () => expect(await admin.cluster('INFO')).toContain('cluster_state:ok'), within)
    const { queue } = await openQueue(`redis+cluster://127.0.0.1:${server.port},127.0.0.1:${server.port}`)
    const jobs = [aJob(), aJob({ lane: 'deliveries', priority: 0 }), aJob({ lane: 'shop', delayMs: 50 })]
    await queue.put(jobs)
    expect(await queue.counts()).toEqual({ waiting: 2, delayed: 1, active: 0 })
    const seen: string[] = []
    for (const { lane } of jobs) {
      await queue.take(lane, { concurrency: 2 }, async ({ id }) => void seen.push(id))
    }
    await vi.waitFor(() => expect(seen.toSorted()).toEqual(jobs.map(({ id }) => id).toSorted()), within)
    admin.disconnect()
    await server.kill9()
    const startMs = performance.now()
    await expect(queue.put(jobs)).rejects.toThrow(QueueUnavailable)
    expect(performance.now() - startMs).toBeLessThan(5_000)
  } finally {
    await closeAll()
    admin.disconnect()
    await server.stop()
  }
})

test('Redis Sentinel: the master is found through the sentinels', async () => {
  const master = await startRedis()
  const sentinel = await startSentinel(master.port)
  try {
    const { queue, lines } = await openQueue(
      `redis+sentinel://127.0.0.1:1,127.0.0.1:${sentinel.port}/mymaster`,
    )
    const seen: string[] = []
    await queue.take('runs', { concurrency: 1 }, async ({ id }) => void seen.push(id))
    const job = aJob()
    // The sentinel may not listen yet.
    await vi.waitFor(() => queue.put([job]), within)
    await vi.waitFor(() => expect(new Set(seen)).toEqual(new Set([job.id])), within)
    const admin = new Redis(master.port)
    expect(await admin.keys('*')).not.toEqual([])
    admin.disconnect()
    expect(lines).toEqual([])
  } finally {
    await closeAll()
    await sentinel.stop()
    await master.stop()
  }
})

test('Redis Sentinel: when the master is gone, work goes on with the replica that takes its place', {
  timeout: 60_000,
}, async () => {
  const failingOver = { timeout: 45_000, interval: 50 }
  const master = await startRedis()
  const replica = await startRedis({ args: ['--replicaof', '127.0.0.1', String(master.port)] })
  const sentinel = await startSentinel(master.port, [
    'sentinel down-after-milliseconds mymaster 500',
    'sentinel failover-timeout mymaster 3000',
  ])
  const asked = new Redis(sentinel.port)
  const left = new Redis(replica.port)
  asked.on('error', () => {})
  try {
    await vi.waitFor(
      async () =>
        expect(String(await asked.call('SENTINEL', 'REPLICAS', 'mymaster'))).toContain(
          'master-link-status,ok',
        ),
      failingOver,
    )
    const { queue, lines } = await openQueue(`redis+sentinel://127.0.0.1:${sentinel.port}/mymaster`)
    const seen: string[] = []
    await queue.take('runs', { concurrency: 1 }, async ({ id }) => void seen.push(id))
    // Time for it to be seen at the replica before it is due.
    const [before, delayed, after] = [aJob(), aJob({ delayMs: 8_000 }), aJob()]
    await queue.put([before, delayed])
    await vi.waitFor(() => expect(seen).toEqual([before.id]), within)
    await vi.waitFor(async () => expect(await contents(left)).toContain(delayed.subject), within)
    await master.kill9()
    // A put whose answer was lost on the way is made again, and its job may have been taken by then.
    await vi.waitFor(() => queue.put([after]), failingOver)
    await vi.waitFor(
      () => expect(new Set(seen)).toEqual(new Set([before.id, delayed.id, after.id])),
      failingOver,
    )
    expect(await left.role()).toContain('master')
    expect(lines.length).toBeLessThanOrEqual(4)
  } finally {
    await closeAll()
    asked.disconnect()
    left.disconnect()
    await sentinel.stop()
    await replica.stop()
    await master.stop()
  }
})

async function processOf(server: RedisServer): Promise<number> {
  const admin = new Redis(server.port)
  const pid = Number(/process_id:(\d+)/.exec(await admin.info('server'))?.[1])
  admin.disconnect()
  return pid
}

/** A sentinel needs a configuration file that it can write, so it is started by hand. */
async function startSentinel(
  masterPort: number,
  more: string[] = [],
): Promise<{ port: number; stop(): Promise<void> }> {
  const folder = await mkdtemp(join(inject('scratch'), 'sentinel-'))
  const port = await findFreePort()
  const monitor = `sentinel monitor mymaster 127.0.0.1 ${masterPort} 1`
  const lines = [`port ${port}`, 'bind 127.0.0.1', monitor, ...more]
  await writeFile(join(folder, 'sentinel.conf'), lines.join('\n'))
  const args = [join(folder, 'sentinel.conf'), '--sentinel']
  const child = spawn(inject('redisServerPath'), args, { cwd: folder, stdio: 'ignore' })
  // The suite ends whatever it finds here, should this file not come to it.
  await writeFile(join(folder, 'redis.pid'), `${child.pid}\n`)
  return {
    port,
    async stop() {
      const ended = once(child, 'exit')
      child.kill('SIGKILL')
      await ended
    },
  }
}

async function contents(redis: Redis): Promise<string> {
  const dumps = (await redis.keys('*')).map(async (key) => {
    const type = await redis.type(key)
    if (type === 'hash') return JSON.stringify(await redis.hgetall(key))
    if (type === 'stream') return JSON.stringify(await redis.xrange(key, '-', '+'))
    if (type === 'list') return JSON.stringify(await redis.lrange(key, 0, -1))
    if (type === 'zset') return JSON.stringify(await redis.zrange(key, '0', '-1'))
    return `${key} ${type === 'string' ? await redis.get(key) : type}`
  })
  return (await Promise.all(dumps)).join('\n')
}
