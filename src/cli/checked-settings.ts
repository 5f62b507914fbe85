import { isIP } from 'node:net'
import { type ProxyTrust, parseTrustedProxies } from '../edge/edge.ts'
import { type Allowlist, parseAllowlist } from '../integrations/integrations.ts'
import { type HostPort, parseHostPort } from '../outbound/outbound.ts'
import { type RedisAddress, readRedisAddress } from '../platform/redis-address.ts'
import { type Settings, SettingsError } from '../platform/settings.ts'

/** The settings whose meaning only the rooms know, read and checked. */
export interface CheckedSettings {
  allowlist: Allowlist
  trust: ProxyTrust
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
  if (problems.length > 0) throw new SettingsError(problems)
  return {
    allowlist: 'allowlist' in allowed ? allowed.allowlist : { everyone: false, networks: [], domains: [] },
    trust: {
      proxies: 'proxies' in proxies ? proxies.proxies : [],
      forwardedHeader: settings.FORWARDED_HEADER as ProxyTrust['forwardedHeader'],
    },
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
