import type { FunctionLimits } from './contract.ts'
import { residentBytes } from './process-facts.ts'

/** How much later than the process itself the host ends an errand: the time that a busy machine may need. */
const GRACE_MS = 400
const PERIOD_MS = 20
/**
 * So much of the time between two looks counts. A host that was stopped, or busy with something else, has not looked
 * whether the process was done: its answer may lie in the channel, which is read before the next look.
 */
const LOOK_MS_MAX = 5 * PERIOD_MS
/** isolated-vm says itself that a determined script takes two to three times its limit before it is stopped. */
const MEMORY_FACTOR = 2
const MEMORY_SLACK_BYTES = 64 * 1024 * 1024

/**
 * The host's own eyes on a process at work: whatever that says or no longer says, the errand ends at these limits.
 * Gives the function that ends the watch.
 */
export function watchProcess(
  pid: number,
  idleRssBytes: number,
  limits: FunctionLimits,
  onOver: (over: 'time' | 'memory', wallMs: number) => void,
): () => void {
  const startedAt = performance.now()
  const rssBytesMax = idleRssBytes + MEMORY_FACTOR * limits.memoryMb * 1024 * 1024 + MEMORY_SLACK_BYTES
  let lookedAt = startedAt
  let watchedMs = 0
  const timer = setInterval(() => {
    const now = performance.now()
    const wallMs = now - startedAt
    watchedMs += Math.min(now - lookedAt, LOOK_MS_MAX)
    lookedAt = now
    if (watchedMs > limits.wallMs + GRACE_MS) onOver('time', wallMs)
    else if ((residentBytes(pid) ?? 0) > rssBytesMax) onOver('memory', wallMs)
  }, PERIOD_MS)
  return () => clearInterval(timer)
}
