/**
 * What happens to this event, node by node? Takes a run, walks its nodes once and commits what they did together
 * with the deliveries they made: all of it or none.
 */
import type { Tokens } from '../http-request/http-request.ts'
import {
  backoff,
  type Definition,
  type Integrations,
  type RetryPolicy,
} from '../integrations/integrations.ts'
import type { Ledger, RunEnd, TakenRun, TakesBefore, Turn } from '../ledger/ledger.ts'
import type { Outbound } from '../outbound/outbound.ts'
import { newId } from '../platform/ids.ts'
import type { Log } from '../platform/log.ts'
import type { Metrics } from '../platform/metrics.ts'
import type { Rewriter } from '../rewrite/rewrite.ts'
import { type Failure, finalFailure, Stopped } from './failure.ts'
import { namesUnknown, versionsOf } from './functions.ts'
import type { RunLimits } from './limits.ts'
import { redactWalk } from './redact-walk.ts'
import { answerOf } from './respond.ts'
import { letStraight } from './turns.ts'
import { startWalk, type Walk, type WalkOptions, walkNodes } from './walk.ts'

export interface RunOptions {
  integrations: Integrations
  ledger: Ledger
  rewriter: Rewriter
  outbound: Outbound
  /** One for the process: what is kept is kept here. */
  tokens: Tokens
  /** How often the run may have been taken: it is not executed if somebody else took it since. */
  takesBefore?: TakesBefore
  limits: RunLimits
  /** How often a run under way gives a sign of life. */
  holdEveryMs: number
  /** Puts a run into the queue that is to be made again; must not throw and is not waited for. */
  putBack(run: { id: string; takes: number; delayMs: number }): void
  /** How many more deliveries to a destination may go straight into the queue. */
  straight(destinationId: string): number
  /** Is told of each run that ended, with the deliveries it made; must not throw and is not waited for. */
  handOver(deliveries: MadeDelivery[]): void
  metrics: Metrics
  log: Log
}

/** A delivery of a run that was committed. */
export interface MadeDelivery {
  id: string
  destinationId: string
  turn: Turn
}

/** A run that was taken so often and never ended takes its worker down with it, and is not tried again. */
const TAKES_MAX = 5

/**
 * Executes a run. Nothing happens when it is finished already.
 *
 * @throws Stopped when the signal ended it: it stays as it was taken, for another worker
 */
export async function executeRun(runId: string, signal: AbortSignal, options: RunOptions): Promise<void> {
  const startedAt = performance.now()
  const run = await options.ledger.takeRun(runId, options.takesBefore)
  if (!run) return
  const definition = await options.integrations.definitionOf(run.integrationId, run.definitionVersion)
  const walked = await held(run, options, () => walkRun(run, definition, { ...options, signal }))
  const today = options.integrations.integration(run.integrationId)?.definition
  const walk = redactWalk(walked, run, [definition, today], options.limits)
  const awaited = definition?.respond && run.cause === 'received' ? definition.respond : undefined
  const delayMs = walk.failure && nextTryOf(run, walk.failure, definition?.retry ?? null)
  const reason = walk.failure?.message ?? null
  const ms = () => performance.now() - startedAt
  if (reason !== null && typeof delayMs === 'number') {
    const again = { reason, delayMs, results: walk.results, awaited: awaited !== undefined }
    if (!(await options.ledger.retryRun(run, again))) return
    options.putBack({ id: run.id, takes: run.takes, delayMs })
    tell(run, { state: 'retrying', reason, deliveries: 0, ms: ms() }, options)
    return
  }
  const state = stateAfter(walk)
  const items = walk.failure === null ? letStraight(walk.items, options.straight) : []
  const deliveries = items.map((item, position) => ({ id: newId(), position, ...item }))
  const committed = await options.ledger.finishRun(run, {
    state,
    reason: withTries(reason, delayMs),
    results: walk.results,
    deliveries,
    ...(awaited && { answer: walk.failure === null ? answerOf(awaited, walk) : null }),
  })
  if (!committed) return
  options.handOver(deliveries)
  tell(run, { state, reason, deliveries: deliveries.length, ms: ms() }, options)
}

/**
 * A run without a sign of life is taken for lost; one that waits for another system says that it is not, and one whose
 * worker is stopped that it did nothing to it.
 */
async function held<Result>(
  run: TakenRun,
  { ledger, holdEveryMs, log }: RunOptions,
  work: () => Promise<Result>,
): Promise<Result> {
  const hold = () =>
    ledger.holdRun(run).catch((error) => log.warn({ err: error, runId: run.id }, 'a run cannot be held'))
  const timer = setInterval(hold, holdEveryMs)
  try {
    return await work()
  } catch (error) {
    if (error instanceof Stopped)
      await ledger
        .leaveRun(run)
        .catch((err) => log.warn({ err, runId: run.id }, 'a run was left without a word'))
    throw error
  } finally {
    clearInterval(timer)
  }
}

async function walkRun(
  run: TakenRun,
  definition: Definition | undefined,
  options: RunOptions & WalkOptions,
): Promise<Walk> {
  const takes = run.takes - run.retries - run.stops
  if (takes > TAKES_MAX) return failed(`taken ${takes - 1} times without an end: it may take down its worker`)
  if (!definition) return failed(`version ${run.definitionVersion} of the integration does not exist`)
  const versions = await fixedVersions(run, definition, options)
  return walkNodes(run, definition, versions, options)
}

/** Until the run is made again, or why it is not; null when it was never to be. */
function nextTryOf(run: TakenRun, failure: Failure, policy: RetryPolicy | null): number | string | null {
  if (!failure.mayPass || policy === null) return null
  const ageMs = Date.now() - run.receivedAt.getTime()
  const { retryAfterMs } = failure
  const next = backoff({ tries: run.retries + 1, ageMs, retryAfterMs }, policy, Math.random)
  return 'delayMs' in next ? next.delayMs : next.ended
}

function withTries(reason: string | null, ended: number | string | null): string | null {
  return reason !== null && typeof ended === 'string' ? `${reason}; ${ended}` : reason
}

async function fixedVersions(
  run: TakenRun,
  definition: Definition,
  { integrations, ledger }: RunOptions,
): Promise<Record<string, string>> {
  if (run.functionVersions) return run.functionVersions
  // This process may not have been told of it yet.
  if (namesUnknown(definition, run.applicationId, integrations)) await integrations.reload()
  const versions = versionsOf(definition, run.applicationId, integrations)
  if (Object.keys(versions).length > 0) await ledger.fixFunctionVersions(run.id, versions)
  return versions
}

function failed(message: string): Walk {
  return { ...startWalk(), failure: finalFailure(message) }
}

function stateAfter(walk: Walk): RunEnd {
  if (walk.failure !== null) return 'dead'
  if (walk.items.length > 0) return 'delivering'
  return walk.filtered ? 'filtered' : 'empty'
}

function tell(
  run: TakenRun,
  end: { state: RunEnd | 'retrying'; reason: string | null; deliveries: number; ms: number },
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
  if (end.state === 'dead' || end.state === 'retrying') log.warn(line, 'run')
  else log.info(line, 'run')
}
