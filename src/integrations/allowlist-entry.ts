/** One entry of an allowlist, as an operator types it. */
import { type Cidr, readAddress, readNetwork } from './address.ts'
import { readDomainName } from './domain-name.ts'

export type AllowlistEntry =
  | { kind: 'everyone' }
  | { kind: 'network'; cidr: Cidr; warning: string | undefined }
  | { kind: 'domain'; domain: string }

/** Reads an address, a CIDR, a domain (`*.` before it and a dot after it change nothing) or `*`. */
export function readAllowlistEntry(text: string): AllowlistEntry | { problem: string } {
  if (text === '*') return { kind: 'everyone' }
  if (text.includes('://')) return { problem: 'is a URL; write its domain only' }
  if (/^[0-9.]+-[0-9.]+$/.test(text)) return { problem: 'is a range; write it as CIDRs' }
  if (looksLikeNetwork(text)) return readNetworkEntry(text)
  return readDomainEntry(text)
}

function looksLikeNetwork(text: string): boolean {
  const before = text.split('/', 1)[0] ?? ''
  return readAddress(before) !== undefined || /^[0-9.]+$/.test(before) || before.split(':').length > 2
}

function readNetworkEntry(text: string): AllowlistEntry | { problem: string } {
  if (/^\[.*\]/.test(text)) return { problem: 'is to be written without brackets and port' }
  const reading = readNetwork(text)
  if ('problem' in reading) return reading
  const { cidr, masked } = reading
  if (cidr.prefixBits === 0)
    return { kind: 'network', cidr, warning: `lets in every IPv${cidr.family} address` }
  return {
    kind: 'network',
    cidr,
    warning: masked ? `has bits beyond its prefix; read as ${cidr.text}` : undefined,
  }
}

function readDomainEntry(text: string): AllowlistEntry | { problem: string } {
  if (/^[^:]+:\d*$/.test(text)) return { problem: 'is to be written without a port' }
  const name = text.replace(/^\*\./, '')
  if (name.includes('*')) return { problem: 'may have "*" only by itself or as "*." before a domain' }
  const read = readDomainName(name)
  if ('fault' in read) {
    const isNumber = read.fault === 'number'
    return {
      problem: isNumber ? 'is an incomplete or disguised address' : 'is neither an address nor a domain',
    }
  }
  // One label is a whole top-level domain: everybody under it would get in.
  if (!read.domain.includes('.')) return { problem: 'is no whole domain: it has no dot' }
  return { kind: 'domain', domain: read.domain }
}
