/**
 * The journals below one home. Each process has one of its own, `1`, `2` and so on, because two may live on one home:
 * while one takes over from the other, or beside each other. What a process that is gone has left is anyone's.
 */
import { readdir } from 'node:fs/promises'
import path from 'node:path'
import {
  type Disk,
  type Journal,
  type JournalDepth,
  JournalLocked,
  type JournalOptions,
  openJournal,
} from '../../journal/journal.ts'
import type { Log } from '../../platform/log.ts'

export interface JournalsOptions {
  /** Holds a folder for each journal. */
  folder: string
  /** What each of them may take of the disk. */
  bytesMax: number
  log: Log
  now(): Date
  disk?: Disk
}

export interface OpenedJournal {
  /** Name of its folder. */
  name: string
  journal: Journal
}

/** More processes on one home than anybody has. */
const JOURNALS_MAX = 64
const SEGMENT_BYTES_MAX = 16 * 1024 * 1024

/**
 * Opens the first journal that no other process uses, to write into.
 *
 * @throws errors of the disk.
 */
export async function openFreeJournal(options: JournalsOptions): Promise<OpenedJournal> {
  for (let number = 1; number <= JOURNALS_MAX; number++) {
    const opened = await openUnlessLocked(String(number), options)
    if (opened) return opened
  }
  throw new Error(`${JOURNALS_MAX} journals in ${options.folder} are in use`)
}

/**
 * Opens the journals that hold something and that no process uses, but for those that are known already. One that cannot
 * be opened is told and passed over.
 */
export async function openLeftJournals(
  options: JournalsOptions,
  known: readonly string[] = [],
): Promise<OpenedJournal[]> {
  const left: OpenedJournal[] = []
  for (const name of await journalNames(options.folder)) {
    if (known.includes(name) || !(await holdsSomething(path.join(options.folder, name)))) continue
    const opened = await openUnlessLocked(name, options).catch((error) => {
      options.log.error({ err: error, journal: name }, 'a journal that another process left cannot be opened')
      return undefined
    })
    if (opened) left.push(opened)
  }
  return left
}

/** The oldest journal first, as far as their numbers tell. */
export async function journalNames(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return []
    throw error
  })
  return names.filter((name) => /^[1-9][0-9]?$/.test(name)).toSorted((a, b) => Number(a) - Number(b))
}

/** Undefined when another process uses it. */
export async function openUnlessLocked(
  name: string,
  { folder, bytesMax, log, now, disk }: JournalsOptions,
): Promise<OpenedJournal | undefined> {
  const options: JournalOptions = {
    folder: path.join(folder, name),
    bytesMax,
    segmentBytesMax: Math.min(SEGMENT_BYTES_MAX, Math.ceil(bytesMax / 4)),
    log,
    now,
    ...(disk && { disk }),
  }
  try {
    return { name, journal: await openJournal(options) }
  } catch (error) {
    if (error instanceof JournalLocked) return undefined
    throw error
  }
}

/** Segments, parts of them that cannot be read, and records that nobody could take. */
async function holdsSomething(folder: string): Promise<boolean> {
  const names = [folder, path.join(folder, 'set-aside')].map((one) => readdir(one).catch(() => []))
  return (await Promise.all(names)).flat().some((name) => /\.(?:journal|damaged|record)$/.test(name))
}

export function hasRecords(opened: readonly OpenedJournal[]): boolean {
  return opened.some(({ journal }) => journal.depth().records > 0)
}

/** What all of them hold together; the room is that of the first. */
export function depthOfAll(journals: readonly OpenedJournal[]): JournalDepth {
  const depths = journals.map(({ journal }) => journal.depth())
  const sum = (of: (depth: JournalDepth) => number) => depths.reduce((total, depth) => total + of(depth), 0)
  const ages = depths.map((depth) => depth.oldestAgeMs).filter((age) => age !== null)
  return {
    records: sum((depth) => depth.records),
    bytes: sum((depth) => depth.bytes),
    oldestAgeMs: ages.length === 0 ? null : Math.max(...ages),
    usedBytes: depths[0]?.usedBytes ?? 0,
    bytesMax: depths[0]?.bytesMax ?? 0,
    setAside: sum((depth) => depth.setAside),
    damaged: sum((depth) => depth.damaged),
    isFailing: depths[0]?.isFailing ?? false,
  }
}
