/** Takes one job from the lane and holds it until the process is killed: `node worker-that-hangs.ts <redis> <prefix>`. */
import { createLog } from '../../src/platform/log.ts'
import { createSharedQueue } from '../../src/queue/queue.ts'
import { redisAt } from './world.ts'

const [url = '', prefix = ''] = process.argv.slice(2)
const log = createLog('silent')
const queue = await createSharedQueue({
  redis: redisAt(url, log),
  log,
  prefix,
  lockMs: 3_000,
  stalledCheckMs: 500,
})
await queue.take('runs', { concurrency: 1 }, (job) => {
  console.log(job.id)
  return new Promise(() => {})
})
