import { appendFile, readFile } from 'node:fs/promises'
import { writeDurably } from '../platform/durable-file.ts'

/** The latest of what was received, a line of JSON each, in a file that does not grow without end. */
export interface Received {
  /** Resolves when it is in the file. */
  add(line: string): Promise<void>
  latest(): Promise<string[]>
}

const SHOWN_MAX = 100
/** Rarely enough to cost nothing, and while the file can still be read at once. */
const SHORTENED_AFTER = 1_000
const SHORTENED_AFTER_BYTES = 16 * 1024 * 1024

export async function openReceived(file: string): Promise<Received> {
  let added = 0
  let addedBytes = 0
  let working: Promise<void> = Promise.resolve()

  async function shorten(): Promise<void> {
    const lines = await latestOf(file)
    await writeDurably(file, lines.map((line) => `${line}\n`).join(''))
    added = 0
    addedBytes = 0
  }

  async function add(line: string): Promise<void> {
    await appendFile(file, `${line}\n`)
    added += 1
    addedBytes += Buffer.byteLength(line)
    if (added >= SHORTENED_AFTER || addedBytes >= SHORTENED_AFTER_BYTES) await shorten()
  }

  await shorten()
  return {
    add(line) {
      const adding = working.then(() => add(line))
      working = adding.catch(() => {})
      return adding
    },
    latest: () => latestOf(file),
  }
}

async function latestOf(file: string): Promise<string[]> {
  const text = await readFile(file, 'utf8').catch(() => '')
  // A line cut by a kill has no end, and is left out.
  return text.split('\n').slice(0, -1).slice(-SHOWN_MAX)
}
