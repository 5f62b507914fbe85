import type { Health, PartHealth } from '../admin/admin.ts'
import { type Alerts, CONDITION_NAMES } from '../alerts/alerts.ts'
import type { Keeper } from '../edge/edge.ts'
import type { Integrations } from '../integrations/integrations.ts'
import type { Ledger } from '../ledger/ledger.ts'
import type { Metrics } from '../platform/metrics.ts'
import type { Sql } from '../platform/postgres.ts'
import { within } from '../platform/time-limit.ts'
import type { Queue } from '../queue/queue.ts'
import { journalHealth, measureJournal } from './journal-health.ts'
import type { Leaving } from './leaving.ts'

export interface HealthOptions {
  sql: Sql
  ledger: Ledger
  queue: Queue
  integrations: Integrations
  alerts: Pick<Alerts, 'countOpenIncidents'>
  /** Undefined in a worker. */
  keeper: Pick<Keeper, 'standing'> | undefined
  leaving: Pick<Leaving, 'hasBegun'>
  metrics: Metrics
}

const ANSWER_WITHIN_MS = 1_000
/** Where a request is ended for it: longer than a machine stalls. */
const DATABASE_WITHIN_MS = 3_000
const STOPPING: PartHealth = { status: 'down', detail: 'it is about to stop' }

/** Asks each part; one that does not answer in a second is not well. */
export function createHealth(options: HealthOptions): Health {
  const { sql, ledger, queue, integrations, alerts, keeper, leaving, metrics } = options
  return {
    async parts() {
      const standing = keeper?.standing()
      const [database, jobs] = await Promise.all([
        // Without the database acks go on, as long as the journal takes them.
        probe(sql`SELECT 1`, standing?.depth && standing.problem === null ? 'degraded' : 'down'),
        // Without the queue acks go on, and the sweeper brings the work back.
        probe(askQueue(queue), 'degraded'),
      ])
      return {
        database,
        queue: jobs,
        definitions: definitionsHealth(integrations),
        ...(standing && { journal: journalHealth(standing) }),
        ...(leaving.hasBegun() && { process: STOPPING }),
      }
    },
    async askDatabase() {
      await within(DATABASE_WITHIN_MS, sql`SELECT 1`)
    },
    async measure() {
      if (keeper) measureJournal(keeper.standing(), metrics)
      metrics.pendingBytes.set(ledger.pendingBytes())
      // What cannot be asked now is left out: the numbers of before would say that nothing waits, for as long as nobody knows.
      const counts = await within(ANSWER_WITHIN_MS, queue.counts()).catch(() => undefined)
      metrics.queueJobs.reset()
      for (const state of ['waiting', 'delayed', 'active'] as const) {
        if (counts) metrics.queueJobs.set({ state }, counts[state])
      }
      const oldest = await within(ANSWER_WITHIN_MS, ledger.oldestWaiting()).catch(() => undefined)
      metrics.oldestWaitingSeconds.reset()
      if (oldest) {
        metrics.oldestWaitingSeconds.set({ kind: 'run' }, oldest.runSeconds)
        metrics.oldestWaitingSeconds.set({ kind: 'delivery' }, oldest.deliverySeconds)
      }
      const open = await within(ANSWER_WITHIN_MS, alerts.countOpenIncidents()).catch(() => undefined)
      metrics.incidentsOpen.reset()
      for (const condition of CONDITION_NAMES) {
        if (open) metrics.incidentsOpen.set({ condition }, open.get(condition) ?? 0)
      }
    },
  }
}

/** A Redis that takes no writes can be counted in all the same. */
async function askQueue(queue: Queue): Promise<void> {
  const trouble = queue.trouble()
  if (trouble) throw new Error(trouble.reason)
  await queue.counts()
}

async function probe(question: PromiseLike<unknown>, otherwise: PartHealth['status']): Promise<PartHealth> {
  try {
    await within(ANSWER_WITHIN_MS, question)
    return { status: 'up' }
  } catch (error) {
    return { status: otherwise, detail: (error as Error).message }
  }
}

function definitionsHealth(integrations: Integrations): PartHealth {
  if (!integrations.areCopied()) return { status: 'up' }
  return { status: 'degraded', detail: `a local copy of ${integrations.loadedAt().toISOString()}` }
}
