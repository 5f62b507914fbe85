import { isTrustedProxy, type ProxyTrust } from '../edge/edge.ts'
import type { Log } from '../platform/log.ts'
import type { Metrics } from '../platform/metrics.ts'
import type { Settings } from '../platform/settings.ts'
import { type ConnectionLimits, possibleConnections } from './connection-places.ts'

/** One sender's connections may come and go for long: so often it is said that there are too many. */
const SAID_MS = 60_000

/** The limits of the settings, as far as the system allows them. */
export function connectionLimits(
  { CONNECTIONS_MAX, CONNECTIONS_PER_ADDRESS_MAX }: Settings,
  { proxies }: ProxyTrust,
  metrics: Metrics,
  log: Log,
): ConnectionLimits {
  const connectionsMax = possibleConnections(CONNECTIONS_MAX)
  if (connectionsMax < CONNECTIONS_MAX)
    log.warn({ connectionsMax }, 'the limit of open files of this process allows fewer CONNECTIONS_MAX')
  let saidAt = Number.NEGATIVE_INFINITY
  return {
    connectionsMax,
    perAddressMax: CONNECTIONS_PER_ADDRESS_MAX,
    isProxy: (address) => isTrustedProxy(address, proxies),
    onOpen: () => metrics.connections.inc(),
    onClosed: () => metrics.connections.dec(),
    onDropped: () => metrics.connectionsDropped.inc(),
    onBeyond(address) {
      if (performance.now() - saidAt < SAID_MS) return
      saidAt = performance.now()
      log.warn(
        { sourceIp: address, connectionsMax: CONNECTIONS_PER_ADDRESS_MAX },
        'an address has too many connections; if it is your proxy, name it in TRUSTED_PROXIES',
      )
    },
  }
}
