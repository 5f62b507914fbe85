/**
 * Delivers, as a worker of its own, each id of its arguments to a file, and tells of each that is delivered; kills
 * itself in the middle of it where DIES_AFTER says after how many.
 */
import { openBench } from './world.ts'

const [filesDir = '', ...ids] = process.argv.slice(2)
const bench = openBench([], { filesDir })
let told = 0

await Promise.all(
  ids.map(async (deliveryId, at) => {
    // Not all in one turn: the lock is to change hands.
    await new Promise((resolve) => setTimeout(resolve, at * 5))
    const given = { kind: 'file' as const, name: 'orders.ndjson', bytesMax: 8_192 }
    const sent = await bench.send(given, { text: 'x'.repeat(200) }, { deliveryId })
    if (sent.verdict.verdict !== 'delivered') return
    process.stdout.write(`${deliveryId}\n`)
    told += 1
    if (told === Number(process.env.DIES_AFTER)) process.kill(process.pid, 'SIGKILL')
  }),
)
await bench.close()
