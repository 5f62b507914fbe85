import { constants, type Stats } from 'node:fs'
import { type FileHandle, lstat, mkdir, open, realpath } from 'node:fs/promises'
import path from 'node:path'
import { Failed } from './kind.ts'

/**
 * The folder of a file below the root, made where it is missing. No part of the way may be a link, so that nothing
 * leads out of the root.
 *
 * @throws Failed
 */
export async function folderBelow(root: string, segments: readonly string[]): Promise<string> {
  let folder = await realpath(root).catch(() => {
    throw new Failed('retry', 'server_error', 'the folder of FILES_DIR is not there')
  })
  for (const segment of segments) {
    const child = path.join(folder, segment)
    const made = await mkdir(child, { mode: 0o750 }).then(
      () => true,
      (error: NodeJS.ErrnoException) => {
        if (error.code !== 'EEXIST') throw error
        return false
      },
    )
    if (!(await lstat(child)).isDirectory()) throw refused(segment, 'is no folder')
    if (made) await syncFolder(folder)
    folder = child
  }
  return folder
}

/**
 * Opens a file for reading and appending, made where it is missing; never through a link, neither of its own nor one
 * that took the place of a folder meanwhile.
 *
 * @throws Failed
 */
export async function openBelow(folder: string, name: string): Promise<FileHandle> {
  const { O_RDWR, O_APPEND, O_CREAT, O_NOFOLLOW, O_NONBLOCK } = constants
  const file = path.join(folder, name)
  // Without O_NONBLOCK, a pipe that somebody put there would keep us waiting for its reader.
  const flags = O_RDWR | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK
  const handle = await open(file, flags, 0o640).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ELOOP' || error.code === 'ENXIO') throw refused(name, 'is no plain file')
    throw error
  })
  try {
    const opened = await handle.stat()
    const isPlain = opened.isFile() && opened.nlink === 1
    if (!isPlain) throw refused(name, 'is no plain file, or has a second name')
    if ((await realpath(folder)) !== folder || !isSame(await lstat(file), opened))
      throw refused(name, 'is not where it was opened')
    return handle
  } catch (error) {
    await handle.close()
    throw error
  }
}

/** So that a name that was made or changed survives a loss of power. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, constants.O_RDONLY)
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

function isSame(left: Stats, right: Stats): boolean {
  return left.ino === right.ino && left.dev === right.dev
}

function refused(name: string, why: string): Failed {
  return new Failed('dead', 'not_allowed', `${JSON.stringify(name)} below FILES_DIR ${why}`)
}
