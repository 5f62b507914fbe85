import { afterEach, expect, test } from 'vitest'
import { startWorker } from '../../src/cli/worker.ts'
import { createLog } from '../../src/platform/log.ts'
import { createInProcessQueue, type Queue } from '../../src/queue/queue.ts'
import { eventually } from '../world/eventually.ts'

const queues: Queue[] = []
afterEach(async () => {
  await Promise.all(queues.splice(0).map((queue) => queue.close(0)))
})

test('a worker with two queues does no more at once than with one, and all of it in the end', async () => {
  const log = createLog('silent')
  queues.push(createInProcessQueue({ log }), createInProcessQueue({ log }))
  let atOnce = 0
  let most = 0
  let done = 0
  const work = async () => {
    atOnce += 1
    most = Math.max(most, atOnce)
    await new Promise((resolve) => setTimeout(resolve, 5))
    atOnce -= 1
    done += 1
  }
  const worker = await startWorker({
    queues,
    runConcurrency: 1,
    deliveryConcurrency: 3,
    execute: async () => {},
    attempt: work,
  })
  for (const [index, queue] of queues.entries())
    await queue.put(
      Array.from({ length: 20 }, (_, n) => ({
        id: `delivery-${index}-${n}`,
        kind: 'delivery' as const,
        subject: `${index}-${n}`,
        lane: 'deliveries',
        priority: 50,
        delayMs: 0,
      })),
    )
  await eventually(() => expect(done).toBe(40))
  expect(most).toBe(3)
  await worker.close(1_000)
})
