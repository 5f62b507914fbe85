import { readFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { type EdgeOptions, type ProxyTrust, parseTrustedProxies } from '../edge/edge.ts'
import { type Allowlist, parseAllowlist, readDomainName } from '../integrations/integrations.ts'
import { type HostPort, parseHostPort } from '../outbound/outbound.ts'
import { type RedisAddress, readRedisAddress } from '../platform/redis-address.ts'
import { LARGEST_BODY_BYTES, type Settings, SettingsError } from '../platform/settings.ts'
import { readTls, type TlsFiles } from './tls-files.ts'

/** The settings whose meaning only the rooms know, read and checked. */
export interface CheckedSettings {
  allowlist: Allowlist
  trust: ProxyTrust
  certificates: EdgeOptions['certificates']
  /** Undefined when HTTP is spoken. */
  tls: TlsFiles | undefined
  /** In ASCII and lower case, without a dot at its end; empty when there is none. */
  baseDomain: string
  outboundAllowed: HostPort[]
  redis: RedisAddress | undefined
  warnings: string[]
}

/** @throws SettingsError naming everything that is wrong. */
export function checkSettings(settings: Settings): CheckedSettings {
  const problems: string[] = []
  const warnings: string[] = []
  const allowed = parseAllowlist(settings.RETRIEVE_ALLOWED_LIST)
  if ('errors' in allowed) problems.push(...allowed.errors.map((error) => `RETRIEVE_ALLOWED_LIST: ${error}`))
  else warnings.push(...allowed.warnings.map((warning) => `RETRIEVE_ALLOWED_LIST: ${warning}`))
  const proxies = parseTrustedProxies(settings.TRUSTED_PROXIES)
  if ('errors' in proxies) problems.push(...proxies.errors.map((error) => `TRUSTED_PROXIES: ${error}`))
  else warnings.push(...proxies.warnings.map((warning) => `TRUSTED_PROXIES: ${warning}`))
  const outbound = settings.OUTBOUND_ALLOWED.map(parseHostPort)
  for (const read of outbound) if (typeof read === 'string') problems.push(`OUTBOUND_ALLOWED: ${read}`)
  const redis = settings.REDIS_URL === '' ? undefined : readRedisAddress(settings.REDIS_URL)
  if (redis && !redis.ok) problems.push(`REDIS_URL: ${redis.problem}`)
  problems.push(...resolverProblems(settings.DNS_SERVERS))
  const tls = readTls(settings, (path) => readFileSync(path, 'utf8'), new Date())
  if ('problems' in tls) problems.push(...tls.problems)
  else warnings.push(...tls.warnings)
  problems.push(...certificateHeaderProblems(settings))
  const base = settings.BASE_DOMAIN === '' ? { domain: '' } : readDomainName(settings.BASE_DOMAIN)
  if ('fault' in base)
    problems.push(
      `BASE_DOMAIN: "${settings.BASE_DOMAIN}" is no domain; write it as hooks.example.com, without scheme, port and path`,
    )
  warnings.push(...memoryWarnings(settings))
  if (problems.length > 0) throw new SettingsError(problems)
  const trusted = 'proxies' in proxies ? proxies.proxies : []
  return {
    allowlist: 'allowlist' in allowed ? allowed.allowlist : { everyone: false, networks: [], domains: [] },
    trust: {
      proxies: trusted,
      forwardedHeader: settings.FORWARDED_HEADER as ProxyTrust['forwardedHeader'],
    },
    certificates: { proxies: trusted, header: settings.CLIENT_CERT_HEADER.toLowerCase() },
    tls: 'files' in tls ? tls.files : undefined,
    baseDomain: 'domain' in base ? base.domain : '',
    outboundAllowed: outbound.filter((read) => typeof read !== 'string'),
    redis: redis?.ok ? redis.address : undefined,
    warnings,
  }
}

function resolverProblems(servers: string[]): string[] {
  return servers
    .filter((server) => isIP(server) === 0 && !/^([0-9.]+|\[[0-9a-fA-F:]+\]):[0-9]{1,5}$/.test(server))
    .map((server) => `DNS_SERVERS: "${server}" is no IP address (with :port at most)`)
}

function certificateHeaderProblems({ CLIENT_CERT_HEADER, TRUSTED_PROXIES }: Settings): string[] {
  if (CLIENT_CERT_HEADER === '') return []
  if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(CLIENT_CERT_HEADER))
    return [`CLIENT_CERT_HEADER: "${CLIENT_CERT_HEADER}" is no name of a header`]
  return TRUSTED_PROXIES.length > 0
    ? []
    : ['CLIENT_CERT_HEADER needs TRUSTED_PROXIES: from nobody else is it believed']
}

/** An integration may allow as much as the settings could, whatever they do. */
function memoryWarnings({ COMPRESSED_BYTES_MAX, PENDING_BYTES_MAX }: Settings): string[] {
  if (PENDING_BYTES_MAX >= LARGEST_BODY_BYTES + COMPRESSED_BYTES_MAX) return []
  return [
    `PENDING_BYTES_MAX: an integration may allow bodies of ${LARGEST_BODY_BYTES} bytes, and what is larger than ${PENDING_BYTES_MAX} ` +
      `(compressed: together with what it becomes) is answered 503 whenever it comes`,
  ]
}
