import { expect, test } from 'vitest'
import { createHandOver, RUNS_LANE } from '../../src/cli/hand-over.ts'
import { createLog } from '../../src/platform/log.ts'
import { createQueue } from '../../src/queue/queue.ts'
import { eventually } from '../world/eventually.ts'

test('handing over nothing does not stop what is handed over afterwards', async () => {
  const log = createLog('silent')
  const queue = createQueue({ redis: undefined, log })
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
