import { mkdtemp, readdir } from 'node:fs/promises'
import path from 'node:path'
import { inject } from 'vitest'
import {
  type Journal,
  type JournalOptions,
  type JournalRecord,
  type KeptRecord,
  openJournal,
} from '../../src/journal/journal.ts'

export interface Told {
  level: 'info' | 'warn' | 'error'
  message: string
}

export function freshFolder(): Promise<string> {
  return mkdtemp(path.join(inject('scratch'), 'journal-'))
}

/** A journal and what it said. */
export async function openAt(
  folder: string,
  more: Partial<JournalOptions> = {},
): Promise<{ journal: Journal; told: Told[] }> {
  const told: Told[] = []
  const journal = await openJournal({
    folder,
    bytesMax: 64 * 1024 * 1024,
    segmentBytesMax: 1024 * 1024,
    log: listeningLog(told),
    now: () => new Date(),
    ...more,
  })
  return { journal, told }
}

/** Takes everything there is, and closes. */
export async function drainAndClose(folder: string): Promise<{ records: KeptRecord[]; told: Told[] }> {
  const { journal, told } = await openAt(folder)
  const records = await takeAll(journal)
  await journal.close()
  return { records, told }
}

export async function takeAll(journal: Journal): Promise<KeptRecord[]> {
  const taken: KeptRecord[] = []
  await journal.drain(async (records) => {
    taken.push(...records)
    return []
  })
  return taken
}

export function contentOf({ meta, body }: JournalRecord) {
  return { meta, body: body?.toString('latin1') ?? null }
}

export async function filesIn(folder: string, ending = '.journal'): Promise<string[]> {
  const names = (await readdir(folder)).filter((name) => name.endsWith(ending))
  return names.toSorted().map((name) => path.join(folder, name))
}

function listeningLog(told: Told[]): JournalOptions['log'] {
  const at =
    (level: Told['level']) =>
    (_what: unknown, message = '') =>
      void told.push({ level, message })
  return { info: at('info'), warn: at('warn'), error: at('error') } as unknown as JournalOptions['log']
}
