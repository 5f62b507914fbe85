import { mkdir, open, readdir, rename, stat, unlink } from 'node:fs/promises'
import path from 'node:path'

/** What the journal needs of an open file. */
export interface DiskFile {
  read(buffer: Buffer, offset: number, length: number, position: number): Promise<{ bytesRead: number }>
  write(buffer: Buffer, offset: number, length: number, position: number): Promise<{ bytesWritten: number }>
  datasync(): Promise<void>
  sync(): Promise<void>
  truncate(length: number): Promise<void>
  stat(): Promise<{ size: number }>
  close(): Promise<void>
}

/** The part of `node:fs/promises` that the journal uses; errors are those of Node. */
export interface Disk {
  open(file: string, flags: string, mode?: number): Promise<DiskFile>
  mkdir(folder: string, options: { recursive: true; mode: number }): Promise<string | undefined>
  readdir(folder: string): Promise<string[]>
  rename(from: string, to: string): Promise<void>
  unlink(file: string): Promise<void>
  stat(file: string): Promise<{ size: number }>
}

export const NODE_DISK: Disk = { open, mkdir, readdir, rename, unlink, stat }

/** Payloads are nobody else's business. */
const FOLDER_MODE = 0o700
export const FILE_MODE = 0o600

export async function makeFolder(disk: Disk, folder: string): Promise<void> {
  const made = await disk.mkdir(folder, { recursive: true, mode: FOLDER_MODE })
  if (made === undefined) return
  // Each new folder is an entry in the one above it.
  for (let above = path.dirname(folder); ; above = path.dirname(above)) {
    await syncFolder(disk, above)
    if (above === path.dirname(made)) return
  }
}

/** Makes the names in a folder durable: a synced file that no durable name leads to is lost. */
export async function syncFolder(disk: Disk, folder: string): Promise<void> {
  const handle = await disk.open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** One write may take only a part of what it was given. */
export async function writeFully(file: DiskFile, bytes: Buffer, position: number): Promise<void> {
  let done = 0
  while (done < bytes.length) {
    const { bytesWritten } = await file.write(bytes, done, bytes.length - done, position + done)
    done += bytesWritten
  }
}

/** Gives fewer bytes than asked for only where the file ends. */
export async function readFully(file: DiskFile, position: number, length: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafe(length)
  let done = 0
  while (done < length) {
    const { bytesRead } = await file.read(bytes, done, length - done, position + done)
    if (bytesRead === 0) break
    done += bytesRead
  }
  return bytes.subarray(0, done)
}

/** More than what is left on a disk that is as good as full. */
const TRIED_BYTES = 256 * 1024

/**
 * Writes a file into the folder, syncs it and removes it again.
 *
 * @throws errors of the disk, which hangs as long as that does.
 */
export async function tryDisk(disk: Disk, folder: string): Promise<void> {
  const name = path.join(folder, 'trial')
  const file = await disk.open(name, 'w', FILE_MODE)
  try {
    await writeFully(file, Buffer.alloc(TRIED_BYTES), 0)
    await file.datasync()
  } finally {
    await file.close()
    await disk.unlink(name)
  }
}
