/**
 * What the generator and the receiver saw, one JSON line each. The proof stands on these two files and on the ledger,
 * on nothing that a gateway says of itself.
 */
import { type FileHandle, open, readFile } from 'node:fs/promises'
import path from 'node:path'

/** One answer, or none, to a numbered request. */
export interface Sent {
  number: number
  /** Which edge was asked. */
  edge: number
  /** Milliseconds since 1970. */
  sentAt: number
  tookMs: number
  /**
   * `acked`: 200, the event is Sluice's from then on. `refused`: another answer. `untaken`: nobody listened. `unknown`:
   * the answer never came, so it may have been kept or not.
   */
  end: 'acked' | 'refused' | 'untaken' | 'unknown'
  /** The status, or why there was none. */
  answer: number | string
}

/** One request to the receiver, whatever became of it there. */
export interface Arrived {
  at: number
  /** The header `webhook-id`. */
  deliveryId: string
  /** The header `sluice-attempt`. */
  attempt: number
  number: number
  stream: string
  body: string
  /** The status it was answered with; 0 when it was not answered. */
  status: number
}

/** What the files of a round are about. */
export interface Round {
  seed: number
  phases: RoundPhase[]
}

export interface RoundPhase {
  index: number
  /** The id of the integration of each stream. */
  integrations: Record<string, string>
  /** Whether a clock was turned while it lasted. */
  isClockTurned: boolean
}

export const SENT_FILE = 'sent.jsonl'
export const ARRIVED_FILE = 'arrived.jsonl'
export const ROUND_FILE = 'round.json'

export interface RecordFile<Line> {
  /** Resolves when the line is on the disk (`fdatasync`), rejects when it could not be brought there. */
  append(line: Line): Promise<void>
  close(): Promise<void>
}

export async function openRecord<Line>(file: string): Promise<RecordFile<Line>> {
  return recordOn(await open(file, 'a'))
}

/** Lines that come together share a sync, so that a slow disk does not slow down the sending. */
export function recordOn<Line>(
  handle: Pick<FileHandle, 'appendFile' | 'datasync' | 'close'>,
): RecordFile<Line> {
  let waiting: { text: string; settle: PromiseWithResolvers<void> }[] = []
  let writing: Promise<void> | undefined

  async function writeAll(): Promise<void> {
    while (waiting.length > 0) {
      const batch = waiting
      waiting = []
      try {
        await handle.appendFile(batch.map(({ text }) => text).join(''))
        await handle.datasync()
        for (const { settle } of batch) settle.resolve()
      } catch (error) {
        for (const { settle } of batch) settle.reject(error)
      }
    }
    writing = undefined
  }

  return {
    append(line) {
      const settle = Promise.withResolvers<void>()
      waiting.push({ text: `${JSON.stringify(line)}\n`, settle })
      writing ??= writeAll()
      return settle.promise
    },
    async close() {
      await writing
      await handle.close()
    },
  }
}

/** @throws SyntaxError on a line that is not whole: the recorders are never killed, so there must be none. */
async function readLines<Line>(file: string): Promise<Line[]> {
  const text = await readFile(file, 'utf8')
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Line)
}

export interface Records {
  round: Round
  sent: Sent[]
  arrived: Arrived[]
}

export async function readRecords(folder: string): Promise<Records> {
  const [sent, arrived, round] = await Promise.all([
    readLines<Sent>(path.join(folder, SENT_FILE)),
    readLines<Arrived>(path.join(folder, ARRIVED_FILE)),
    readFile(path.join(folder, ROUND_FILE), 'utf8'),
  ])
  return { round: JSON.parse(round) as Round, sent, arrived }
}
