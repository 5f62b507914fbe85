import type { ExpiredDay, Ledger, RowRange } from '../ledger/ledger.ts'
import type { Log } from '../platform/log.ts'
import type { Metrics } from '../platform/metrics.ts'

export interface RetentionOptions {
  ledger: Pick<Ledger, 'findExpiredDays' | 'emptyDay' | 'deleteRows' | 'dropEmptyDay' | 'rowsWithoutDay'>
  /** Whole days; 0 keeps everything. */
  retentionDays: number
  now(): Date
  metrics: Pick<Metrics, 'retentionDrops' | 'retentionUnfinishedEvents'>
  log: Log
}

const DAY_MS = 86_400_000
const ROWS_AT_ONCE = 2_000
/** Of one table at a time; the rest is for the next time. */
const ROWS_IN_A_ROW = 200_000

/**
 * Gives a chore that drops what is older than it is kept, a day at a time. Every process has it; they take turns. What
 * is not finished, is in quarantine or is a dead letter stays, with all that belongs to it.
 */
export function createRetention(options: RetentionOptions, signal: AbortSignal) {
  const { ledger, retentionDays, now, metrics, log } = options
  return async (): Promise<void> => {
    if (retentionDays === 0) return
    const by = new Date(now().getTime() - retentionDays * DAY_MS)
    const days = Map.groupBy(await ledger.findExpiredDays(by), ({ start }) =>
      start.toISOString().slice(0, 10),
    )
    let unfinished = 0
    for (const [day, tables] of days) unfinished += await dropDay(day, tables, options, signal)
    metrics.retentionUnfinishedEvents.set(unfinished)
    const strays: Record<string, number> = {}
    for (const range of ledger.rowsWithoutDay(by)) {
      const deleted = await deleteOneByOne(range, ledger, signal)
      if (deleted > 0) strays[range.table] = deleted
    }
    if (Object.keys(strays).length > 0)
      log.info({ deleted: strays }, 'retention: rows without a day of their own')
  }
}

/** Gives how many events of the day stay. */
async function dropDay(
  day: string,
  tables: readonly ExpiredDay[],
  { ledger, metrics, log }: RetentionOptions,
  signal: AbortSignal,
): Promise<number> {
  const startedAt = performance.now()
  const told: Record<string, string> = {}
  let events = 0
  for (const table of tables) {
    if (signal.aborted) break
    const emptied = await ledger.emptyDay(table)
    if ('postponed' in emptied) {
      told[table.table] = `postponed: ${emptied.postponed}`
      if (emptied.tooMany)
        told[table.table] = `deleted ${await deleteOneByOne(table, ledger, signal)} one by one`
      // What belongs to events goes when they are gone.
      else if (table.table === 'events') break
    } else if (emptied.kept > 0) {
      if (table.table === 'events') events = emptied.kept
      if (emptied.changed) told[table.table] = `emptied but for ${emptied.kept}`
    } else if (await ledger.dropEmptyDay(table)) {
      told[table.table] = 'dropped'
      metrics.retentionDrops.inc({ table: table.table })
    } else {
      told[table.table] = 'emptied'
    }
  }
  const ms = Math.round(performance.now() - startedAt)
  if (Object.keys(told).length > 0) log.info({ day, tables: told, ms }, 'retention')
  return events
}

async function deleteOneByOne(
  range: RowRange,
  ledger: Pick<Ledger, 'deleteRows'>,
  signal: AbortSignal,
): Promise<number> {
  let deleted = 0
  while (!signal.aborted && deleted < ROWS_IN_A_ROW) {
    const now = await ledger.deleteRows(range, ROWS_AT_ONCE)
    deleted += now
    if (now < ROWS_AT_ONCE) break
  }
  return deleted
}
