/** One entry of an allowlist, as an operator types it. */
import { isIP } from 'node:net'
import { domainToASCII } from 'node:url'
import { type Cidr, readAddress, readNetwork } from './address.ts'

export type AllowlistEntry =
  | { kind: 'everyone' }
  | { kind: 'network'; cidr: Cidr; warning: string | undefined }
  | { kind: 'domain'; domain: string }

const DOMAIN_LENGTH_MAX = 253
// The underscore is no letter of a host name, but providers do use it in names below their domain.
const LABEL = /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/
const NUMBER_LABEL = /^(?:[0-9]+|0x[0-9a-f]*)$/
// domainToASCII would cut or decode these in silence, as in a URL.
const URL_SYNTAX = /[%/\\?#@:[\]<>^|"'\u0000-\u0020\u007f]/

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
  if (URL_SYNTAX.test(name)) return { problem: 'is neither an address nor a domain' }
  if (name.includes('*')) return { problem: 'may have "*" only by itself or as "*." before a domain' }
  const domain = domainToASCII(name.replace(/\.$/, ''))
  const labels = domain.split('.')
  const isNumber = NUMBER_LABEL.test(labels.at(-1) ?? '')
  if (isNumber || isIP(domain) > 0) return { problem: 'is an incomplete or disguised address' }
  if (domain.length > DOMAIN_LENGTH_MAX || !labels.every((label) => LABEL.test(label)))
    return { problem: 'is neither an address nor a domain' }
  // One label is a whole top-level domain: everybody under it would get in.
  if (labels.length < 2) return { problem: 'is no whole domain: it has no dot' }
  return { kind: 'domain', domain }
}
