/** `sluice journal`: what edges acknowledged while PostgreSQL was away, as an operator sees it and brings it in. */
import path from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'
import {
  bringIn,
  type JournalsOptions,
  journalNames,
  type OpenedJournal,
  openUnlessLocked,
} from '../edge/edge.ts'
import { createLedger } from '../ledger/ledger.ts'
import { createLog } from '../platform/log.ts'
import { migrate } from '../platform/migrate.ts'
import { checkDurability, connectPostgres } from '../platform/postgres.ts'
import { LARGEST_BODY_BYTES } from '../platform/settings.ts'

/** Prints what each journal below the home holds. */
export async function showJournals(home: string): Promise<void> {
  const options = journalsBelow(home)
  await forEach(options, async ({ name, journal }) => {
    const { records, bytes, oldestAgeMs, setAside, damaged } = journal.depth()
    const since =
      oldestAgeMs === null ? '' : `, the oldest since ${new Date(Date.now() - oldestAgeMs).toISOString()}`
    console.log(`${name}: ${records} requests of ${bytes} bytes wait${since}; ${setAside} were set aside`)
    for await (const { file, reason, setAsideAt } of journal.listSetAside())
      console.log(`  set aside ${setAsideAt.toISOString()}: ${reason} (${file})`)
    if (damaged > 0)
      console.log(`  ${damaged} files hold what cannot be read: ${path.join(options.folder, name)}/*.damaged`)
  })
}

/**
 * Brings what journals hold into a database, which is brought to the schema of this version first.
 *
 * @param setAside also what was set aside before
 * @returns whether all of it is there now
 */
export async function drainJournals(databaseUrl: string, home: string, setAside: boolean): Promise<boolean> {
  await migrate(databaseUrl)
  const connect = (connectionsMax: number, arrays: boolean) =>
    connectPostgres(databaseUrl, { connectionsMax, applicationName: 'sluice journal', arrays })
  const sql = connect(2, true)
  const options = journalsBelow(home)
  const ledger = createLedger({
    sql,
    connectCommits: () => connect(1, false),
    storeWaitMs: WAIT_MS,
    searches: { atOnceMax: 1, secondsMax: WAIT_MS / 1_000 },
    pendingBytesMax: PENDING_BYTES_MAX,
    log: options.log,
  })
  try {
    await checkDurability(sql)
    const bringing = { ledger, handOver: () => {}, waitMs: WAIT_MS, bytesMax: PENDING_BYTES_MAX / 2 }
    const ends = await forEach(options, (opened) => drainOne(opened, bringing, setAside))
    return ends.every((end) => end)
  } finally {
    await ledger.close()
    await sql.end({ timeout: 5 })
  }
}

const WAIT_MS = 30_000
const PENDING_BYTES_MAX = 2 * LARGEST_BODY_BYTES
/** Nothing is appended here. */
const BYTES_MAX = Number.MAX_SAFE_INTEGER
const PROGRESS_MS = 1_000

function journalsBelow(home: string): JournalsOptions {
  return {
    folder: path.join(home, 'journal'),
    bytesMax: BYTES_MAX,
    log: createLog('warn', 2),
    now: () => new Date(),
  }
}

async function drainOne(
  { name, journal }: OpenedJournal,
  bringing: Parameters<typeof bringIn>[1],
  setAside: boolean,
): Promise<boolean> {
  const all = journal.depth().records
  let done = 0
  let toldAtMs = performance.now()
  const drained = await journal.drain(async (records) => {
    const refused = await bringIn(records, bringing)
    done += records.length
    if (performance.now() - toldAtMs > PROGRESS_MS) {
      console.log(`${name}: ${done} of ${all} requests`)
      toldAtMs = performance.now()
    }
    await turn()
    return refused
  })
  const again = setAside ? await journal.drainSetAside((records) => bringIn(records, bringing)) : { taken: 0 }
  const left = journal.depth().setAside
  console.log(`${name}: ${drained.taken + again.taken} requests brought in, ${left} set aside`)
  return left === 0
}

/** One after the other; a journal in use is left to its process. */
async function forEach<T>(
  options: JournalsOptions,
  work: (opened: OpenedJournal) => Promise<T>,
): Promise<T[]> {
  const results: T[] = []
  const names = await journalNames(options.folder)
  if (names.length === 0) console.log(`There is no journal in ${options.folder}`)
  for (const name of names) {
    const opened = await openUnlessLocked(name, options)
    if (!opened) {
      console.log(
        `${name}: in use by a running Sluice, which drains it by itself; GET /health/ready tells how it is`,
      )
      continue
    }
    try {
      results.push(await work(opened))
    } finally {
      await opened.journal.close()
    }
  }
  return results
}
