import { isIP } from 'node:net'
import { canonicalHost, type Target } from './target.ts'

/** A host and port that the operator allows although it lies inside. `host` is a name or an address, no pattern. */
export interface HostPort {
  host: string
  port: number
}

/**
 * Reads `host:port`, `203.0.113.7:8080` or `[2001:db8::1]:8080`, as it stands in OUTBOUND_ALLOWED.
 *
 * @returns the entry, or a sentence for the operator.
 */
export function parseHostPort(text: string): HostPort | string {
  const match = /^(\[[0-9a-fA-F:.]+\]|[^\s:/?#@[\]\\*]+):([0-9]{1,5})$/.exec(text.trim())
  const problem = `${JSON.stringify(text)} is not host:port (exactly one host and one port, no pattern, no scheme)`
  if (!match) return problem
  const port = Number(match[2])
  const url = `http://${match[1]}/`
  if (port < 1 || port > 65_535 || !URL.canParse(url)) return problem
  const host = canonicalHost(new URL(url).hostname)
  return host === undefined ? problem : { host, port }
}

/** Answers whether the operator allowed exactly this host and port, and whether as a name or as an address. */
export function createAllowed(
  entries: readonly HostPort[],
): (target: Target) => 'as_name' | 'as_address' | undefined {
  const known = new Set(entries.map(({ host, port }) => keyOf(parsed(host, port))))
  return ({ host, port }) => {
    if (!known.has(keyOf({ host, port }))) return undefined
    return isIP(host) === 0 ? 'as_name' : 'as_address'
  }
}

/** Entries may come from code as well as from the setting, so they are brought into the same spelling here. */
function parsed(host: string, port: number): HostPort {
  const entry = parseHostPort(`${isIP(host) === 6 ? `[${host}]` : host}:${port}`)
  if (typeof entry === 'string') throw new Error(`allowed outbound host: ${entry}`)
  return entry
}

function keyOf({ host, port }: HostPort): string {
  return `${host} ${port}`
}
