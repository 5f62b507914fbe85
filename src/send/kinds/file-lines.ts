import { type FileHandle, lstat, open, readdir, rename, rm } from 'node:fs/promises'
import path from 'node:path'
import { folderBelow, openBelow, syncFolder } from './file-folder.ts'
import { withFileLock } from './file-lock.ts'

export interface Line {
  deliveryId: string
  /** Ends with a line break. */
  text: Buffer
  /** Whether an attempt before this one may have written it. */
  mayBeThere: boolean
}

export interface FilePlace {
  root: string
  segments: readonly string[]
  bytesMax: number
  filesMax: number | undefined
}

/** Every line of ours begins so; what does not was written by somebody else. */
export function lineStart(deliveryId: string): string {
  return `{"delivery_id":"${deliveryId}"`
}
const START = '{"delivery_id":"'
const CHUNK_BYTES = 1024 * 1024

/**
 * Appends lines and resolves when they are on the disk: for each, whether it was written or had been before. A last line
 * that a crash left torn is taken away first: nobody was told that it is there.
 */
export async function appendLines(place: FilePlace, lines: readonly Line[]): Promise<boolean[]> {
  const folder = await folderBelow(place.root, place.segments.slice(0, -1))
  const name = place.segments.at(-1) ?? ''
  return withFileLock(path.join(folder, name), () => append(folder, name, place, lines))
}

async function append(
  folder: string,
  name: string,
  place: FilePlace,
  lines: readonly Line[],
): Promise<boolean[]> {
  let file = await openWhole(folder, name)
  try {
    const written: boolean[] = []
    let waiting: Buffer[] = []
    for (const line of lines) {
      const isThere = line.mayBeThere && (await isInFiles(folder, name, line.deliveryId))
      written.push(!isThere)
      if (isThere) continue
      const bytes = file.size + waiting.reduce((sum, { length }) => sum + length, 0)
      if (bytes > 0 && bytes + line.text.length > place.bytesMax) {
        await flush(file, waiting)
        waiting = []
        await file.handle.close()
        await rotate(folder, name, place.filesMax)
        file = await openWhole(folder, name)
      }
      waiting.push(line.text)
    }
    await flush(file, waiting)
    return written
  } finally {
    await file.handle.close().catch(() => {})
  }
}

interface OpenFile {
  handle: FileHandle
  size: number
}

async function openWhole(folder: string, name: string): Promise<OpenFile> {
  const handle = await openBelow(folder, name)
  try {
    const { size } = await handle.stat()
    if (size === 0) {
      await syncFolder(folder)
      return { handle, size }
    }
    return { handle, size: await mend(handle, size) }
  } catch (error) {
    await handle.close()
    throw error
  }
}

/** The size afterwards. */
async function mend(handle: FileHandle, size: number): Promise<number> {
  const end = await endOfLastLine(handle, size)
  if (end === size) return size
  const head = Buffer.alloc(Math.min(START.length, size - end))
  await handle.read(head, 0, head.length, end)
  if (START.startsWith(head.toString('latin1'))) {
    await handle.truncate(end)
    return end
  }
  await handle.write('\n')
  return size + 1
}

async function endOfLastLine(handle: FileHandle, size: number): Promise<number> {
  const chunk = Buffer.alloc(Math.min(size, CHUNK_BYTES))
  for (let end = size; end > 0; ) {
    const start = Math.max(0, end - chunk.length)
    const { bytesRead } = await handle.read(chunk, 0, end - start, start)
    const found = chunk.subarray(0, bytesRead).lastIndexOf(0x0a)
    if (found >= 0) return start + found + 1
    end = start
  }
  return 0
}

async function flush(file: OpenFile, lines: readonly Buffer[]): Promise<void> {
  if (lines.length === 0) {
    // What an attempt before wrote may not be on the disk yet.
    await file.handle.sync()
    return
  }
  const bytes = Buffer.concat(lines)
  try {
    for (let at = 0; at < bytes.length; ) at += (await file.handle.write(bytes, at)).bytesWritten
    await file.handle.sync()
    file.size += bytes.length
  } catch (error) {
    // A disk that is full may have taken a part.
    await file.handle.truncate(file.size).catch(() => {})
    throw error
  }
}

async function rotate(folder: string, name: string, filesMax: number | undefined): Promise<void> {
  const full = await fullNameIn(folder, name)
  await rename(path.join(folder, name), path.join(folder, full))
  if (filesMax !== undefined)
    for (const old of (await fullFiles(folder, name)).slice(0, -filesMax))
      await rm(path.join(folder, old), { force: true })
  await syncFolder(folder)
}

/** `orders.ndjson` becomes `orders.20260301T120000123Z.ndjson`: names that sort by time. */
async function fullNameIn(folder: string, name: string): Promise<string> {
  const { name: stem, ext } = path.parse(name)
  for (let at = Date.now(); ; at++) {
    const full = `${stem}.${new Date(at).toISOString().replace(/[-:.]/g, '')}${ext}`
    if (!(await lstat(path.join(folder, full)).catch(() => undefined))) return full
  }
}

async function fullFiles(folder: string, name: string): Promise<string[]> {
  const { name: stem, ext } = path.parse(name)
  const isFull = (other: string) =>
    other.startsWith(`${stem}.`) &&
    other.endsWith(ext) &&
    /^\d{8}T\d{9}Z$/.test(other.slice(stem.length + 1, other.length - ext.length))
  return (await readdir(folder)).filter(isFull).toSorted()
}

/**
 * Full files that were last written before there was the delivery cannot have it. The other one is looked at in any
 * case: a clock may have been set back since.
 */
async function isInFiles(folder: string, name: string, deliveryId: string): Promise<boolean> {
  const madeMs = Number.parseInt(deliveryId.replaceAll('-', '').slice(0, 12), 16)
  for (const one of [name, ...(await fullFiles(folder, name)).toReversed()]) {
    const file = path.join(folder, one)
    const found = await lstat(file).catch(() => undefined)
    if (!found?.isFile() || (one !== name && found.mtimeMs < madeMs - CLOCKS_DIFFER_MS)) continue
    if (await isInFile(file, lineStart(deliveryId))) return true
  }
  return false
}

const CLOCKS_DIFFER_MS = 60_000

async function isInFile(file: string, start: string): Promise<boolean> {
  const wanted = Buffer.from(`\n${start}`)
  const handle = await open(file, 'r')
  try {
    // The first line has none before it; so there is one before the first chunk.
    let rest = Buffer.from('\n')
    for await (const chunk of handle.createReadStream({ highWaterMark: CHUNK_BYTES, autoClose: false })) {
      const bytes = Buffer.concat([rest, chunk as Buffer])
      if (bytes.includes(wanted)) return true
      rest = Buffer.from(bytes.subarray(-wanted.length))
    }
    return false
  } finally {
    await handle.close()
  }
}
