/** What the ledger has of a phase, read straight from its tables. */
import type { Sql } from '../../src/platform/postgres.ts'
import type { RoundPhase } from '../record.ts'
import { NUMBERS_PER_PHASE, requestOf } from '../requests.ts'

export interface KeptEvent {
  id: string
  number: number
  integrationId: string
  state: string
  reason: string | null
  duplicateOf: string | null
  latestRunId: string | null
  /** The request's bytes are those that were sent. */
  isIntact: boolean
}

export interface KeptRun {
  id: string
  eventId: string
  state: string
  reason: string | null
}

export interface KeptDelivery {
  id: string
  eventId: string
  runId: string
  state: string
  reason: string | null
}

export interface Kept {
  /** In the order of their ids, which is that in which they were received. */
  events: KeptEvent[]
  runs: KeptRun[]
  deliveries: KeptDelivery[]
}

type EventColumns = Omit<KeptEvent, 'isIntact'> & { body: Buffer | null }

const ROWS_AT_ONCE = 1_000

export async function readKept(sql: Sql, seed: number, phase: RoundPhase): Promise<Kept> {
  const integrations = Object.values(phase.integrations)
  const first = phase.index * NUMBERS_PER_PHASE
  const range = [first, first + NUMBERS_PER_PHASE - 1] as const
  const events: KeptEvent[] = []
  const cursor = sql<EventColumns[]>`
    SELECT event.id, numbered.number, event.integration_id AS "integrationId", event.state, event.reason,
           event.duplicate_of AS "duplicateOf", event.latest_run_id AS "latestRunId", numbered.body
    FROM (
      SELECT id, body, substring(path FROM 'number=([0-9]+)')::int AS number
      FROM requests WHERE outcome = 'accepted' AND integration_id = ANY (${integrations})
    ) numbered
    JOIN events event ON event.request_id = numbered.id
    WHERE numbered.number BETWEEN ${range[0]} AND ${range[1]}
    ORDER BY event.id`.cursor(ROWS_AT_ONCE)
  for await (const rows of cursor) {
    for (const { body, ...event } of rows) {
      const isIntact = body?.equals(requestOf(seed, event.number).body) === true
      events.push({ ...event, isIntact })
    }
  }
  const ids = events.map(({ id }) => id)
  const runs = await sql<KeptRun[]>`
    SELECT id, event_id AS "eventId", state, reason FROM runs WHERE event_id = ANY (${ids}::uuid[])`
  const deliveries = await sql<KeptDelivery[]>`
    SELECT id, event_id AS "eventId", run_id AS "runId", state, reason FROM deliveries
    WHERE event_id = ANY (${ids}::uuid[])`
  return { events, runs: [...runs], deliveries: [...deliveries] }
}
