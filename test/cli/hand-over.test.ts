import { expect, test } from 'vitest'
import { createHandOver, DELIVERIES_LANE, RUNS_LANE, takesBefore } from '../../src/cli/hand-over.ts'
import { createLog } from '../../src/platform/log.ts'
import { createInProcessQueue, type Job, type Queue, QueueUnavailable } from '../../src/queue/queue.ts'
import { eventually } from '../world/eventually.ts'

test('handing over nothing does not stop what is handed over afterwards', async () => {
  const log = createLog('silent')
  const queue = createInProcessQueue({ log })
  const handOver = createHandOver(queue, log)
  const taken: string[] = []
  const taker = await queue.take(RUNS_LANE, { concurrency: 1 }, async (job) => {
    taken.push(job.subject)
  })
  try {
    handOver.runs([])
    await handOver.close()
    handOver.runs(['00000000-0000-7000-8000-000000000001'])
    await eventually(() => expect(taken).toEqual(['00000000-0000-7000-8000-000000000001']), 2_000)
  } finally {
    await taker.close()
    await queue.close()
  }
})

const ID = '00000000-0000-7000-8000-000000000001'
const OTHER = '00000000-0000-7000-8000-000000000002'

/** A queue that is away, and keeps what it was asked to take. */
function awayQueue(): { queue: Queue; refused: Job[] } {
  const refused: Job[] = []
  const queue: Queue = {
    ...createInProcessQueue({ log: createLog('silent') }),
    async put(jobs) {
      refused.push(...jobs)
      throw new QueueUnavailable('it is away')
    },
  }
  return { queue, refused }
}

test('what the queue refuses goes to the lanes of the worker itself, once', async () => {
  const log = createLog('silent')
  const own = createInProcessQueue({ log })
  const handOver = createHandOver(awayQueue().queue, log, own)
  handOver.runs([ID])
  handOver.runAgain({ id: OTHER, takes: 3, delayMs: 60_000 })
  handOver.deliveries([{ id: OTHER, priority: 5 }])
  await handOver.close()
  await handOver.own({ runs: [{ id: ID, takes: 0 }], deliveries: [] })
  expect(await own.counts(RUNS_LANE)).toEqual({ waiting: 1, delayed: 1, active: 0 })
  expect(await own.counts(DELIVERIES_LANE)).toEqual({ waiting: 1, delayed: 0, active: 0 })
  await own.close()
})

test('each job of a run says how often it had been taken, with what workers took that had begun with that very job', async () => {
  const { queue, refused } = awayQueue()
  const handOver = createHandOver(queue, createLog('silent'))
  handOver.runs([ID])
  handOver.runAgain({ id: ID, takes: 12, delayMs: 0 })
  await handOver.close()
  const work = { runs: [{ id: ID, takes: 7 }], deliveries: [] }
  for (const anew of [false, true])
    await expect(handOver.unfinished(work, anew)).rejects.toThrow(QueueUnavailable)
  expect(refused.map(takesBefore)).toEqual([0, 12, 7, 7].map((takes) => ({ least: takes, most: takes })))
  expect(new Set(refused.map(({ id }) => id)).size).toBe(4)
  const [first] = refused.map((job) => takesBefore({ ...job, begun: 2 }))
  expect(first).toEqual({ least: 0, most: 2 })
})
