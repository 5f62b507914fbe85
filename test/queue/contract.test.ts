import { randomUUID } from 'node:crypto'
import fc from 'fast-check'
import { afterEach, describe, expect, test, vi } from 'vitest'
import type { RedisConnection } from '../../src/platform/redis.ts'
import {
  createInProcessQueue,
  createSharedQueue,
  type Handler,
  type Job,
  type Queue,
  QueueUnavailable,
} from '../../src/queue/queue.ts'
import { sharedRedis } from '../world/redis.ts'
import { aJob, gate, type LogLine, listeningLog, redisAt } from './world.ts'

const within = { timeout: 8_000, interval: 5 }

describe.each([{ engine: 'in process' }, { engine: 'BullMQ' }])('the queue, $engine', ({ engine }) => {
  const open: { queue: Queue; redis: RedisConnection | undefined }[] = []

  async function openQueue(): Promise<{ queue: Queue; lines: LogLine[] }> {
    const { log, lines } = listeningLog()
    const { url, prefix } = sharedRedis()
    const redis = engine === 'BullMQ' ? redisAt(url, log) : undefined
    const queue = redis ? await createSharedQueue({ redis, log, prefix }) : createInProcessQueue({ log })
    open.push({ queue, redis })
    return { queue, lines }
  }
  afterEach(async () => {
    for (const { queue, redis } of open.splice(0)) {
      await queue.close(0)
      await redis?.close()
    }
  })

  test('a job reaches the handler as it was put', async () => {
    const { queue } = await openQueue()
    const seen: Job[] = []
    await queue.take('deliveries', { concurrency: 1 }, async (job) => void seen.push(job))
    const put = [
      aJob({ lane: 'deliveries', kind: 'delivery', priority: 0 }),
      aJob({ lane: 'deliveries', priority: 100, delayMs: 20 }),
    ]
    await queue.put(put)
    await vi.waitFor(() => expect(seen).toHaveLength(2), within)
    expect(seen).toEqual(put)
  })

  test('lower priority numbers go first, and within one number the order of putting holds', async () => {
    const { queue } = await openQueue()
    const priorities = [50, 100, 0, 50, 1, 0, 99, 50]
    const put = priorities.map((priority) => aJob({ priority }))
    await queue.put(put)
    const seen: string[] = []
    await queue.take('runs', { concurrency: 1 }, async (job) => void seen.push(job.id))
    await vi.waitFor(() => expect(seen).toHaveLength(put.length), within)
    expect(seen).toEqual(put.toSorted((a, b) => a.priority - b.priority).map((job) => job.id))
  })

  test('a delayed job waits for its time and then goes by itself, before later ones', async () => {
    const { queue } = await openQueue()
    const seen: { id: string; atMs: number }[] = []
    await queue.take('runs', { concurrency: 1 }, async (job) => {
      seen.push({ id: job.id, atMs: performance.now() })
    })
    const [late, soon] = [aJob({ delayMs: 2_000 }), aJob({ delayMs: 1_000 })]
    const startMs = performance.now()
    await queue.put([late, soon])
    expect(await queue.counts('runs')).toEqual({ waiting: 0, delayed: 2, active: 0 })
    await vi.waitFor(() => expect(seen).toHaveLength(2), within)
    expect(seen.map(({ id }) => id)).toEqual([soon.id, late.id])
    const tookMs = seen.map(({ atMs }) => atMs - startMs)
    expect(tookMs[0]).toBeGreaterThanOrEqual(999)
    expect(tookMs[1]).toBeGreaterThanOrEqual(1_999)
  })

  test('an id that waits, or is delayed, is there once however often it is put', async () => {
    const { queue } = await openQueue()
    const [now, later] = [aJob(), aJob({ delayMs: 100 })]
    await queue.put([now, now, later])
    await queue.put([later, now])
    expect(await queue.counts('runs')).toEqual({ waiting: 1, delayed: 1, active: 0 })
    const seen: string[] = []
    await queue.take('runs', { concurrency: 3 }, async (job) => void seen.push(job.id))
    const last = aJob({ delayMs: 300 })
    await queue.put([last])
    await vi.waitFor(() => expect(seen).toContain(last.id), within)
    expect(seen).toEqual([now.id, later.id, last.id])
  })

  test('an id that is being handled is not added', async () => {
    const { queue } = await openQueue()
    const job = aJob()
    const held = gate()
    const seen: string[] = []
    await queue.take('runs', { concurrency: 2 }, async ({ id }) => {
      seen.push(id)
      await held.passed
    })
    await queue.put([job])
    await vi.waitFor(() => expect(seen).toHaveLength(1), within)
    await queue.put([job])
    expect(await queue.counts('runs')).toEqual({ waiting: 0, delayed: 0, active: 1 })
    held.open()
  })

  test('the same id is handled again after it succeeded, and after it failed, which is logged once', async () => {
    const { queue, lines } = await openQueue()
    let handled = 0
    await queue.take('runs', { concurrency: 1 }, async () => {
      handled++
      if (handled === 2) throw new Error('no such luck')
    })
    const job = aJob()
    for (const times of [1, 2, 3]) {
      await queue.put([job])
      await vi.waitFor(() => expect(handled).toBe(times), within)
      const nothing = { waiting: 0, delayed: 0, active: 0 }
      await vi.waitFor(async () => expect(await queue.counts('runs')).toEqual(nothing), within)
    }
    expect(lines).toEqual([
      expect.objectContaining({
        job: job.id,
        lane: 'runs',
        err: expect.objectContaining({ message: 'no such luck' }),
      }),
    ])
  })

  test('as many jobs are handled at once as asked for, and no more', async () => {
    const { queue } = await openQueue()
    const handler = countingHandler()
    await queue.put(Array.from({ length: 30 }, () => aJob()))
    await queue.take('runs', { concurrency: 3 }, handler.handle)
    await vi.waitFor(() => expect(handler.state.done).toBe(30), within)
    expect(handler.state.most).toBe(3)
  })

  test('a new concurrency holds at once, also while every handler is busy', async () => {
    const { queue } = await openQueue()
    const held = gate()
    let active = 0
    const taker = await queue.take('runs', { concurrency: 1 }, async () => {
      active++
      await held.passed
      active--
    })
    await queue.put(Array.from({ length: 6 }, () => aJob()))
    await vi.waitFor(() => expect(active).toBe(1), within)
    await taker.setConcurrency({ concurrency: 4 })
    await vi.waitFor(() => expect(active).toBe(4), within)
    expect((await queue.counts('runs')).active).toBe(4)
    held.open()
    await vi.waitFor(async () => expect((await queue.counts('runs')).active).toBe(0), within)
  })

  test('a lane that is stuck does not hold up another', async () => {
    const { queue } = await openQueue()
    const held = gate()
    await queue.take('slow-shop', { concurrency: 1 }, () => held.passed)
    const seen: string[] = []
    await queue.take('deliveries', { concurrency: 1 }, async (job) => void seen.push(job.id))
    const quick = aJob({ lane: 'deliveries' })
    await queue.put([aJob({ lane: 'slow-shop' }), aJob({ lane: 'slow-shop' }), quick])
    await vi.waitFor(() => expect(seen).toEqual([quick.id]), within)
    await vi.waitFor(
      async () => expect(await queue.counts('slow-shop')).toEqual({ waiting: 1, delayed: 0, active: 1 }),
      within,
    )
    expect(await queue.counts()).toMatchObject({ waiting: 1, active: 1 })
    held.open()
  })

  test('closing a taker waits for what it handles and starts nothing more', async () => {
    const { queue } = await openQueue()
    const held = gate()
    const events: string[] = []
    const taker = await queue.take('runs', { concurrency: 3 }, async () => {
      events.push('started')
      await held.passed
      events.push('ended')
    })
    await queue.put([aJob()])
    await vi.waitFor(() => expect(events).toEqual(['started']), within)
    const closed = taker.close().then(() => events.push('closed'))
    // There is room for these two, and time to take them.
    await queue.put([aJob(), aJob({ priority: 0 })])
    await new Promise((resolve) => setTimeout(resolve, 200))
    held.open()
    await closed
    expect(events).toEqual(['started', 'ended', 'closed'])
    expect(await queue.counts('runs')).toEqual({ waiting: 2, delayed: 0, active: 0 })
  })

  test('after the deadline the signal is aborted, and a job that gives up is handled by the next taker', async () => {
    const { queue, lines } = await openQueue()
    const job = aJob()
    let reason: unknown
    const started = gate()
    const taker = await queue.take('runs', { concurrency: 1 }, (_, signal) => {
      started.open()
      return new Promise((_, reject) => {
        signal.addEventListener('abort', () => {
          reason = signal.reason
          reject(signal.reason)
        })
      })
    })
    await queue.put([job])
    await started.passed
    const startMs = performance.now()
    await taker.close(200)
    expect(performance.now() - startMs).toBeGreaterThanOrEqual(199)
    expect(performance.now() - startMs).toBeLessThan(2_000)
    expect(reason).toBeInstanceOf(Error)
    expect(await queue.counts('runs')).toEqual({ waiting: 1, delayed: 0, active: 0 })
    const seen: string[] = []
    await queue.take('runs', { concurrency: 1 }, async ({ id }) => void seen.push(id))
    await vi.waitFor(() => expect(seen).toEqual([job.id]), within)
    expect(lines).toEqual([])
  })

  test('a handler that ignores its signal does not keep a taker from closing', async () => {
    const { queue } = await openQueue()
    const held = gate()
    const started = gate()
    const taker = await queue.take('runs', { concurrency: 1 }, () => {
      started.open()
      return held.passed
    })
    await queue.put([aJob()])
    await started.passed
    const startMs = performance.now()
    await taker.close(100)
    expect(performance.now() - startMs).toBeLessThan(4_000)
    held.open()
  })

  test('a closed queue says so', async () => {
    const { queue } = await openQueue()
    await queue.close()
    await expect(queue.put([aJob()])).rejects.toThrow(QueueUnavailable)
    await expect(queue.take('runs', { concurrency: 1 }, async () => {})).rejects.toThrow(QueueUnavailable)
  })

  test.each([
    ['an id with a colon', { id: 'run:1' }],
    ['an id that is a number', { id: '17' }],
    ['a priority beyond 100', { priority: 101 }],
    ['a priority between two numbers', { priority: 1.5 }],
    ['a negative delay', { delayMs: -1 }],
    ['a delay without end', { delayMs: Number.POSITIVE_INFINITY }],
    ['a lane with a colon', { lane: 'a:b' }],
  ])('%s is a defect of the caller', async (_, wrong) => {
    const { queue } = await openQueue()
    const outcome = queue.put([aJob(), aJob(wrong)])
    await expect(outcome).rejects.toThrow(/^not a /)
    await expect(outcome).rejects.not.toThrow(QueueUnavailable)
    expect(await queue.counts('runs')).toEqual({ waiting: 0, delayed: 0, active: 0 })
  })

  test('whatever is put in whatever order, each id is handled exactly once', async () => {
    const { queue } = await openQueue()
    const batches = fc.array(fc.array(jobParts, { maxLength: 12 }), { minLength: 1, maxLength: 12 })
    await fc.assert(
      fc.asyncProperty(
        batches,
        batches,
        fc.integer({ min: 1, max: 5 }),
        async (before, during, concurrency) => {
          const lane = randomUUID()
          const handled = new Map<string, number>()
          // Before anything is taken an id may come in several puts, later only within one.
          const first = before.map((batch) => batch.map(jobIn(lane, 'first')))
          const second = during.map((batch, index) => batch.map(jobIn(lane, `second-${index}`)))
          for (const batch of first) await queue.put(batch)
          const taker = await queue.take(lane, { concurrency }, async ({ id }) => {
            handled.set(id, (handled.get(id) ?? 0) + 1)
            await new Promise(setImmediate)
          })
          for (const batch of second) await queue.put(batch)
          const ids = new Set([...first, ...second].flat().map(({ id }) => id))
          await vi.waitFor(() => expect(handled.size).toBe(ids.size), within)
          await vi.waitFor(
            async () => expect(await queue.counts(lane)).toEqual({ waiting: 0, delayed: 0, active: 0 }),
            within,
          )
          await taker.close()
          expect(new Map([...ids].map((id) => [id, 1]))).toEqual(handled)
        },
      ),
      { numRuns: 25 },
    )
  })
})

