import { createGroupCommit, type GroupCommit, type GroupCommitOptions } from './group-commit.ts'
import { bytesOf, type Entry } from './record.ts'

/** What is larger takes PostgreSQL longer than a sender of something small is to wait. */
const SMALL_BYTES_MAX = 1024 * 1024

/** Large entries have commits and a connection of their own, so that the small ones do not wait for them. */
export function createWayIn(options: GroupCommitOptions): GroupCommit {
  const small = createGroupCommit(options)
  const large = createGroupCommit(options)
  return {
    record: (entry, waitMs) => (isLarge(entry) ? large : small).record(entry, waitMs),
    pendingBytes: () => small.pendingBytes() + large.pendingBytes(),
    async close() {
      await Promise.all([small.close(), large.close()])
    },
  }
}

/** Of two entries of which one is large, either may be stored first. */
export function isLarge(entry: Entry): boolean {
  return bytesOf(entry) > SMALL_BYTES_MAX
}
