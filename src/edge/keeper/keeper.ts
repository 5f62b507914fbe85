/**
 * Where requests are kept: in the ledger, or, while that is away or slow, in the journal on the edge's own disk, from
 * where they are brought into the ledger in their order.
 *
 * As long as the journal holds anything, new requests go behind it, so that none overtakes those before it. When it is
 * nearly empty new requests are held for a moment, the rest is brought in, and they go to the ledger again.
 */
import { type JournalDepth, JournalRecordTooLarge } from '../../journal/journal.ts'
import { type Entry, type Ledger, LedgerUnavailable, largerMs, type Recorded } from '../../ledger/ledger.ts'
import type { Log } from '../../platform/log.ts'
import { TooLate, within } from '../../platform/time-limit.ts'
import { createBringBack } from './bring-back.ts'
import { recordOf } from './entry-record.ts'
import {
  depthOfAll,
  hasRecords,
  type JournalsOptions,
  type OpenedJournal,
  openFreeJournal,
  openLeftJournals,
} from './journals.ts'

/** Neither ledger nor journal took a request in time: it may not be acknowledged, and its sender is to try later. */
export class NotKept extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'NotKept'
  }
}

export interface Keeper {
  /**
   * Resolves when the entry is durable: with what became of its events, or undefined when it is in the journal and that
   * is not decided yet.
   *
   * @throws NotKept, or what the ledger says of an entry that it can never take.
   */
  keep(entry: Entry): Promise<Recorded[] | undefined>
  /** Writes down what was promised to nobody, in the ledger or not at all. Never throws and is not waited for. */
  note(entry: Entry): void
  standing(): KeeperStanding
  /** What is in the journal stays there for the next process. */
  close(): Promise<void>
}

export interface KeeperStanding {
  /** Since when and why requests go to the journal; null while they go to the ledger. */
  away: { since: Date; reason: string } | null
  /** Why the journal took nothing the last time; null when it did, would again, or was not asked. */
  problem: string | null
  /** Of all journals that this process has open; undefined where there is none. */
  depth: JournalDepth | undefined
}

export interface KeeperOptions {
  ledger: Pick<Ledger, 'record'>
  /** Undefined for no journal: what the ledger does not take is refused. */
  journals: JournalsOptions | undefined
  /** Hands runs over to the queue; must not throw and is not waited for. */
  handOver(runIds: string[]): void
  /** How long a request may wait, whoever takes it; a large one longer, by `largerMs`. */
  storeWaitMs: number
  /** How long it waits for the ledger before the journal takes it; no longer than half of the whole. */
  slowMs: number
  /** Bodies that the ledger holds in memory. */
  pendingBytesMax: number
  /** Resolves when the ledger may be written to for the first time; undefined when it may be at once. */
  arrived?: Promise<void> | undefined
  log: Log
  now(): Date
}

const BRING_IN_WAIT_MS = 10_000
/** An append has a chance even when the ledger used up the time. */
const APPEND_MS_MIN = 250
const HELD_MS_MAX = 500
const LOOK_FOR_LEFT_MS = 60_000
const CLOSE_MS = 5_000
const NO_JOURNAL = 'the journal cannot be opened: while PostgreSQL is away requests are refused'

/**
 * Opens a journal of this process's own, and takes up those that others have left. A journal that cannot be opened is
 * told and done without, as long as the ledger is there.
 */
export async function openKeeper(options: KeeperOptions): Promise<Keeper> {
  const { journals, arrived, log } = options
  if (!journals) return createKeeper(options, undefined, [], null)
  try {
    const own = await openFreeJournal(journals)
    return createKeeper(options, own, await openLeftJournals(journals, [own.name]), null)
  } catch (error) {
    const problem = `the journal in ${journals.folder} cannot be opened: ${(error as Error).message}`
    if (arrived) throw new Error(problem, { cause: error })
    log.error({ err: error, folder: journals.folder }, NO_JOURNAL)
    return createKeeper(options, undefined, [], problem)
  }
}