test('the in-process queue keeps a delay of forty days, beyond what a timer can hold', async () => {
  vi.useFakeTimers()
  try {
    const day = 24 * 60 * 60 * 1_000
    const queue = createInProcessQueue({ log: listeningLog().log })
    const seen: string[] = []
    await queue.take('runs', { concurrency: 1 }, async (job) => void seen.push(job.id))
    const job = aJob({ delayMs: 40 * day })
    await queue.put([job])
    await vi.advanceTimersByTimeAsync(39.9 * day)
    expect(seen).toEqual([])
    await vi.advanceTimersByTimeAsync(0.1 * day + 1)
    expect(seen).toEqual([job.id])
    await queue.close()
  } finally {
    vi.useRealTimers()
  }
})

test('the in-process queue refuses what it has no room for', async () => {
  const queue = createInProcessQueue({ log: listeningLog().log })
  const job = aJob()
  const jobs = Array.from({ length: 250_000 }, (_, index) => ({ ...job, id: `run-${index}` }))
  await queue.put(jobs)
  await expect(queue.put([aJob()])).rejects.toThrow(QueueUnavailable)
  await queue.close()
})

const jobParts = fc.record({
  number: fc.integer({ min: 0, max: 20 }),
  priority: fc.integer({ min: 0, max: 100 }),
  delayMs: fc.constantFrom(0, 0, 0, 1, 5, 20),
})

function jobIn(lane: string, phase: string) {
  return ({ number, priority, delayMs }: { number: number; priority: number; delayMs: number }): Job =>
    aJob({ id: `run-${phase}-${number}`, lane, priority, delayMs })
}

function countingHandler(): { handle: Handler; state: { done: number; most: number } } {
  const state = { done: 0, most: 0 }
  let active = 0
  return {
    state,
    async handle() {
      active++
      state.most = Math.max(state.most, active)
      await new Promise((resolve) => setTimeout(resolve, 10))
      active--
      state.done++
    },
  }
}
