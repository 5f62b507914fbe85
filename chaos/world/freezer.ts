import type { Guard } from './guard.ts'
import { signalAll } from './process-table.ts'

/** Freezes so that nothing stays frozen, whatever becomes of this process. */
export function freezer(guard: Guard): (pids: readonly number[]) => () => void {
  return (pids) => {
    guard.thaw(pids)
    signalAll(pids, 'SIGSTOP')
    return () => signalAll(pids, 'SIGCONT')
  }
}
