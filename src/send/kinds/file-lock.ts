import { randomBytes } from 'node:crypto'
import { link, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { setTimeout as wait } from 'node:timers/promises'
import { Failed } from './kind.ts'

const WAIT_MS = 5_000
const LOOK_MS = 15
/** A lock is held for one batch of lines. Whoever is on another machine cannot be asked whether he lives. */
const STALE_MS = 30_000

/**
 * Does something while no other process writes to the file. One that was killed leaves its lock behind: it is taken over
 * at once where its process can be seen to be gone, else after half a minute.
 *
 * @throws Failed when another process holds it for too long
 */
export async function withFileLock<T>(file: string, work: () => Promise<T>): Promise<T> {
  const lock = `${file}.lock`
  const before = turns.get(lock)
  const { promise: turn, resolve: done } = Promise.withResolvers<void>()
  turns.set(lock, turn)
  await before
  try {
    await take(lock)
    try {
      return await work()
    } finally {
      await rm(lock, { force: true })
    }
  } finally {
    if (turns.get(lock) === turn) turns.delete(lock)
    done()
  }
}

/** Within this process one waits for the other, so that a lock with its number on the disk was left by another process. */
const turns = new Map<string, Promise<void>>()

async function take(lock: string): Promise<void> {
  const deadline = performance.now() + WAIT_MS
  const own = besides(lock)
  await writeFile(own, `${hostname()} ${process.pid}`, { mode: 0o600, flag: 'wx' })
  try {
    while (!(await isLinked(own, lock))) {
      const owner = await ownerOf(lock)
      if (owner !== undefined && (await isGone(lock, owner))) {
        await setAside(lock, owner)
        continue
      }
      if (performance.now() > deadline)
        throw new Failed('retry', 'busy', 'another process holds the lock of the file')
      await wait(LOOK_MS)
    }
  } finally {
    await rm(own, { force: true })
  }
}

/** By a link the lock is there with its owner's name in it: whoever is killed leaves none that names nobody. */
async function isLinked(own: string, lock: string): Promise<boolean> {
  try {
    await link(own, lock)
    return true
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false
    throw error
  }
}

function besides(lock: string): string {
  return `${lock}.${randomBytes(6).toString('hex')}`
}

async function ownerOf(lock: string): Promise<string | undefined> {
  return readFile(lock, 'utf8').catch(() => undefined)
}

async function isGone(lock: string, owner: string): Promise<boolean> {
  const [host, pid] = owner.split(' ')
  if (host === hostname() && Number(pid) === process.pid) return true
  if (host === hostname() && Number(pid) > 0) return !isRunning(Number(pid))
  const found = await stat(lock).catch(() => undefined)
  return found !== undefined && Date.now() - found.mtimeMs > STALE_MS
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}

/** Two may judge the same lock: what was moved away and is another one by now goes back. */
async function setAside(lock: string, owner: string): Promise<void> {
  const aside = besides(lock)
  try {
    await rename(lock, aside)
  } catch {
    return
  }
  if ((await ownerOf(aside)) !== owner) await link(aside, lock).catch(() => {})
  await rm(aside, { force: true })
}
