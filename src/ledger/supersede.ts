import type { Transaction } from '../platform/postgres.ts'
import { statesBefore } from './states.ts'

/**
 * A delivery is replaced by one of its key whose event is newer and that is not at its end. What was sent replaces
 * nothing, so that an old event can be replayed.
 *
 * The last to end says what becomes of the run: delivered, when anything of it was.
 */
const OLDER = `
SELECT delivery.id FROM deliveries delivery
WHERE delivery.destination_id = ANY ($1::uuid[]) AND delivery.unique_key IS NOT NULL
  AND delivery.state IN ('delayed', 'waiting', 'retrying')
  AND EXISTS (
    SELECT FROM deliveries newer
    WHERE newer.destination_id = delivery.destination_id AND newer.unique_key = delivery.unique_key
      AND newer.unique_key IS NOT NULL AND (newer.event_id, newer.id) > (delivery.event_id, delivery.id)
      AND newer.state IN ('delayed', 'waiting', 'queued', 'sending', 'retrying'))`

const SUPERSEDE = `
WITH moved AS (
  UPDATE deliveries SET state = 'superseded', ended_at = now(),
         reason = 'superseded: a newer delivery with the same unique key took its place'
  WHERE id = ANY ($1::uuid[]) AND state IN ('delayed', 'waiting', 'retrying')
    AND state = ANY ($2::text[])
  RETURNING run_id
), of_run AS (
  SELECT run_id, count(*)::int AS many FROM moved GROUP BY run_id
), locked AS MATERIALIZED (
  -- In the order of all who lock several.
  SELECT id FROM runs WHERE id = ANY (ARRAY(SELECT run_id FROM of_run)) ORDER BY id FOR UPDATE
), counted AS (
  UPDATE runs SET deliveries_open = deliveries_open - many,
         state = CASE WHEN deliveries_open > many THEN state
                      WHEN deliveries_dead > 0 THEN 'dead'
                      WHEN EXISTS (SELECT FROM deliveries WHERE run_id = runs.id AND state = 'delivered') THEN 'delivered'
                      ELSE 'superseded' END,
         ended_at = CASE WHEN deliveries_open > many THEN NULL ELSE now() END
  FROM of_run JOIN locked ON locked.id = of_run.run_id WHERE runs.id = of_run.run_id
  RETURNING runs.id, runs.event_id, runs.state, runs.deliveries_open
), event_moved AS (
  UPDATE events SET state = counted.state FROM counted
  WHERE events.id = counted.event_id AND events.latest_run_id = counted.id AND counted.deliveries_open = 0
)
SELECT count(*)::int AS many FROM moved`

/** What has ended is replaced by its replay alone. */
const SUPERSEDED_FROM = statesBefore('delivery', 'superseded').filter(
  (state) => state !== 'dead' && state !== 'discarded',
)

/** Ends what a newer delivery with the same unique key makes needless. The caller holds the locks of the destinations. */
export async function supersedeOlder(transaction: Transaction, destinationIds: string[]): Promise<void> {
  const older = await transaction.unsafe<{ id: string }[]>(OLDER, [destinationIds], { prepare: true })
  if (older.length === 0) return
  const ids = older.map(({ id }) => id)
  await transaction.unsafe(SUPERSEDE, [ids, SUPERSEDED_FROM], { prepare: true })
}
