/** Where Redis is, read from a setting. Several hosts form a Sentinel group or a Cluster. */
export interface RedisAddress {
  kind: 'single' | 'sentinel' | 'cluster'
  hosts: { host: string; port: number }[]
  tls: boolean
  /** The group that the sentinels watch; empty for the other kinds. */
  masterName: string
  db: number
  username: string | undefined
  password: string | undefined
  sentinelUsername: string | undefined
  sentinelPassword: string | undefined
}

export type RedisAddressReading = { ok: true; address: RedisAddress } | { ok: false; problem: string }

const FORMS =
  'redis://[user:password@]host[:port][/db], redis+sentinel://host,host/master[/db] or ' +
  'redis+cluster://host,host (rediss… for TLS)'

/**
 * Reads one of
 * - `redis://[user:password@]host[:6379][/db]`
 * - `redis+sentinel://[user:password@]host[:26379],host…/masterName[/db]`, and for sentinels that ask for a
 *   password themselves `?sentinelUsername=…&sentinelPassword=…`
 * - `redis+cluster://[user:password@]host[:6379],host…`
 *
 * each with `rediss` instead of `redis` for TLS. Names and passwords are percent-encoded. The problem of a wrong
 * address never contains a password.
 */
export function readRedisAddress(text: string): RedisAddressReading {
  const parts = /^(rediss?)(?:\+(sentinel|cluster))?:\/\/([^/?#]*)(\/[^?#]*)?(?:\?([^#]*))?$/.exec(
    text.trim(),
  )
  if (!parts) return problem(`must look like ${FORMS}; characters such as / ? # in a password as %2F %3F %23`)
  const [, scheme, form, authority = '', path = '', query = ''] = parts
  const kind = form === 'sentinel' || form === 'cluster' ? form : 'single'
  try {
    const at = authority.lastIndexOf('@')
    return {
      ok: true,
      address: {
        kind,
        tls: scheme === 'rediss',
        hosts: readHosts(authority.slice(at + 1), kind),
        ...readPath(path, kind),
        ...readLogin(at === -1 ? '' : authority.slice(0, at)),
        ...readQuery(query, kind),
      },
    }
  } catch (error) {
    if (error instanceof AddressProblem) return problem(error.message)
    throw error
  }
}

/** The address for people: `***` stands for every password. */
export function describeRedisAddress(address: RedisAddress): string {
  const scheme = `${address.tls ? 'rediss' : 'redis'}${address.kind === 'single' ? '' : `+${address.kind}`}`
  const login = address.password === undefined ? '' : `${address.username ?? ''}:***@`
  const hosts = address.hosts.map(({ host, port }) => `${host.includes(':') ? `[${host}]` : host}:${port}`)
  const master = address.kind === 'sentinel' ? `/${address.masterName}` : ''
  const db = address.kind === 'cluster' ? '' : `/${address.db}`
  return `${scheme}://${login}${hosts.join(',')}${master}${db}`
}

class AddressProblem extends Error {}

function problem(sentence: string): RedisAddressReading {
  return { ok: false, problem: `REDIS_URL ${sentence}` }
}

function readHosts(text: string, kind: RedisAddress['kind']): RedisAddress['hosts'] {
  const entries = text.split(',')
  if (kind === 'single' && entries.length > 1) {
    throw new AddressProblem(
      'names several hosts: say which kind they are with redis+sentinel:// or redis+cluster://',
    )
  }
  return entries.map((entry) => {
    const match = /^(?:\[([0-9a-f:.]+)\]|([a-z0-9._-]+))(?::([0-9]{1,5}))?$/i.exec(entry)
    const host = match?.[1] ?? match?.[2]
    const port = Number(match?.[3] ?? (kind === 'sentinel' ? 26_379 : 6_379))
    if (host === undefined) throw new AddressProblem(`has a host that cannot be read; expected ${FORMS}`)
    if (port < 1 || port > 65_535) throw new AddressProblem(`has a port out of range for host ${host}`)
    return { host, port }
  })
}

function readPath(path: string, kind: RedisAddress['kind']): { masterName: string; db: number } {
  const segments = path.split('/').filter((segment) => segment !== '')
  const masterName = kind === 'sentinel' ? decode(segments.shift() ?? '', 'master name') : ''
  if (kind === 'sentinel' && masterName === '') {
    throw new AddressProblem(
      'needs the name of the master the sentinels watch: redis+sentinel://host,host/mymaster',
    )
  }
  const [db = '0', ...rest] = segments
  if (rest.length > 0 || !/^[0-9]{1,5}$/.test(db)) throw new AddressProblem('must end in a database number')
  if (kind === 'cluster' && db !== '0') throw new AddressProblem('names a database, but a Cluster has only 0')
  return { masterName, db: Number(db) }
}

function readLogin(login: string): { username: string | undefined; password: string | undefined } {
  if (login === '') return { username: undefined, password: undefined }
  const colon = login.indexOf(':')
  if (colon === -1) {
    throw new AddressProblem('has a user without a password; a password alone is written :password@')
  }
  const username = decode(login.slice(0, colon), 'user name')
  return {
    username: username || undefined,
    password: decode(login.slice(colon + 1), 'password') || undefined,
  }
}

function readQuery(query: string, kind: RedisAddress['kind']) {
  const found: { sentinelUsername: string | undefined; sentinelPassword: string | undefined } = {
    sentinelUsername: undefined,
    sentinelPassword: undefined,
  }
  for (const pair of query.split('&').filter((entry) => entry !== '')) {
    const equals = pair.indexOf('=')
    const name = equals === -1 ? pair : pair.slice(0, equals)
    if (kind !== 'sentinel' || (name !== 'sentinelUsername' && name !== 'sentinelPassword')) {
      throw new AddressProblem(
        'has an option that is not known; only sentinelUsername and sentinelPassword with redis+sentinel://',
      )
    }
    found[name] = decode(pair.slice(equals + 1), name)
  }
  return found
}

function decode(text: string, what: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw new AddressProblem(`has a ${what} that is not percent-encoded correctly (a % itself is %25)`)
  }
}
