/**
 * Delivers, as a worker of its own, each id of its arguments to a file, and tells of each that is delivered; kills
 * itself in the middle of it where DIES_AFTER says after how many.
 */
import { deliverOneByOne } from './file-writer.ts'
import { openBench } from './world.ts'

const [filesDir = '', ...ids] = process.argv.slice(2)
const bench = openBench([], { filesDir })
let told = 0

await deliverOneByOne(bench, ids, (deliveryId) => {
  process.stdout.write(`${deliveryId}\n`)
  told += 1
  if (told === Number(process.env.DIES_AFTER)) process.kill(process.pid, 'SIGKILL')
})
await bench.close()
