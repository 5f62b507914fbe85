import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rm, statfs, writeFile } from 'node:fs/promises'
import { userInfo } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'

const MEMORY_DISK = '/dev/shm'
const GIB = 1024 ** 3
/** Twice of what a run of the suite has there at once. */
const ROOM_BYTES = 4 * GIB
/** What lies there takes memory, of which the programs of the suite need some too. */
const MEMORY_BYTES = 8 * GIB

/**
 * Lets this process, and all that it starts, put temporary files into memory where there is enough of it: nothing of
 * the suite has to outlive the machine, and on a disk they cost a tenth of its time. TMPDIR is left as it was given.
 */
export async function useMemoryDisk(): Promise<void> {
  if (process.env.TMPDIR || process.availableMemory() < MEMORY_BYTES) return
  if ((await roomIn(MEMORY_DISK)) < ROOM_BYTES) return
  const folder = path.join(MEMORY_DISK, `sluice-tests-${userInfo().uid}`)
  if (await runsPrograms(folder)) process.env.TMPDIR = folder
}

async function roomIn(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder).catch(() => ({ bavail: 0, bsize: 0 }))
  return bavail * bsize
}

/** Containers often have it mounted so that nothing can be run from there. */
async function runsPrograms(folder: string): Promise<boolean> {
  try {
    await mkdir(folder, { recursive: true, mode: 0o755 })
    const own = await mkdtemp(path.join(folder, 'sluice-try-'))
    try {
      const program = path.join(own, 'program')
      await writeFile(program, '#!/bin/sh\nexit 0\n', { mode: 0o700 })
      await promisify(execFile)(program)
      return true
    } finally {
      await rm(own, { recursive: true })
    }
  } catch {
    return false
  }
}
