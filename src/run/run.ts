/**
 * What happens to this event, node by node? Takes a run, walks its nodes once and commits what they did together
 * with the deliveries they made: all of it or none.
 */
import type { Definition, Integrations } from '../integrations/integrations.ts'
import type { Ledger, RunEnd, TakenRun } from '../ledger/ledger.ts'
import { newId } from '../platform/ids.ts'
import type { Log } from '../platform/log.ts'
import type { Metrics } from '../platform/metrics.ts'
import type { Rewriter } from '../rewrite/rewrite.ts'
import { versionsOf } from './functions.ts'
import { type Walk, walkNodes } from './walk.ts'

export interface RunOptions {
  integrations: Integrations
  ledger: Ledger
  rewriter: Rewriter
  /** Hands deliveries over to the queue; must not throw and is not waited for. */
  handOver(deliveries: { id: string; destinationId: string }[]): void
  metrics: Metrics
  log: Log
}

/** A run that was taken so often and never finished takes its worker down with it, and is not tried again. */
const TAKES_MAX = 5

/** Executes a run. Nothing happens when it is finished already. */
export async function executeRun(runId: string, options: RunOptions): Promise<void> {
  const startedAt = performance.now()
  const run = await options.ledger.takeRun(runId)
  if (!run) return
  const walk = await walkRun(run, options)
  const state = stateAfter(walk)
  const deliveries =
    walk.failure === null ? walk.items.map((item, position) => ({ id: newId(), position, ...item })) : []
  const reason = walk.failure
  const committed = await options.ledger.finishRun(run.id, {
    state,
    reason,
    results: walk.results,
    deliveries,
  })
  if (!committed) return
  options.handOver(deliveries)
  tell(run, { state, reason, deliveries: deliveries.length, ms: performance.now() - startedAt }, options)
}

async function walkRun(run: TakenRun, options: RunOptions): Promise<Walk> {
  if (run.takes > TAKES_MAX) {
    return failed(`taken ${run.takes - 1} times without an end: it may take down its worker`)
  }
  const definition = await options.integrations.definitionOf(run.integrationId, run.definitionVersion)
  if (!definition) return failed(`version ${run.definitionVersion} of the integration does not exist`)
  const versions = await fixedVersions(run, definition, options)
  return walkNodes(run, definition, versions, options)
}

async function fixedVersions(
  run: TakenRun,
  definition: Definition,
  { integrations, ledger }: RunOptions,
): Promise<Record<string, string>> {
  if (run.functionVersions) return run.functionVersions
  const versions = versionsOf(definition, run.applicationId, integrations)
  if (Object.keys(versions).length > 0) await ledger.fixFunctionVersions(run.id, versions)
  return versions
}

function failed(failure: string): Walk {
  return { results: [], items: [], filtered: false, failure }
}

function stateAfter(walk: Walk): RunEnd {
  if (walk.failure !== null) return 'dead'
  if (walk.items.length > 0) return 'delivering'
  return walk.filtered ? 'filtered' : 'empty'
}

function tell(
  run: TakenRun,
  end: { state: RunEnd; reason: string | null; deliveries: number; ms: number },
  { metrics, log }: RunOptions,
): void {
  metrics.runs.inc({ state: end.state })
  const { id: runId, eventId, applicationId, integrationId, cause, takes } = run
  const line = {
    runId,
    eventId,
    applicationId,
    integrationId,
    cause,
    takes,
    ...end,
    ms: Math.round(end.ms * 10) / 10,
  }
  if (end.state === 'dead') log.warn(line, 'run')
  else log.info(line, 'run')
}
