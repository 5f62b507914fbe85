import { type Alerts, createAlerts } from '../alerts/alerts.ts'
import { createOutbound, type HostPort } from '../outbound/outbound.ts'
import type { Log } from '../platform/log.ts'
import type { Settings } from '../platform/settings.ts'
import type { Closers } from './closers.ts'
import type { Foundations } from './foundations.ts'
import type { Storage } from './storage.ts'

/** Over a way out of its own, so that pushes that hang take no place from alerts. */
export function openAlerts(
  settings: Settings,
  allowed: HostPort[],
  { sql }: Storage,
  { sealer, ledger, integrations }: Foundations,
  log: Log,
  closers: Closers,
): Alerts {
  const outbound = closers.add(createOutbound({ allowed, log }), (opened) => opened.close())
  return createAlerts({
    sql,
    sealer,
    ledger,
    integrations,
    outbound,
    calmMs: settings.ALERT_CALM_SECONDS * 1_000,
    retryMs: settings.ALERT_SECONDS * 1_000,
    now: () => new Date(),
    log,
  })
}
