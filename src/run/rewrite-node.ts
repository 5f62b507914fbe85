import type { Integrations, Node } from '../integrations/integrations.ts'
import type { NodeResult } from '../ledger/ledger.ts'
import type { Outbound } from '../outbound/outbound.ts'
import { type Json, parseExact, stringifyExact } from '../payload/exact-json.ts'
import type { FunctionOutcome, Rewriter } from '../rewrite/rewrite.ts'
import { type Facts, resultOf } from './facts.ts'
import { type Failure, finalFailure, Stopped } from './failure.ts'
import { openFunctionCalls } from './function-calls.ts'

/** A node at which data may be rewritten: by its function first, then by its mapping. */
export type RewritingNode = Extract<Node, { kind: 'transform' | 'push' }>

export interface RewriteOptions {
  integrations: Pick<Integrations, 'integration' | 'sourceOf'>
  rewriter: Rewriter
  outbound: Outbound
  signal: AbortSignal
}

/** The result is kept either way. */
export interface Rewritten {
  result: NodeResult
  failure: Failure | null
}

export async function rewriteAtNode(
  node: RewritingNode,
  data: string,
  facts: Facts,
  options: RewriteOptions,
): Promise<Rewritten> {
  const result = resultOf(node, 'passed', null)
  if (node.function !== undefined) {
    const failure = await callFunction(node, node.function, data, facts, options, result)
    if (failure !== null) return fail(result, failure)
  }
  if (node.mapping !== undefined && result.outcome !== 'nothing') {
    const failure = await map(node, node.mapping, result.output ?? data, facts, options, result)
    if (failure !== null) return fail(result, failure)
  }
  if (isNothing(result.output ?? data)) result.outcome = 'nothing'
  return { result, failure: null }
}

async function callFunction(
  node: RewritingNode,
  name: string,
  data: string,
  facts: Facts,
  { integrations, rewriter, outbound, signal }: RewriteOptions,
  result: NodeResult,
): Promise<Failure | null> {
  const version = facts.functionVersions[name]
  const source = version === undefined ? undefined : await integrations.sourceOf(version)
  if (version === undefined || source === undefined)
    return finalFailure(`there is no enabled rewrite function "${name}"`)
  const jobData = jobDataOf(node, data, facts, integrations)
  const { allowedHosts } = facts
  const calls = allowedHosts.length > 0 ? openFunctionCalls(allowedHosts, outbound) : undefined
  const outcome = await rewriter.call({
    applicationId: facts.run.applicationId,
    name,
    version,
    source,
    jobData,
    ask: calls?.ask,
  })
  // What it asked may have been cut off with the worker.
  if (signal.aborted && !outcome.ok) throw new Stopped()
  result.functionVersion = version
  result.log = [...outcome.log, ...(calls?.lines ?? [])]
  result.wallMs = outcome.usage.wallMs
  result.cpuMs = outcome.usage.cpuMs
  result.message = outcome.message
  if (!outcome.ok) return failureOf(name, outcome)
  result.output = outcome.data ?? null
  result.outcome = outcome.data === undefined ? 'nothing' : 'rewritten'
  return null
}

/** Ends that say nothing against the function or its event. */
const PASSING: ReadonlySet<string> = new Set(['timed_out', 'call_failed', 'crashed'])

function failureOf(name: string, { reason, message }: Extract<FunctionOutcome, { ok: false }>): Failure {
  return { message: `rewrite function "${name}" ${reason}: ${message}`, mayPass: PASSING.has(reason) }
}

async function map(
  { each }: RewritingNode,
  mapping: Record<string, Json>,
  data: string,
  facts: Facts,
  { rewriter }: RewriteOptions,
  result: NodeResult,
): Promise<Failure | null> {
  const { request, event, source } = facts
  const scope = { payload: parseExact(data), request, event, source }
  const mapped = await rewriter.map(mapping, scope, facts.run.applicationId, { each })
  if (!mapped.ok) return finalFailure(`mapping of "${mapped.rule}" from "${mapped.path}": ${mapped.message}`)
  result.output = stringifyExact(mapped.value)
  result.outcome = 'rewritten'
  return null
}

/** The text is put together, so that the payload is neither parsed nor rounded on its way to the function. */
function jobDataOf(
  node: RewritingNode,
  data: string,
  facts: Facts,
  integrations: RewriteOptions['integrations'],
): string {
  const { run } = facts
  const integration = integrations.integration(run.integrationId)
  const { id, eventId, cause } = run
  // Without the run's id: a function that puts the job's id into what it sends sends the same again after a replay.
  const known = stringifyExact({ id: eventId, source: facts.source, request: facts.request })
  const job = `${known.slice(0, -1)},"data":{"data":${data}}}`
  const about = {
    id: run.integrationId,
    name: integration?.name ?? null,
    applicationId: run.applicationId,
    version: run.definitionVersion,
  }
  const current = { id: node.id, kind: node.kind, eventId, cause, runId: id }
  return `{"job":${job},"integration":${JSON.stringify(about)},"currentNode":${JSON.stringify(current)}}`
}

function isNothing(data: string): boolean {
  return /^\s*(null|\[\s*\])\s*$/.test(data)
}

function fail(result: NodeResult, failure: Failure): Rewritten {
  return { result: { ...result, outcome: 'failed', message: failure.message }, failure }
}
