import { execFile } from 'node:child_process'
import { readFile, readlink } from 'node:fs/promises'
import path from 'node:path'
import { promisify } from 'node:util'

/** Whether a process runs under this id. One that ended and waits to be collected by its parent does not run. */
export async function isRunning(pid: number): Promise<boolean> {
  if (!answers(pid)) return false
  // In a container nobody may collect an adopted process: it answers signals for ever.
  const status = await readFile(`/proc/${pid}/stat`, 'latin1').catch(() => '')
  // Where there is nothing to read there is no /proc, or the process went just now.
  return status === '' ? answers(pid) : !/^\d+ \(.*\) [ZX] /s.test(status)
}

function answers(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ESRCH'
  }
}

/**
 * Whether the process is the PostgreSQL server of this data directory. After a crash of the machine its old id may
 * belong to any other program.
 *
 * @param data the real path of the data directory, as the server was started with.
 */
export async function isServerOf(pid: number, data: string): Promise<boolean> {
  if (!(await isRunning(pid))) return false
  if (process.platform !== 'linux') return (await commandOf(pid)).includes(`-D ${data} `)
  const words = (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).split('\0')
  if (!words.some((word) => path.basename(word) === 'postgres')) return false
  if (words[words.indexOf('-D') + 1] === data) return true
  // The server works in its data directory, whatever that was called when it started; only the folder's owner and an
  // unrestricted root may look.
  return (await readlink(`/proc/${pid}/cwd`).catch(() => '')) === data
}

async function commandOf(pid: number): Promise<string> {
  const listed = promisify(execFile)('ps', ['-ww', '-o', 'command=', '-p', String(pid)])
  return (await listed.catch(() => ({ stdout: '' }))).stdout
}
