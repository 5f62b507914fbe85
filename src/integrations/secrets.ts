import { isSealed, type Sealer } from '../platform/sealing.ts'
import { MASKED } from '../sources/sources.ts'
import { isCredentialName } from './credential-names.ts'

const CREDENTIALS: ReadonlySet<string> = new Set(['secret', 'password', 'token', 'value'])

/**
 * Where definitions, the requests of their nodes, and destinations carry secrets, and under which names, at any depth;
 * elsewhere `value` and the like are ordinary words. Headers and addresses may carry some too, written there by hand.
 */
const SECRET_PLACES: ReadonlyMap<string, ReadonlySet<string>> = new Map([
  ['proof', CREDENTIALS],
  ['auth', CREDENTIALS],
  ['clientCertificate', new Set(['key', 'passphrase'])],
])

export { MASKED }

type Config = Record<string, unknown>

/** Seals the secrets of a definition or destination config for the database. */
export function sealSecrets<T extends object>(config: T, sealer: Sealer, identity: string): T {
  return mapSecrets(config, (secret) => sealer.seal(secret, identity))
}

/** Opens them for use. */
export function openSecrets<T extends object>(config: T, sealer: Sealer, identity: string): T {
  return mapSecrets(config, (secret) => (isSealed(secret) ? sealer.open(secret, identity) : secret))
}

/** Hides them from every reader. */
export function maskSecrets<T extends object>(config: T): T {
  return mapSecrets(config, () => MASKED)
}

/**
 * Puts back the secrets that a change gave as they were shown, masked. In a list a secret is known by its `id`, so
 * that one can be taken out or put before another. What has no secret before it, or one that went to another server,
 * stays masked: nobody has a secret sent to an address of his without knowing it.
 */
export function keepMaskedSecrets<T extends object>(change: T, before: object): T {
  const known = new Map<string, string>()
  mapSecrets(before, (secret, place) => {
    known.set(place, secret)
    return secret
  })
  return mapSecrets(change, (secret, place) => (secret === MASKED ? (known.get(place) ?? MASKED) : secret))
}

/** The places of secrets that are masked and nothing else, as `proof.secrets.0.secret`. */
export function placesOfMasked(config: object): string[] {
  const places: string[] = []
  mapSecrets(config, (secret, _place, path) => {
    if (secret === MASKED) places.push(path)
    return secret
  })
  return places
}

type Change = (secret: string, place: string, path: string) => string

function mapSecrets<T extends object>(config: T, change: Change): T {
  return mapPlaces(config as Config, '', '', change) as T
}

/** The secrets that stand in headers and in the address, put there by hand under names that tell so. */
export function handWrittenSecrets({ headers, url }: { headers: object; url: string }): string[] {
  const found: string[] = []
  mapPlaces({ headers, url }, '', '', (secret) => {
    found.push(secret)
    return secret
  })
  return found
}

function mapPlaces(config: Config, within: string, path: string, change: Change): Config {
  const place = within + serversOf(config)
  const entries = Object.entries(config).map(([key, held]) => {
    const names = SECRET_PLACES.get(key)
    if (names) return [key, mapHeld(held, names, place + key, path + key, change)]
    if (key === 'nodes' && Array.isArray(held)) return [key, mapNodes(held, place + key, path + key, change)]
    if (key === 'headers' && isConfig(held)) return [key, mapHeaders(held, place + key, path + key, change)]
    if (key === 'url' && typeof held === 'string')
      return [key, mapAddress(held, place + key, path + key, change)]
    return [key, held]
  })
  return Object.fromEntries(entries)
}

/** Where the secrets of a request or of another kind of destination go, and whether they go there encrypted. */
function serversOf({ url, auth, host, port, tls }: Config): string {
  const tokenUrl = isConfig(auth) ? auth.tokenUrl : undefined
  return [originOf(url), originOf(tokenUrl), host, port, tls].map((part) => `${part ?? ''} `).join('')
}

/** Paths and queries may hold fields, which are no URL. */
function originOf(url: unknown): string | undefined {
  const start = typeof url === 'string' ? /^[^:/?]+:\/\/[^/?]*/.exec(url)?.[0] : undefined
  return start === undefined ? undefined : URL.parse(start)?.origin
}

function mapHeaders(headers: Config, place: string, path: string, change: Change): Config {
  const entries = Object.entries(headers).map(([name, value]) => [
    name,
    typeof value === 'string' && isHandWritten(name, value)
      ? change(value, `${place}.${name}`, `${path}.${name}`)
      : value,
  ])
  return Object.fromEntries(entries)
}

/** Each parameter of the query by itself; the rest of the address stays readable. */
function mapAddress(url: string, place: string, path: string, change: Change): string {
  const at = url.indexOf('?')
  if (at === -1) return url
  const seen = new Map<string, number>()
  const changed = url
    .slice(at + 1)
    .split('&')
    .map((pair) => {
      const [name = '', ...rest] = pair.split('=')
      const value = rest.join('=')
      if (!isHandWritten(plainName(name), value)) return pair
      const number = (seen.get(name) ?? 0) + 1
      seen.set(name, number)
      return `${name}=${change(value, `${place}?${name}.${number}`, path)}`
    })
  return `${url.slice(0, at + 1)}${changed.join('&')}`
}

/** `%74oken` is read as `token` by whoever receives it. */
function plainName(name: string): string {
  try {
    return decodeURIComponent(name)
  } catch {
    return name
  }
}

/** What a template takes from an item is no secret of the operator. */
function isHandWritten(name: string, value: string): boolean {
  return value !== '' && !value.includes('{{') && !value.includes('{%') && isCredentialName(name)
}

/** A node that calls out carries its credentials in its request, which is laid out as a destination is. */
function mapNodes(nodes: unknown[], place: string, path: string, change: Change): unknown[] {
  return nodes.map((node, index) => {
    if (!isConfig(node) || !isConfig(node.request)) return node
    const [nodePlace, nodePath] = [`${place}.${idOf(node) ?? index}`, `${path}.${index}`]
    const request = mapPlaces(node.request, `${nodePlace}.request.`, `${nodePath}.request.`, change)
    return { ...node, request }
  })
}

/** `place` names the servers, and list elements by their id where they have one, `path` by their position. */
function mapHeld(
  held: unknown,
  names: ReadonlySet<string>,
  place: string,
  path: string,
  change: Change,
): unknown {
  if (Array.isArray(held)) {
    return held.map((element, index) =>
      mapHeld(element, names, `${place}.${idOf(element) ?? index}`, `${path}.${index}`, change),
    )
  }
  if (!isConfig(held)) return held
  const entries = Object.entries(held).map(([key, value]) => [
    key,
    names.has(key) && typeof value === 'string'
      ? change(value, `${place}.${key}`, `${path}.${key}`)
      : mapHeld(value, names, `${place}.${key}`, `${path}.${key}`, change),
  ])
  return Object.fromEntries(entries)
}

function idOf(element: unknown): string | undefined {
  const id = isConfig(element) ? element.id : undefined
  return typeof id === 'string' ? `#${id}` : undefined
}

function isConfig(value: unknown): value is Config {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
