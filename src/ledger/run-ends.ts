import type { Sql } from '../platform/postgres.ts'

/** What a run has to say to the sender of its event; `problem` says why nothing. */
export type RunAnswer = { body: string } | { problem: string }

/** Hears of the ends of runs that a sender waits for, in whatever process they come about. */
export interface RunEnds {
  /**
   * The answer of a run; undefined when it failed, has none, or has not ended within the time. Never rejects, and holds
   * nobody longer.
   */
  wait(runId: string, deadlineMs: number): Promise<RunAnswer | undefined>
  /** Everybody who waits, or comes to wait from now on, goes without an answer. */
  close(): Promise<void>
}

const CHANNEL = 'sluice_run_ended'

/** Part of a statement that tells of the end of `run`, when the parameter is true. It must be selected from. */
export function tellRunEnd(run: string, awaited: string): string {
  return `told AS (SELECT pg_notify('${CHANNEL}', ${run}.id::text) FROM ${run} WHERE ${awaited}::boolean)`
}

/** Listens from the first wait on: an installation without such answers pays nothing. */
export function createRunEnds(sql: Sql): RunEnds {
  const waiting = new Map<string, { look(): void; giveUp(): void }>()
  let listening: ReturnType<Sql['listen']> | undefined
  let isClosed = false

  function listen(): void {
    // Whenever the connection is made, and made anew, an end may have been missed before it.
    const lookEverywhere = () => {
      for (const { look } of waiting.values()) look()
    }
    listening ??= sql.listen(CHANNEL, (ended) => waiting.get(ended)?.look(), lookEverywhere)
    listening.catch(() => {
      listening = undefined
    })
  }

  return {
    async wait(runId, deadlineMs) {
      if (isClosed) return undefined
      const { promise, resolve } = Promise.withResolvers<RunAnswer | undefined>()
      const giveUp = () => resolve(undefined)
      const look = () => {
        findAnswer(sql, runId).then((found) => found !== 'running' && resolve(found), giveUp)
      }
      const timer = setTimeout(giveUp, deadlineMs)
      waiting.set(runId, { look, giveUp })
      listen()
      try {
        return await promise
      } finally {
        clearTimeout(timer)
        waiting.delete(runId)
      }
    },
    async close() {
      isClosed = true
      for (const { giveUp } of waiting.values()) giveUp()
      const subscription = await listening?.catch(() => undefined)
      await subscription?.unlisten().catch(() => {})
    },
  }
}

async function findAnswer(sql: Sql, runId: string): Promise<RunAnswer | undefined | 'running'> {
  const [row] = await sql<{ state: string; answer: string | null }[]>`
    SELECT state, answer FROM runs WHERE id = ${runId}`
  if (row?.state === 'queued' || row?.state === 'running') return 'running'
  return row?.answer ? (JSON.parse(row.answer) as RunAnswer) : undefined
}