function createKeeper(
  options: KeeperOptions,
  own: OpenedJournal | undefined,
  left: OpenedJournal[],
  openingProblem: string | null,
): Keeper {
  const { ledger, journals, handOver, storeWaitMs, log, now } = options
  const slowMs = Math.min(options.slowMs, storeWaitMs / 2)
  const appending = new Set<Promise<void>>()
  let isReady = options.arrived === undefined
  let away: KeeperStanding['away'] = null
  let problem = openingProblem
  let isClosing = false
  let isTrying = false
  const bringBack = createBringBack({
    own,
    left,
    appending,
    bringing: { ledger, handOver, waitMs: BRING_IN_WAIT_MS, bytesMax: options.pendingBytesMax / 2 },
    slowMs,
    heldMsMax: Math.min(HELD_MS_MAX, storeWaitMs / 4),
    isAway: () => away !== null,
    isReady: () => isReady,
    onEmpty: comeBack,
    log,
  })

  async function keep(entry: Entry): Promise<Recorded[] | undefined> {
    const giveUpAtMs = performance.now() + storeWaitMs + largerMs(entry)
    for (let held = bringBack.held(); held; held = bringBack.held()) await held
    if (!away) {
      const recorded = await ledger.record(entry, own ? slowMs : storeWaitMs).catch(unavailable)
      if (!(recorded instanceof LedgerUnavailable)) return recorded
      if (!own) throw new NotKept(recorded.message)
      goAway(recorded.message)
    }
    await append(entry, giveUpAtMs)
    return undefined
  }

  async function append(entry: Entry, giveUpAtMs: number): Promise<void> {
    if (!own) throw new NotKept('there is no journal')
    if (isUnproven(entry) && isHalfFull(own.journal.depth()))
      throw new NotKept('half of the journal is full, and the rest is for what is proven')
    const appended = own.journal.append(recordOf(entry))
    // Later than anybody waited for it.
    const storedLate = () => (away ? undefined : bringBack.begin())
    appended.then(storedLate, () => {})
    const inTime = within(Math.max(giveUpAtMs - performance.now(), APPEND_MS_MIN), appended)
    appending.add(inTime)
    try {
      await inTime
      problem = null
    } catch (error) {
      const why = error instanceof TooLate ? "the journal's disk does not answer" : (error as Error).message
      // Others have room in it.
      if (!(error instanceof JournalRecordTooLarge)) problem = why
      throw new NotKept(`${away?.reason ?? 'the ledger is away'}; ${why}`)
    } finally {
      appending.delete(inTime)
    }
  }

  function goAway(reason: string): void {
    if (away) return
    away = { since: now(), reason }
    const line = { reason, journal: own?.name, waiting: depthOfAll(opened()).records }
    // A journal that takes nothing either was told already.
    log[problem === null ? 'warn' : 'debug'](line, 'requests are kept in the journal')
    bringBack.begin()
  }

  /** What is set aside or damaged stays open, so that it is seen. */
  function comeBack(brought: { taken: number; setAside: number }): void {
    if (away) {
      const awayMs = now().getTime() - away.since.getTime()
      const wasUsed = brought.taken + brought.setAside > 0
      log[wasUsed ? 'info' : 'debug'](
        { ...brought, awayMs },
        'the journal is empty: requests go to the ledger again',
      )
      if (wasUsed) problem = null
    }
    away = null
    const empty = left.filter(({ journal }) => isEmpty(journal.depth()))
    left.splice(0, left.length, ...left.filter((one) => !empty.includes(one)))
    void closeJournals(empty)
    // One that ended while the ledger was away has left something.
    lookQuietly()
  }

  function opened(): OpenedJournal[] {
    return own ? [own, ...left] : left
  }

  async function lookForLeft(): Promise<void> {
    if (!own || !journals) return
    const names = opened().map(({ name }) => name)
    const found = await openLeftJournals(journals, names)
    if (isClosing) return closeJournals(found)
    left.push(...found)
    if (!hasRecords(found)) return
    const waiting = depthOfAll(found).records
    log.info({ waiting }, 'requests that another process left in a journal are brought into the ledger')
    bringBack.begin()
  }

  /** While the ledger takes everything nobody else asks the disk, and what ailed it would be told for ever. */
  async function lookAtDisk(): Promise<void> {
    if (!own || problem === null || away || isTrying) return
    isTrying = true
    await own.journal.tryDisk().finally(() => {
      isTrying = false
    })
    if (!away) problem = null
  }

  function lookQuietly(): void {
    lookForLeft().catch((error) =>
      log.warn({ err: error }, 'journals of other processes could not be looked for'),
    )
    // What is wrong was told, and still stands.
    lookAtDisk().catch(() => {})
  }

  const looking = setInterval(lookQuietly, LOOK_FOR_LEFT_MS).unref()

  options.arrived?.then(() => {
    isReady = true
  })
  if (!isReady) goAway('PostgreSQL was away at the start')
  else if (hasRecords(opened())) goAway('an earlier process left requests in the journal')

  return {
    keep,
    note(entry) {
      if (!away) ledger.record(entry).catch(() => {})
    },
    standing: () => ({ away, problem, depth: own && depthOfAll(opened()) }),
    async close() {
      isClosing = true
      clearInterval(looking)
      await bringBack.close()
      await closeJournals(opened())
    },
  }
}

/** A disk that hangs must not keep the process from its end: what was promised is on it. */
async function closeJournals(opened: readonly OpenedJournal[]): Promise<void> {
  await Promise.allSettled(opened.map(({ journal }) => within(CLOSE_MS, journal.close())))
}

function unavailable(error: unknown): LedgerUnavailable {
  if (error instanceof LedgerUnavailable) return error
  throw error
}

function isUnproven({ events }: Entry): boolean {
  return events.some(({ quarantined }) => quarantined)
}

/** What nobody has proven may be a flood of forgeries. */
function isHalfFull({ usedBytes, bytesMax }: JournalDepth): boolean {
  return usedBytes > bytesMax / 2
}

function isEmpty({ records, setAside, damaged }: JournalDepth): boolean {
  return records + setAside + damaged === 0
}
