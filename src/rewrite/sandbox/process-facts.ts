import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { setPriority } from 'node:os'

const PAGE_BYTES = 4_096
const LOWERED_PRIORITY = 10
const OOM_SCORE_MAX = 1_000

/**
 * Bytes of memory that a process holds, or undefined where the system has no `/proc` (there only isolated-vm's own
 * limit holds). With pages larger than 4 KiB it reads too low by that factor.
 */
export function residentBytes(pid: number): number | undefined {
  try {
    return Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1]) * PAGE_BYTES
  } catch {
    return undefined
  }
}

/** Lets everything else go first. On Linux priority belongs to threads, and V8's were there before we could ask. */
export function lowerPriority(pid: number): void {
  for (const thread of threadsOf(pid)) {
    try {
      setPriority(thread, LOWERED_PRIORITY)
    } catch {
      // A thread that has ended in between needs none.
    }
  }
}

/** When the machine runs out of memory, Linux is to end this process before any that holds something. */
export function dieFirst(pid: number): void {
  try {
    writeFileSync(`/proc/${pid}/oom_score_adj`, String(OOM_SCORE_MAX))
  } catch {
    // Elsewhere than on Linux there is nothing to say it by.
  }
}

function threadsOf(pid: number): number[] {
  try {
    return readdirSync(`/proc/${pid}/task`).map(Number)
  } catch {
    return [pid]
  }
}
