import { readdir, rm, stat } from 'node:fs/promises'
import path from 'node:path'
import { isRunning } from './process-table.ts'

const ABANDONED_AFTER_MS = 3_600_000

/** The beginning of the name of a folder that this process will remove again, or move to its place. */
export function temporaryPrefix(home: string): string {
  return path.join(home, `postgres.new-${process.pid}-`)
}

/** Removes what a killed start left. A folder whose maker may still be at work stays for an hour. */
export async function removeAbandoned(home: string): Promise<void> {
  for (const name of await readdir(home)) {
    const maker = /^postgres\.new-(\d+)-/.exec(name)?.[1]
    if (maker === undefined) continue
    const folder = path.join(home, name)
    const ageMs = Date.now() - ((await stat(folder).catch(() => null))?.mtimeMs ?? 0)
    if (ageMs < ABANDONED_AFTER_MS && (await isRunning(Number(maker)))) continue
    await rm(folder, { recursive: true, force: true, maxRetries: 5 }).catch(() => {})
  }
}
