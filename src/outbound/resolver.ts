import { lookup } from 'node:dns/promises'

/** All addresses of a name. Rejects, or gives none, when there are none. */
export type Resolver = (host: string) => Promise<readonly string[]>

const KEEP_MS = 5_000
const NAMES_MAX = 1_000

/**
 * The system's own resolver (hosts file, search domains, container DNS included).
 *
 * A name is looked up once at a time, and its addresses are kept for 5 seconds: getaddrinfo cannot be cancelled
 * and has only a few threads, so a slow name server must meet as few calls as possible. The keeping does not
 * weaken the guard: whatever is returned is checked, and only what was checked is connected to.
 *
 * @param now monotonic milliseconds
 */
export function createSystemResolver(now: () => number = () => performance.now()): Resolver {
  const names = new Map<string, { addresses: Promise<readonly string[]>; until: number }>()
  return (host) => {
    const known = names.get(host)
    if (known && known.until > now()) return known.addresses
    const addresses = lookUp(host)
    const entry = { addresses, until: Number.POSITIVE_INFINITY }
    names.set(host, entry)
    if (names.size > NAMES_MAX) names.delete(names.keys().next().value ?? host)
    addresses.then(
      () => {
        entry.until = now() + KEEP_MS
      },
      () => names.delete(host),
    )
    return addresses
  }
}

async function lookUp(host: string): Promise<readonly string[]> {
  const found = await lookup(host, { all: true, order: 'verbatim' })
  return found.map(({ address }) => address)
}
