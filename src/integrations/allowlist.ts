/** Who may send: lists as operators write them, and their union in a form that answers in microseconds. */
import { type Cidr, readAddress } from './address.ts'
import { readAllowlistEntry } from './allowlist-entry.ts'

/** Canonical and without duplicates. Empty lets nobody in. */
export interface Allowlist {
  /** True only where `*` is written out. */
  everyone: boolean
  networks: readonly Cidr[]
  /** Lower-case ASCII, without `*.` and without a last dot; each stands for itself and all names below it. */
  domains: readonly string[]
}

/** Errors and warnings are sentences that begin with the entry in quotes. */
export type AllowlistReading = { allowlist: Allowlist; warnings: string[] } | { errors: string[] }

/** Opaque to callers: what {@link allowsAddress} and {@link domainsOf} read. */
export interface CompiledAllowlist {
  everyone: boolean
  /** Canonical texts. */
  addresses: ReadonlySet<string>
  /** For each prefix length that occurs, the prefixes of that length. */
  networks: Record<4 | 6, readonly PrefixSet[]>
  domains: readonly string[]
}

interface PrefixSet {
  hostBits: bigint
  prefixes: Set<bigint>
}

const ENTRIES_MAX = 10_000
// Every domain may cost a DNS question per request from an unknown address.
const DOMAINS_MAX = 200
const ERRORS_MAX = 20

/**
 * Reads entries separated by commas, blanks or line ends, or a list of such texts. An entry is an address, a CIDR
 * (bits beyond its prefix are cleared, with a warning), a domain or `*`.
 */
export function parseAllowlist(source: string | readonly string[]): AllowlistReading {
  const text = typeof source === 'string' ? source : source.join('\n')
  const entries = text.split(/[\s,]+/).filter((entry) => entry !== '')
  if (entries.length > ENTRIES_MAX)
    return { errors: [`${entries.length} entries; an allowlist may have ${ENTRIES_MAX}`] }
  const found = sortEntries(entries)
  if (found.domains.size > DOMAINS_MAX)
    found.errors.push(`${found.domains.size} domains; an allowlist may have ${DOMAINS_MAX}`)
  if (found.errors.length > 0) return { errors: found.errors.slice(0, ERRORS_MAX) }
  const { everyone, warnings } = found
  const allowlist = { everyone, networks: [...found.networks.values()], domains: [...found.domains] }
  return { allowlist, warnings }
}

/** The union of lists. Made once per change of definition, so that a request costs a few look-ups. */
export function compileAllowlist(lists: readonly Allowlist[]): CompiledAllowlist {
  const addresses = new Set<string>()
  const byPrefix = { 4: new Map<number, PrefixSet>(), 6: new Map<number, PrefixSet>() }
  for (const { family, prefixBits, hostBits, prefixValue, text } of lists.flatMap((list) => list.networks)) {
    if (hostBits === 0n) addresses.add(text.slice(0, text.indexOf('/')))
    else {
      const set = byPrefix[family].get(prefixBits) ?? { hostBits, prefixes: new Set() }
      byPrefix[family].set(prefixBits, set)
      set.prefixes.add(prefixValue)
    }
  }
  return {
    everyone: lists.some((list) => list.everyone),
    addresses,
    networks: { 4: [...byPrefix[4].values()], 6: [...byPrefix[6].values()] },
    domains: [...new Set(lists.flatMap((list) => list.domains))],
  }
}

/** Whether an address entry, a CIDR or `*` lets this address in; what is no address is never let in. */
export function allowsAddress(compiled: CompiledAllowlist, address: string): boolean {
  if (compiled.addresses.has(address)) return true
  const read = readAddress(address)
  if (!read) return false
  if (compiled.everyone || compiled.addresses.has(read.text)) return true
  return compiled.networks[read.family].some(({ hostBits, prefixes }) => prefixes.has(read.value >> hostBits))
}

/** The domains whose proof takes DNS. */
export function domainsOf(compiled: CompiledAllowlist): readonly string[] {
  return compiled.domains
}

function sortEntries(entries: readonly string[]) {
  const networks = new Map<string, Cidr>()
  const domains = new Set<string>()
  const warnings: string[] = []
  const errors: string[] = []
  let everyone = false
  for (const text of entries) {
    const entry = readAllowlistEntry(text)
    if ('problem' in entry) errors.push(`${quoted(text)} ${entry.problem}`)
    else if (entry.kind === 'everyone') everyone = true
    else if (entry.kind === 'domain') domains.add(entry.domain)
    else {
      networks.set(entry.cidr.text, entry.cidr)
      if (entry.warning !== undefined) warnings.push(`${quoted(text)} ${entry.warning}`)
    }
  }
  return { everyone, networks, domains, warnings, errors }
}

function quoted(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text)
}
