import type { FetchText, Integrations } from '../integrations/integrations.ts'
import type { Log } from '../platform/log.ts'
import { presetOf } from '../sources/sources.ts'

export interface AddressesOptions {
  integrations: Pick<Integrations, 'integrations' | 'publishedList' | 'refreshPublished'>
  fetchText: FetchText
  now(): Date
  log: Log
}

const FRESH_MS = 86_400_000
/** Vendors limit how often they may be asked, and every process asks. */
const FAILED_PAUSE_MS = 3_600_000

/**
 * Gives a chore that fetches the lists of addresses that sources publish, of those that some integration lets in: a
 * new one at once, a known one once a day. What cannot be had leaves the list as it was.
 */
export function createAddressRefresh(
  { integrations, fetchText, now, log }: AddressesOptions,
  signal: AbortSignal,
) {
  const fetchUntilClosed: FetchText = (url) => fetchText(url, signal)
  const failedAt = new Map<string, number>()

  function isDue(source: string, nowMs: number): boolean {
    const pausedUntil = (failedAt.get(source) ?? Number.NEGATIVE_INFINITY) + FAILED_PAUSE_MS
    const staleFrom =
      (integrations.publishedList(source)?.fetchedAt.getTime() ?? Number.NEGATIVE_INFINITY) + FRESH_MS
    return nowMs >= pausedUntil && nowMs >= staleFrom
  }

  return async () => {
    for (const source of sourcesInUse(integrations)) {
      const at = now()
      if (!isDue(source, at.getTime())) continue
      const refreshed = await integrations.refreshPublished(source, fetchUntilClosed, at)
      if (refreshed.ok) {
        failedAt.delete(source)
        log.info({ source, count: refreshed.count }, 'published addresses fetched')
      } else {
        failedAt.set(source, at.getTime())
        log.warn({ source, reason: refreshed.message }, 'published addresses could not be fetched')
      }
    }
  }
}

function sourcesInUse({ integrations }: AddressesOptions['integrations']): string[] {
  const used = integrations()
    .filter(({ definition }) => definition.allowPublished)
    .map(({ definition }) => definition.source)
  return [...new Set(used)].filter((source) => presetOf(source).publishedAddresses)
}
