import { readFile } from 'node:fs/promises'
import { writeDurably } from './durable-file.ts'
import type { Log } from './log.ts'

/** A copy on the local disk of something in the database, for a time in which that is away. */
export interface LocalCopy<Content> {
  /** Writes it down, soon, unless it is there already. */
  keep(content: Content): void
  /** Writes down what is still to be written. */
  close(): Promise<void>
}

export interface LocalCopyOptions {
  file: string
  /** For people: `definitions`. */
  of: string
  /** Another one whenever the form of the content changes. */
  version: number
  log: Log
}

/** Many changes at once, as an import makes them, are written once. */
const SAVE_PAUSE_MS = 1_000

/** Content is anything that JSON can hold; secrets in it are to be sealed. */
export function createLocalCopy<Content>({ file, of, version, log }: LocalCopyOptions): LocalCopy<Content> {
  let latest: Content | undefined
  let written = ''
  let timer: NodeJS.Timeout | undefined
  let saving = Promise.resolve()
  let isFailing = false

  async function save(): Promise<void> {
    timer = undefined
    const content = JSON.stringify(latest)
    if (content === written) return
    try {
      const savedAt = new Date().toISOString()
      await writeDurably(file, `{"version":${version},"savedAt":"${savedAt}","content":${content}}\n`)
      written = content
      isFailing = false
    } catch (error) {
      if (!isFailing) log.warn({ err: error, file }, `the local copy of the ${of} could not be written`)
      isFailing = true
    }
  }

  return {
    keep(content) {
      latest = content
      timer ??= setTimeout(() => {
        saving = saving.then(save)
      }, SAVE_PAUSE_MS)
    },
    async close() {
      if (timer) {
        clearTimeout(timer)
        saving = saving.then(save)
      }
      await saving
    },
  }
}

/**
 * Gives what was written last, and when.
 *
 * @param read throws for what is not as it should be
 * @throws Error with a sentence when there is none, or none that can be read.
 */
export async function readLocalCopy<Content>(
  { file, of, version }: Omit<LocalCopyOptions, 'log'>,
  read: (content: unknown) => Content,
): Promise<{ content: Content; savedAt: Date }> {
  try {
    const copy = JSON.parse(await readFile(file, 'utf8'))
    if (copy?.version !== version) throw new Error('another version of Sluice wrote it')
    return { content: read(copy.content), savedAt: new Date(copy.savedAt) }
  } catch (error) {
    const { message } = error as Error
    throw new Error(`the local copy of the ${of} in ${file} cannot be read: ${message}`, { cause: error })
  }
}
