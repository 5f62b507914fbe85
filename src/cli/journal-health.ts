import type { PartHealth } from '../admin/admin.ts'
import type { KeeperStanding } from '../edge/edge.ts'
import type { Metrics } from '../platform/metrics.ts'

/** How the journal is; it is never more than degraded, because the ledger is the usual place. */
export function journalHealth({ away, problem, depth }: KeeperStanding): PartHealth {
  const faults = [
    ...(away ? [`requests are kept here since ${away.since.toISOString()}: ${away.reason}`] : []),
    ...(depth && depth.records > 0 ? [waitingIn(depth)] : []),
    ...(problem === null ? [] : [problem]),
    ...(depth && depth.setAside > 0 ? [`${depth.setAside} requests were set aside`] : []),
    ...(depth && depth.damaged > 0 ? [`${depth.damaged} files hold what cannot be read`] : []),
  ]
  return faults.length === 0 ? { status: 'up' } : { status: 'degraded', detail: faults.join('; ') }
}

function waitingIn({ records, bytes, oldestAgeMs }: NonNullable<KeeperStanding['depth']>): string {
  return `${records} requests of ${bytes} bytes wait for the ledger, the oldest for ${Math.round((oldestAgeMs ?? 0) / 1_000)} s`
}

export function measureJournal({ depth }: KeeperStanding, metrics: Metrics): void {
  metrics.journalRecords.set(depth?.records ?? 0)
  metrics.journalBytes.set(depth?.bytes ?? 0)
  metrics.journalOldestSeconds.set((depth?.oldestAgeMs ?? 0) / 1_000)
  metrics.journalSetAside.set(depth?.setAside ?? 0)
}
