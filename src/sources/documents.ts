/** Documents that a proof needs, such as the key that a request names, fetched once and kept for a while. */
export interface Documents {
  /** The text of the document at this address, or undefined when it cannot be had. Rejects only as `fetch` does. */
  fetchText(url: string): Promise<string | undefined>
}

export interface DocumentsOptions {
  /** Limits bytes and time and follows no redirect; gives undefined for whatever is no document. */
  fetch(url: string): Promise<string | undefined>
  /** Milliseconds that never go back. */
  now(): number
  /** At most a day, however much is given. */
  keptMs?: number
  failureKeptMs?: number
  documentsMax?: number
  /** Addresses never fetched with success before that are asked for at one site, such as `paypal.com`, in a minute. */
  newPerMinuteMax?: number
}

/** Source: AdobeDocs/adobe-io-events, src/pages/guides/index.md, "not more than 24h". */
const KEPT_MS_MAX = 86_400_000

const DEFAULTS = { keptMs: KEPT_MS_MAX, failureKeptMs: 30_000, documentsMax: 100, newPerMinuteMax: 30 }

/**
 * The addresses come from the headers of requests that nobody has proven yet. So an address is asked for once however
 * many wait for it, a failure is remembered, and how many new addresses are tried is limited. What was had before is
 * fetched again whatever the limit, so that a flood of made-up addresses does not take the keys in use away; and one
 * site's flood leaves the others alone.
 */
export function createDocuments(options: DocumentsOptions): Documents {
  const { fetch, now, keptMs, failureKeptMs, documentsMax, newPerMinuteMax } = { ...DEFAULTS, ...options }
  const documents = createMemory<string>(documentsMax)
  // Apart from the documents, or made-up addresses would push those out.
  const failures = createMemory<undefined>(documentsMax)
  const underWay = new Map<string, Promise<string | undefined>>()
  const mayAskNew = createQuota(newPerMinuteMax, now)

  async function load(url: string): Promise<string | undefined> {
    const text = await fetch(url)
    if (text === undefined) failures.keep(url, undefined, now() + failureKeptMs)
    else documents.keep(url, text, now() + Math.min(keptMs, KEPT_MS_MAX))
    return text
  }

  return {
    async fetchText(url) {
      const known = documents.find(url)
      if (known && known.until > now()) return known.value
      const running = underWay.get(url)
      if (running) return running
      if ((failures.find(url)?.until ?? 0) > now()) return undefined
      if (!known && !mayAskNew(siteOf(url))) return undefined
      const loading = load(url)
      underWay.set(url, loading)
      try {
        return await loading
      } finally {
        underWay.delete(url)
      }
    },
  }
}

/** `api.sandbox.paypal.com` gives `paypal.com`: who chooses the address chooses the names before, too. */
function siteOf(url: string): string {
  return new URL(url).hostname.split('.').slice(-2).join('.')
}

interface Memory<Value> {
  find(key: string): { value: Value; until: number } | undefined
  keep(key: string, value: Value, until: number): void
}

/** Forgets what was used longest ago once it is full; what is too old stays known as such. */
function createMemory<Value>(entriesMax: number): Memory<Value> {
  // A Map keeps the order of insertion, so its first key is the one that was used longest ago.
  const entries = new Map<string, { value: Value; until: number }>()
  function put(key: string, entry: { value: Value; until: number }) {
    entries.delete(key)
    entries.set(key, entry)
  }
  return {
    find(key) {
      const entry = entries.get(key)
      if (entry) put(key, entry)
      return entry
    },
    keep(key, value, until) {
      put(key, { value, until })
      if (entries.size > entriesMax) entries.delete(entries.keys().next().value ?? key)
    },
  }
}

const MINUTE_MS = 60_000

/** At most so many in any minute, for each name. The names are few: presets pin their hosts. */
function createQuota(perMinuteMax: number, now: () => number): (name: string) => boolean {
  const taken = new Map<string, number[]>()
  return (name) => {
    const recent = (taken.get(name) ?? []).filter((at) => now() - at < MINUTE_MS)
    const mayTake = recent.length < perMinuteMax
    taken.set(name, mayTake ? [...recent, now()] : recent)
    return mayTake
  }
}
