/** Appends without end from many callers and prints the number of each record when it is acknowledged. */
import { writeSync } from 'node:fs'
import { openJournal } from '../../src/journal/journal.ts'
import { numbered } from './numbered.ts'

const [folder = '', first = '0'] = process.argv.slice(2)
const CALLERS = 32
const silent = { info() {}, warn() {}, error() {} }
const journal = await openJournal({
  folder,
  bytesMax: 1024 * 1024 * 1024,
  segmentBytesMax: 256 * 1024,
  log: silent as never,
  now: () => new Date(),
})
let next = Number(first)

async function append(): Promise<void> {
  for (;;) {
    const number = next++
    await journal.append(numbered(number, (number * 37) % 9000))
    writeSync(1, `${number}\n`)
  }
}

for (let caller = 0; caller < CALLERS; caller++) void append()
