/** Addresses and networks in one canonical form, so that the same host never has two spellings. */
import { isIPv4, isIPv6 } from 'node:net'
import ipaddr from 'ipaddr.js'

/**
 * `text` is canonical: a dotted quad, or RFC 5952. An IPv4-mapped IPv6 address is the IPv4 address that it stands
 * for. The zone of a scoped address is dropped: it names an interface of one machine, not the sender.
 */
export interface Address {
  text: string
  family: 4 | 6
  value: bigint
}

/** A network; `prefixValue` is the value of its addresses without their last `hostBits` bits. */
export interface Cidr {
  text: string
  family: 4 | 6
  prefixBits: number
  hostBits: bigint
  prefixValue: bigint
}

export type NetworkReading = { cidr: Cidr; masked: boolean } | { problem: string }

const ADDRESS_LENGTH_MAX = 100
const ZONE = /^[0-9A-Za-z._-]{1,64}$/
const MAPPED_PREFIX_BITS = 96

/** Reads one address strictly: no octal, hexadecimal or short IPv4 forms, no brackets, no port. */
export function readAddress(text: string): Address | undefined {
  if (text.length > ADDRESS_LENGTH_MAX) return undefined
  // ipaddr.js takes 0177.1 and the like. Node takes the canonical form alone.
  if (isIPv4(text)) return { text, family: 4, value: quadValue(text) }
  const percent = text.indexOf('%')
  if (percent >= 0 && !ZONE.test(text.slice(percent + 1))) return undefined
  const plain = percent < 0 ? text : text.slice(0, percent)
  if (!isIPv6(plain)) return undefined
  const parsed = ipaddr.IPv6.parse(withoutDottedTail(plain))
  return toAddress(parsed.isIPv4MappedAddress() ? parsed.toIPv4Address() : parsed)
}

/**
 * Reads `address` or `address/prefix`. Bits beyond the prefix are cleared, which `masked` reports. A problem is
 * worded to follow the entry: "is not …", "has a prefix …".
 */
export function readNetwork(text: string): NetworkReading {
  const slash = text.indexOf('/')
  const before = slash < 0 ? text : text.slice(0, slash)
  if (before.includes('%')) return { problem: 'names a zone, which has no meaning here' }
  const address = readAddress(before)
  if (!address) return { problem: 'is not an IPv4 address in four decimal parts and not an IPv6 address' }
  const bits = address.family === 4 ? 32 : 128
  if (slash < 0) return { cidr: toCidr(address, bits), masked: false }
  const isMapped = address.family === 4 && before.includes(':')
  const prefixBits = readPrefix(text.slice(slash + 1), isMapped)
  if (prefixBits === undefined || prefixBits < 0 || prefixBits > bits) {
    const range = isMapped ? `${MAPPED_PREFIX_BITS} to 128` : `0 to ${bits}`
    return { problem: `has a prefix that is not a number from ${range}` }
  }
  const cidr = toCidr(address, prefixBits)
  return { cidr, masked: cidr.prefixValue << cidr.hostBits !== address.value }
}

export function cidrContains(cidr: Cidr, address: Address): boolean {
  return cidr.family === address.family && address.value >> cidr.hostBits === cidr.prefixValue
}

/** ipaddr.js reads `::1.2.3.4` as if it were `::ffff:1.2.3.4`; as two groups of hex digits there is no doubt. */
function withoutDottedTail(plain: string): string {
  return plain.replace(/(\d+)\.(\d+)\.(\d+)\.(\d+)$/, (_all, ...parts: string[]) => {
    const [a = 0, b = 0, c = 0, d = 0] = parts.slice(0, 4).map(Number)
    return `${((a << 8) | b).toString(16)}:${((c << 8) | d).toString(16)}`
  })
}

function quadValue(quad: string): bigint {
  return BigInt(quad.split('.').reduce((sum, part) => sum * 256 + Number(part), 0))
}

function toAddress(parsed: ipaddr.IPv4 | ipaddr.IPv6): Address {
  const value = BigInt(`0x${Buffer.from(parsed.toByteArray()).toString('hex')}`)
  return { text: parsed.toString(), family: parsed.kind() === 'ipv4' ? 4 : 6, value }
}

function readPrefix(text: string, isMapped: boolean): number | undefined {
  if (!/^(?:0|[1-9]\d{0,2})$/.test(text)) return undefined
  return isMapped ? Number(text) - MAPPED_PREFIX_BITS : Number(text)
}

function toCidr(address: Address, prefixBits: number): Cidr {
  const hostBits = BigInt((address.family === 4 ? 32 : 128) - prefixBits)
  const prefixValue = address.value >> hostBits
  const network = addressText(prefixValue << hostBits, address.family)
  return { text: `${network}/${prefixBits}`, family: address.family, prefixBits, hostBits, prefixValue }
}

function addressText(value: bigint, family: 4 | 6): string {
  const hex = value.toString(16).padStart(family === 4 ? 8 : 32, '0')
  return ipaddr.fromByteArray([...Buffer.from(hex, 'hex')]).toString()
}
