import { randomBytes } from 'node:crypto'
import path from 'node:path'
import { type Disk, type DiskFile, FILE_MODE, makeFolder, syncFolder, writeFully } from './disk.ts'
import { readSegment } from './read-segment.ts'
import { encode, KEY_BYTES, type KeptRecord, payloadOf } from './record.ts'

/**
 * Records that nobody can take. Each is a file of its own in `set-aside/`, in the format of a segment with one record,
 * whose meta data holds the reason and the meta data of the record: `{ reason, setAsideAt, appendedAt, meta }`.
 */
export interface SetAside {
  count(): number
  usedBytes(): number
  /** Durable when it resolves. Again for the same name changes nothing. */
  put(name: string, record: KeptRecord, reason: string, at: Date): Promise<void>
  list(): AsyncGenerator<{ file: string; record: KeptRecord; reason: string; setAsideAt: Date }, void, void>
  remove(file: string): Promise<void>
}

interface Wrapped {
  reason: string
  setAsideAt: string
  appendedAt: string
  meta: unknown
}

const NAME = /-([0-9a-f]{16})\.record$/

export async function openSetAside(folder: string, disk: Disk): Promise<SetAside> {
  await makeFolder(disk, folder)
  const sizes = new Map<string, number>()
  for (const name of (await disk.readdir(folder)).toSorted()) {
    const file = path.join(folder, name)
    if (NAME.test(name)) sizes.set(file, (await disk.stat(file)).size)
    // What was being written when the process died is still in its segment.
    else if (name.endsWith('.new')) await disk.unlink(file)
  }

  async function write(file: string, bytes: Buffer): Promise<void> {
    const handle = await disk.open(file, 'w', FILE_MODE)
    try {
      await writeFully(handle, bytes, 0)
      await handle.sync()
    } finally {
      await handle.close()
    }
  }

  return {
    count: () => sizes.size,
    usedBytes: () => [...sizes.values()].reduce((sum, size) => sum + size, 0),
    async put(name, record, reason, at) {
      if ([...sizes.keys()].some((file) => path.basename(file).startsWith(`${name}-`))) return
      const key = randomBytes(KEY_BYTES)
      const file = path.join(folder, `${name}-${key.toString('hex')}.record`)
      const { appendedAt, meta, body, sequence } = record
      const wrapped = { reason, setAsideAt: at.toISOString(), appendedAt: appendedAt.toISOString(), meta }
      const bytes = Buffer.concat(encode(payloadOf({ meta: wrapped, body }, appendedAt), key, sequence))
      await write(`${file}.new`, bytes)
      await disk.rename(`${file}.new`, file)
      await syncFolder(disk, folder)
      sizes.set(file, bytes.length)
    },
    async *list() {
      for (const [file, size] of [...sizes].toSorted()) {
        const key = Buffer.from(NAME.exec(file)?.[1] ?? '', 'hex')
        const handle = await disk.open(file, 'r')
        const record = await readOne(handle, key, size).finally(() => handle.close())
        if (!record) continue
        const { reason, setAsideAt, meta } = record.meta as Wrapped
        yield { file, record: { ...record, meta }, reason, setAsideAt: new Date(setAsideAt) }
      }
    },
    async remove(file) {
      await disk.unlink(file)
      sizes.delete(file)
    },
  }
}

async function readOne(file: DiskFile, key: Buffer, to: number): Promise<KeptRecord | undefined> {
  for await (const found of readSegment(file, { key, from: 0, to, after: 0 })) {
    if ('record' in found) return found.record
  }
  return undefined
}
