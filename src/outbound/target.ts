import { isIP } from 'node:net'

/** Where a request goes, read by the same parser that every later step believes. */
export interface Target {
  protocol: 'http:' | 'https:'
  /** Lower case, without brackets or a trailing dot; odd spellings of addresses are already resolved. */
  host: string
  port: number
  /** `https://host:port` for the connection. */
  origin: string
  /** Path and query. */
  path: string
  /** True when the host is an address and there is nothing to look up. */
  literal: boolean
}

const URL_LENGTH_MAX = 16_384
const HOST_LENGTH_MAX = 253

/**
 * Reads an absolute http(s) URL. The WHATWG parser turns decimal, octal, hexadecimal and short IPv4, full-width
 * digits and IDN into their plain form first, so what is checked later is what is connected to.
 *
 * @returns the target, or a sentence that says what is wrong (without the URL: it may hold secrets).
 */
export function readTarget(text: string): Target | string {
  if (text.length > URL_LENGTH_MAX) return `the URL is longer than ${URL_LENGTH_MAX} characters`
  // The parser silently drops tabs and newlines, and would so call another address than the one that was written.
  if (/[\u0000-\u0020\u007f]/.test(text)) return 'the URL contains a space or a control character'
  if (!URL.canParse(text)) return 'the URL cannot be read'
  const url = new URL(text)
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return `${url.protocol} is not http: or https:`
  if (url.username !== '' || url.password !== '') return 'the URL contains a user name or password'
  const host = canonicalHost(url.hostname)
  if (host === undefined) return 'the host name is not valid'
  const port = Number(url.port || (url.protocol === 'https:' ? 443 : 80))
  if (port === 0) return 'port 0 cannot be called'
  const origin = `${url.protocol}//${host.includes(':') ? `[${host}]` : host}:${port}`
  return {
    protocol: url.protocol,
    host,
    port,
    origin,
    path: url.pathname + url.search,
    literal: isIP(host) !== 0,
  }
}

/** The one spelling of a host as it is written without a scheme and, for IPv6, without brackets; undefined for none. */
export function readHost(text: string): string | undefined {
  const target = readTarget(`http://${text.includes(':') ? `[${text}]` : text}/`)
  return typeof target === 'string' || target.port !== 80 || target.path !== '/' ? undefined : target.host
}

/** The one spelling of a host name as the URL parser gives it; undefined when no name can look like that. */
export function canonicalHost(hostname: string): string | undefined {
  const bare = hostname.startsWith('[') ? hostname.slice(1, -1) : hostname.replace(/\.$/, '')
  if (bare === '' || bare.length > HOST_LENGTH_MAX) return undefined
  return bare.split('.').includes('') ? undefined : bare.toLowerCase()
}
