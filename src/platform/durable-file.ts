import { randomUUID } from 'node:crypto'
import { mkdir, open, rename, unlink } from 'node:fs/promises'
import path from 'node:path'

/**
 * Writes a file that its owner alone may read. It is written beside its place, synced and renamed, so that neither a kill
 * nor a loss of power leaves half of it or an empty one. Its folder is made when missing, so that others may pass through
 * it and see nothing.
 */
export async function writeDurably(file: string, text: string): Promise<void> {
  const beside = `${file}.${randomUUID()}.new`
  const folder = path.dirname(file)
  await mkdir(folder, { recursive: true, mode: 0o711 })
  try {
    await withFile(beside, 'wx', async (handle) => {
      await handle.writeFile(text)
      await handle.sync()
    })
    await rename(beside, file)
    await withFile(folder, 'r', (handle) => handle.sync())
  } catch (error) {
    await unlink(beside).catch(() => {})
    throw error
  }
}

async function withFile(
  name: string,
  flags: string,
  work: (handle: Awaited<ReturnType<typeof open>>) => Promise<void>,
): Promise<void> {
  const handle = await open(name, flags, 0o600)
  try {
    await work(handle)
  } finally {
    await handle.close()
  }
}
