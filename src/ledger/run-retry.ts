import type { Sql } from '../platform/postgres.ts'
import { type NodeResult, resultRows, writeResults } from './node-results.ts'
import { tellRunEnd } from './run-ends.ts'
import type { TakenRun } from './runs.ts'
import { statesBefore } from './states.ts'
import { storableText } from './storable-text.ts'

const RETRY = `
WITH moved AS (
  UPDATE runs SET state = 'retrying', reason = $2, retries = retries + 1, queued_at = now(),
         due_at = now() + make_interval(secs => $3::bigint / 1000.0)
  WHERE id = $1 AND takes = $7 AND state = 'running' AND state = ANY($4::text[])
  RETURNING id, retries
), ${writeResults('moved', '$5')}, ${tellRunEnd('moved', '$6')}
SELECT moved.id FROM moved LEFT JOIN told ON true`

/**
 * Puts a run that failed aside, to be made again; what its nodes did so far is kept until then. False when another
 * worker has it.
 *
 * @param awaited somebody waits for its answer, and is told that there is none yet
 */
export async function retryRun(
  sql: Sql,
  run: Pick<TakenRun, 'id' | 'takes'>,
  retry: { reason: string; delayMs: number; results: NodeResult[]; awaited: boolean },
): Promise<boolean> {
  const rows = await sql.unsafe(
    RETRY,
    [
      run.id,
      storableText(retry.reason),
      retry.delayMs,
      statesBefore('run', 'retrying'),
      resultRows(retry.results),
      retry.awaited,
      run.takes,
    ],
    { prepare: true },
  )
  return rows.length === 1
}

/** Says that a worker is still at it, so that nobody takes the run for lost. */
export async function holdRun(sql: Sql, { id, takes }: Pick<TakenRun, 'id' | 'takes'>): Promise<void> {
  await sql`UPDATE runs SET queued_at = now() WHERE id = ${id} AND takes = ${takes} AND state = 'running'`
}

/** Says that a worker was stopped in the middle of a run, and that nothing is wrong with it. */
export async function leaveRun(sql: Sql, { id, takes }: Pick<TakenRun, 'id' | 'takes'>): Promise<void> {
  await sql`UPDATE runs SET stops = stops + 1 WHERE id = ${id} AND takes = ${takes} AND state = 'running'`
}
