import { isIP } from 'node:net'
import ipaddr from 'ipaddr.js'

/**
 * What an address may be used for.
 *
 * - `public`: may always be called.
 * - `inside`: private, loopback, unique-local or carrier-grade NAT. May be called through a *name* that the
 *   operator allowed, or as an address that the operator allowed.
 * - `never`: metadata services, link-local, multicast, reserved, embedded and every other special range. No name
 *   leads there; only that very address, written out by the operator, does.
 */
export interface AddressRange {
  use: 'public' | 'inside' | 'never'
  name: string
}

const INSIDE = new Set(['private', 'loopback', 'uniqueLocal', 'carrierGradeNat'])

/** Metadata and host services of clouds that lie in ranges which look harmless or merely private. */
const CLOUD_SERVICES = new Set([
  '168.63.129.16', // Azure wire server: public space, answers inside only
  '100.100.100.200', // Alibaba Cloud metadata
  'fd00:ec2::254', // AWS metadata
  'fd00:ec2::23', // AWS container credentials
  'fd20:ce::254', // Google Cloud metadata
  'fd00:42::42', // Scaleway metadata
])

/** The range of an address as a resolver or the URL parser writes it. Anything else is `never`. */
export function addressRange(text: string): AddressRange {
  // isIP accepts a zone id (`fe80::1%eth0`), which chooses a network interface and never leads to a public host.
  if (isIP(text) === 0 || text.includes('%')) return { use: 'never', name: 'malformed' }
  const address = ipaddr.parse(text)
  if (CLOUD_SERVICES.has(address.toString())) return { use: 'never', name: 'cloudService' }
  return address instanceof ipaddr.IPv6 ? rangeOfIPv6(address) : rangeOfIPv4(address)
}

function rangeOfIPv4(address: ipaddr.IPv4): AddressRange {
  const name = address.range()
  if (name === 'unicast') return { use: 'public', name }
  return { use: INSIDE.has(name) ? 'inside' : 'never', name }
}

function rangeOfIPv6(address: ipaddr.IPv6): AddressRange {
  const name = address.range()
  if (INSIDE.has(name)) return { use: 'inside', name }
  if (name === 'rfc6052') return rangeOfNat64(address)
  const [first = 0] = address.parts
  // Only 2000::/3 is assigned as global unicast; this also refuses the IPv4-compatible ::/96.
  if (name !== 'unicast' || first >> 13 !== 1)
    return { use: 'never', name: name === 'unicast' ? 'unassigned' : name }
  if (isIsatap(address) && rangeOfIPv4(lastIPv4(address)).use !== 'public')
    return { use: 'never', name: 'isatap' }
  return { use: 'public', name }
}

/** Hosts without IPv4 reach public IPv4 through 64:ff9b::/96, so it is as good as the address it carries. */
function rangeOfNat64(address: ipaddr.IPv6): AddressRange {
  const wellKnownPrefix = address.parts[2] === 0
  const carried = rangeOfIPv4(lastIPv4(address))
  const usable =
    wellKnownPrefix && carried.use === 'public' && !CLOUD_SERVICES.has(lastIPv4(address).toString())
  return { use: usable ? 'public' : 'never', name: 'nat64' }
}

/** RFC 5214: an interface id of `[02]00:5efe:<IPv4>` tunnels to that IPv4 address. */
function isIsatap(address: ipaddr.IPv6): boolean {
  const [, , , , fifth = 0, sixth = 0] = address.parts
  return (fifth & ~0x0200) === 0 && sixth === 0x5efe
}

function lastIPv4(address: ipaddr.IPv6): ipaddr.IPv4 {
  return new ipaddr.IPv4(address.toByteArray().slice(12))
}
