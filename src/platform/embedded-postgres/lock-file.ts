import { readFile, stat, unlink } from 'node:fs/promises'
import path from 'node:path'
import { isServerOf } from './process-table.ts'

/** A server on the data directory, as its `postmaster.pid` tells. */
export interface Running {
  pid: number
  /** 0 until the server has written it. */
  port: number
  isReady: boolean
}

/**
 * The server that runs on this data directory, or null.
 *
 * A lock file that outlived its server is PostgreSQL's own business, unless the id in it belongs to another program by
 * now: PostgreSQL would then refuse to start, so the file is removed. Should a server run all the same, its shared
 * memory still keeps a second one out.
 */
export async function findRunning(data: string): Promise<Running | null> {
  const text = await readText(data)
  const running = parse(text)
  if (running === null) {
    if (text === '') await removeAbandoned(data)
    return null
  }
  if (await isServerOf(running.pid, data)) return running
  if (text === (await readText(data))) await unlink(lockFile(data)).catch(() => {})
  return null
}

/** A server that starts fills its lock file at once; one that stays empty was left by a crash of the machine. */
const FILLED_WITHIN_MS = 5_000

async function removeAbandoned(data: string): Promise<void> {
  const found = await stat(lockFile(data)).catch(() => undefined)
  if (found?.size === 0 && Date.now() - found.mtimeMs > FILLED_WITHIN_MS)
    await unlink(lockFile(data)).catch(() => {})
}

/** What the lock file says, true or not. */
export async function readLockFile(data: string): Promise<Running | null> {
  return parse(await readText(data))
}

async function readText(data: string): Promise<string> {
  return readFile(lockFile(data), 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return ''
    throw error
  })
}

function lockFile(data: string): string {
  return path.join(data, 'postmaster.pid')
}

/** Line 1 is the process id, 4 the port, 8 the status; a server that starts writes them one after the other. */
function parse(text: string): Running | null {
  const lines = text.split('\n').map((line) => line.trim())
  const pid = Number(lines[0])
  if (!Number.isInteger(pid) || pid <= 0) return null
  return { pid, port: Number(lines[3]) || 0, isReady: lines[7] === 'ready' }
}
