import { Ended } from './failure.ts'

export interface Deadline {
  /** Aborts with an {@link Ended}. */
  signal: AbortSignal
  /** Must be called; otherwise the timer stays. */
  end(): void
}

/** One signal for both ends of patience: the request's own total time and the caller's signal. */
export function startDeadline(totalMs: number, caller: AbortSignal | undefined): Deadline {
  const controller = new AbortController()
  const onAbort = () => controller.abort(new Ended('aborted', 'given up by the caller'))
  const timer = setTimeout(() => {
    controller.abort(new Ended('timeout', `no complete answer within ${totalMs} ms`))
  }, totalMs)
  if (caller?.aborted) onAbort()
  caller?.addEventListener('abort', onAbort, { once: true })
  return {
    signal: controller.signal,
    end: () => {
      clearTimeout(timer)
      caller?.removeEventListener('abort', onAbort)
    },
  }
}

/** Waits for a look-up at most so long. It cannot be cancelled, so it is left behind when its time is over. */
export async function lookUpWithin<T>(ms: number, signal: AbortSignal, lookUp: () => Promise<T>): Promise<T> {
  signal.throwIfAborted()
  const { promise, reject } = Promise.withResolvers<never>()
  const onAbort = () => reject(signal.reason)
  const timer = setTimeout(() => reject(new Ended('timeout', `no address within ${ms} ms`)), ms)
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    return await Promise.race([lookUp(), promise])
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', onAbort)
  }
}
