import path from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { JournalLocked } from './failure.ts'

const SQLITE_BUSY = 5

/**
 * Makes this journal the only one on its folder, for as long as the process lives. Gives what ends the lock.
 *
 * Node cannot lock a file itself; SQLite, which it brings, takes a lock of the kernel (`fcntl`) on an empty file and
 * writes nothing. So the lock ends with the process however that ends, is not inherited by child processes, works on
 * a full disk, and between containers that share a volume, where process ids or sockets would say nothing. A network
 * file system without locks is no place for a journal. Removing the file while it is held undoes the protection.
 *
 * @throws JournalLocked when the folder is in use.
 */
export function lockFolder(folder: string): () => void {
  const database = new DatabaseSync(path.join(folder, 'lock'), { timeout: 0 })
  try {
    // A rollback journal on disk would be one more file, which a full disk could not take.
    database.exec('PRAGMA journal_mode=MEMORY; PRAGMA locking_mode=EXCLUSIVE; BEGIN EXCLUSIVE')
  } catch (error) {
    database.close()
    throw (error as { errcode?: number }).errcode === SQLITE_BUSY ? new JournalLocked(folder) : error
  }
  return () => database.close()
}
