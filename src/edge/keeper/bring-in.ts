import type { KeptRecord, Refused } from '../../journal/journal.ts'
import { type Entry, isLarge, type Ledger, LedgerUnavailable } from '../../ledger/ledger.ts'
import { entryOf } from './entry-record.ts'

export interface BringInOptions {
  ledger: Pick<Ledger, 'record'>
  /** Hands runs over to the queue; must not throw and is not waited for. */
  handOver(runIds: string[]): void
  /** Longer than a request would wait: nobody waits for this. */
  waitMs: number
  /** Bodies given to the ledger at once, unless one is larger. */
  bytesMax: number
}

interface Kept {
  record: KeptRecord
  entry: Entry
}

/**
 * Brings records of the journal into the ledger, in their order; duplicates are decided there and then. Gives those
 * that can never be stored.
 *
 * @throws LedgerUnavailable when the ledger is away: all of them are to be given again, which changes nothing for
 * those that are stored.
 */
export async function bringIn(records: readonly KeptRecord[], options: BringInOptions): Promise<Refused[]> {
  const refused: Refused[] = []
  const kept = records.flatMap((record): Kept[] => {
    const entry = entryOf(record)
    if (entry) return [{ record, entry }]
    refused.push({ record, reason: 'another version of Sluice wrote it' })
    return []
  })
  for (const commit of inCommits(kept, options.bytesMax)) refused.push(...(await store(commit, options)))
  return refused
}

async function store(commit: readonly Kept[], options: BringInOptions): Promise<Refused[]> {
  const { ledger, handOver, waitMs } = options
  const settled = await Promise.allSettled(commit.map(({ entry }) => ledger.record(entry, waitMs)))
  const stored = settled.flatMap((result) => (result.status === 'fulfilled' ? result.value : []))
  handOver(stored.flatMap((event) => ('runId' in event ? [event.runId] : [])))
  return commit.flatMap(({ record }, index): Refused[] => {
    const result = settled[index]
    if (result?.status !== 'rejected') return []
    if (result.reason instanceof LedgerUnavailable) throw result.reason
    return [{ record, reason: `PostgreSQL does not take it: ${String(result.reason?.message)}` }]
  })
}

/**
 * What may be stored at once. Within one commit the first with a key is first, whenever the others were received; so
 * one that came after the window of an earlier one goes into the next. Large ones are by themselves, as they might
 * overtake small ones or be overtaken.
 */
function* inCommits(kept: readonly Kept[], bytesMax: number): Generator<Kept[], void, void> {
  let commit: Kept[] = []
  let bytes = 0
  const endsMs = new Map<string, number>()
  for (const one of kept) {
    const { request } = one.entry
    const size = request.body?.length ?? 0
    const keys = keysOf(one.entry)
    const receivedMs = request.receivedAt.getTime()
    const isAfterWindow = keys.some(({ key }) => receivedMs >= (endsMs.get(key) ?? Number.POSITIVE_INFINITY))
    const first = commit[0]
    const isOtherWay = first !== undefined && isLarge(first.entry) !== isLarge(one.entry)
    if (commit.length > 0 && (isAfterWindow || isOtherWay || bytes + size > bytesMax)) {
      yield commit
      commit = []
      bytes = 0
      endsMs.clear()
    }
    commit.push(one)
    bytes += size
    for (const { key, windowMs } of keys) if (!endsMs.has(key)) endsMs.set(key, receivedMs + windowMs)
  }
  if (commit.length > 0) yield commit
}

function keysOf({ request, events }: Entry): { key: string; windowMs: number }[] {
  return events.flatMap(({ dedupe }) =>
    dedupe === null
      ? []
      : [{ key: `${request.integrationId} ${dedupe.key}`, windowMs: dedupe.windowSeconds * 1_000 }],
  )
}
