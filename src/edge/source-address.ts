/** Who is calling: the socket's address, or the one that a trusted proxy vouches for. */
import {
  type Address,
  type Cidr,
  cidrContains,
  readAddress,
  readNetwork,
} from '../integrations/integrations.ts'
import { entriesFromRight, type ForwardedHeader } from './forwarded-header.ts'

export interface AddressEvidence {
  /** `socket.remoteAddress`; a socket that is already gone has none. */
  socketAddress: string | undefined
  /** A header by its lower-case name; several lines as Node joins them, or as a list in their order. */
  header(name: string): string | readonly string[] | undefined
}

export interface ProxyTrust {
  proxies: readonly Cidr[]
  forwardedHeader: ForwardedHeader
}

/** `forwarded` says that the address comes from the header. `malformed` is a reason for the log. */
export type SourceAddress = { address: string; forwarded: boolean } | { malformed: string }

export type ProxyList = { proxies: Cidr[]; warnings: string[] } | { errors: string[] }

/**
 * The canonical address of the sender. Never throws.
 *
 * From a trusted proxy's socket the one configured header is walked from the right past trusted proxies; the first
 * other address is the source, and when all are trusted the leftmost. An entry at that place that names no address
 * is malformed and the request must be refused: the next entry to the left is whatever the sender typed. Without
 * the header the source is the proxy itself.
 */
export function sourceAddress(evidence: AddressEvidence, trust: ProxyTrust): SourceAddress {
  const socket = readAddress(evidence.socketAddress ?? '')
  if (!socket) return { malformed: 'the socket has no address' }
  if (!isTrusted(socket, trust.proxies)) return { address: socket.text, forwarded: false }
  const header = evidence.header(trust.forwardedHeader)
  const value = typeof header === 'object' ? header.join(',') : header
  if (value === undefined) return { address: socket.text, forwarded: false }
  return firstUntrusted(value, trust)
}

/**
 * Reads TRUSTED_PROXIES: addresses and CIDRs. Each error and warning names its entry. A prefix of 0 is refused,
 * because then every caller could write his own address.
 */
export function parseTrustedProxies(entries: readonly string[]): ProxyList {
  const proxies: Cidr[] = []
  const warnings: string[] = []
  const errors: string[] = []
  for (const entry of entries) {
    const reading = readNetwork(entry)
    if ('problem' in reading) errors.push(`${JSON.stringify(entry)} ${reading.problem}`)
    else if (reading.cidr.prefixBits === 0) errors.push(`${JSON.stringify(entry)} would trust everybody`)
    else proxies.push(reading.cidr)
    if ('cidr' in reading && reading.masked)
      warnings.push(`${JSON.stringify(entry)} has bits beyond its prefix; read as ${reading.cidr.text}`)
  }
  return errors.length > 0 ? { errors } : { proxies, warnings }
}

/** Whether a socket of this address belongs to a trusted proxy. */
export function isTrustedProxy(socketAddress: string | undefined, proxies: readonly Cidr[]): boolean {
  const socket = readAddress(socketAddress ?? '')
  return socket !== undefined && isTrusted(socket, proxies)
}

function firstUntrusted(value: string, trust: ProxyTrust): SourceAddress {
  let leftmost: SourceAddress = { malformed: `${trust.forwardedHeader} is empty` }
  for (const entry of entriesFromRight(trust.forwardedHeader, value)) {
    if ('problem' in entry) return { malformed: entry.problem }
    leftmost = { address: entry.text, forwarded: true }
    if (!isTrusted(entry, trust.proxies)) break
  }
  return leftmost
}

function isTrusted(address: Address, proxies: readonly Cidr[]): boolean {
  return proxies.some((proxy) => cidrContains(proxy, address))
}
