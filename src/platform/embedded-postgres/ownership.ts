import { lchown, readdir, stat } from 'node:fs/promises'
import path from 'node:path'
import type { Owner } from './runner.ts'

/**
 * Makes `owner` the owner of a folder and all within. The folder itself comes last: as long as it has the wrong owner,
 * an interrupted change is seen and done again.
 */
export async function giveTo(folder: string, owner: Owner): Promise<void> {
  const present = await stat(folder)
  if (present.uid === owner.uid && present.gid === owner.gid) return
  await giveContentTo(folder, owner)
  await lchown(folder, owner.uid, owner.gid)
}

async function giveContentTo(folder: string, owner: Owner): Promise<void> {
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const name = path.join(folder, entry.name)
    if (entry.isDirectory()) await giveContentTo(name, owner)
    await lchown(name, owner.uid, owner.gid)
  }
}
