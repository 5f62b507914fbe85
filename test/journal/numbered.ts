import type { JournalRecord } from '../../src/journal/journal.ts'

/** A record that tells its number, with a body that shows a byte out of place. */
export function numbered(number: number, bytes = 100): JournalRecord {
  return { meta: { number }, body: Buffer.from(`${number}.`.repeat(bytes)).subarray(0, bytes) }
}

export function numberOf(record: JournalRecord): number {
  return (record.meta as { number: number }).number
}
