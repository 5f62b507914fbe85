import type { Health, PartHealth } from '../admin/admin.ts'
import { type Alerts, CONDITION_NAMES } from '../alerts/alerts.ts'
import type { Integrations } from '../integrations/integrations.ts'
import type { Ledger } from '../ledger/ledger.ts'
import type { Metrics } from '../platform/metrics.ts'
import type { Sql } from '../platform/postgres.ts'
import type { Queue } from '../queue/queue.ts'

export interface HealthOptions {
  sql: Sql
  ledger: Ledger
  queue: Queue
  integrations: Integrations
  alerts: Pick<Alerts, 'countOpenIncidents'>
  metrics: Metrics
}

const ANSWER_WITHIN_MS = 1_000

/** Asks each part; one that does not answer in a second is not well. */
export function createHealth({ sql, ledger, queue, integrations, alerts, metrics }: HealthOptions): Health {
  return {
    async parts() {
      const [database, jobs] = await Promise.all([
        probe(sql`SELECT 1`, 'down'),
        // Without the queue acks go on, and the sweeper brings the work back.
        probe(queue.counts(), 'degraded'),
      ])
      const definitions: PartHealth = { status: integrations.loadedAt() === undefined ? 'down' : 'up' }
      return { database, queue: jobs, definitions }
    },
    async measure() {
      metrics.pendingBytes.set(ledger.pendingBytes())
      const counts = await within(queue.counts()).catch(() => undefined)
      for (const state of ['waiting', 'delayed', 'active'] as const) {
        if (counts) metrics.queueJobs.set({ state }, counts[state])
      }
      const oldest = await within(ledger.oldestWaiting()).catch(() => undefined)
      if (oldest) {
        metrics.oldestWaitingSeconds.set({ kind: 'run' }, oldest.runSeconds)
        metrics.oldestWaitingSeconds.set({ kind: 'delivery' }, oldest.deliverySeconds)
      }
      const open = await within(alerts.countOpenIncidents()).catch(() => undefined)
      for (const condition of CONDITION_NAMES) {
        if (open) metrics.incidentsOpen.set({ condition }, open.get(condition) ?? 0)
      }
    },
  }
}

async function probe(question: PromiseLike<unknown>, otherwise: PartHealth['status']): Promise<PartHealth> {
  try {
    await within(question)
    return { status: 'up' }
  } catch (error) {
    return { status: otherwise, detail: (error as Error).message }
  }
}

async function within<T>(question: PromiseLike<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`no answer within ${ANSWER_WITHIN_MS} ms`)), ANSWER_WITHIN_MS)
  })
  try {
    return await Promise.race([question, late])
  } finally {
    clearTimeout(timer)
  }
}
