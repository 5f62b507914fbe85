import { randomBytes } from 'node:crypto'
import path from 'node:path'
import type { Log } from '../platform/log.ts'
import { type Disk, type DiskFile, FILE_MODE, syncFolder } from './disk.ts'
import { findSegments } from './find-segments.ts'
import { KEY_BYTES } from './record.ts'
import { emptySegment, type Segment, segmentName } from './segment.ts'

/** The segments in the folder, oldest first, and what else takes room there. */
export interface Shelf {
  segments: Segment[]
  /** Files that are kept because something in them cannot be read. */
  damagedFiles(): number
  usedBytes(): number
  /** A new segment, durable as a name, open for writing. Not on the shelf yet: whoever finds it there may drain it. */
  begin(): Promise<{ segment: Segment; file: DiskFile }>
  /** Forgets a segment: deletes it, or keeps it under another name when it is damaged. Never throws. */
  retire(segment: Segment): Promise<void>
}

const DAMAGED = '.damaged'

export async function openShelf(folder: string, disk: Disk, log: Log): Promise<Shelf> {
  let { files: damagedFiles, bytes: keptBytes } = await findDamaged(folder, disk)
  const segments = await findSegments(folder, disk, log)
  let lastSequence = Math.max(0, ...segments.map((segment) => segment.lastSequence))

  async function retire(segment: Segment): Promise<void> {
    const index = segments.indexOf(segment)
    if (index === -1) return
    segments.splice(index, 1)
    lastSequence = Math.max(lastSequence, segment.lastSequence)
    try {
      if (segment.isDamaged) await disk.rename(segment.file, segment.file + DAMAGED)
      else await disk.unlink(segment.file)
      if (!segment.isDamaged) return
      damagedFiles += 1
    } catch (err) {
      log.error({ err, file: segment.file }, 'a drained part of the journal could not be put away')
    }
    keptBytes += segment.sizeBytes
  }

  const shelf: Shelf = {
    segments,
    damagedFiles: () => damagedFiles,
    usedBytes: () => segments.reduce((sum, { sizeBytes }) => sum + sizeBytes, keptBytes),
    async begin() {
      lastSequence = Math.max(lastSequence, ...segments.map((segment) => segment.lastSequence))
      const key = randomBytes(KEY_BYTES)
      const segment = emptySegment(
        path.join(folder, segmentName(lastSequence + 1, key)),
        key,
        lastSequence + 1,
      )
      const file = await disk.open(segment.file, 'wx', FILE_MODE)
      try {
        await syncFolder(disk, folder)
      } catch (error) {
        await file.close().catch(() => {})
        await disk.unlink(segment.file).catch(() => {})
        throw error
      }
      return { segment, file }
    },
    retire,
  }
  for (const segment of segments.filter(({ waiting }) => waiting.records === 0)) await retire(segment)
  return shelf
}

async function findDamaged(folder: string, disk: Disk): Promise<{ files: number; bytes: number }> {
  const names = (await disk.readdir(folder)).filter((name) => name.endsWith(DAMAGED))
  let bytes = 0
  for (const name of names) bytes += (await disk.stat(path.join(folder, name))).size
  return { files: names.length, bytes }
}
