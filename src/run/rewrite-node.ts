import type { Integrations, Node } from '../integrations/integrations.ts'
import type { NodeResult } from '../ledger/ledger.ts'
import { type Json, parseExact, stringifyExact } from '../payload/exact-json.ts'
import type { Rewriter } from '../rewrite/rewrite.ts'
import type { Facts } from './facts.ts'

/** A node at which data may be rewritten: by its function first, then by its mapping. */
type RewritingNode = Exclude<Node, { kind: 'decision' }>

export interface RewriteOptions {
  integrations: Pick<Integrations, 'integration' | 'sourceOf'>
  rewriter: Rewriter
}

/** `failure` is a sentence about this node; the result is kept either way. */
export interface Rewritten {
  result: NodeResult
  failure: string | null
}

export async function rewriteAtNode(
  node: RewritingNode,
  data: string,
  facts: Facts,
  options: RewriteOptions,
): Promise<Rewritten> {
  const result: NodeResult = {
    nodeId: node.id,
    outcome: 'passed',
    message: null,
    output: null,
    log: [],
    functionVersion: null,
    wallMs: 0,
    cpuMs: 0,
  }
  if (node.function !== undefined) {
    const failure = await callFunction(node, node.function, data, facts, options, result)
    if (failure !== null) return fail(result, failure)
  }
  if (node.mapping !== undefined && result.outcome !== 'nothing') {
    const failure = await map(node.mapping, result.output ?? data, facts, options, result)
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
  { integrations, rewriter }: RewriteOptions,
  result: NodeResult,
): Promise<string | null> {
  const version = facts.functionVersions[name]
  const source = version === undefined ? undefined : await integrations.sourceOf(version)
  if (version === undefined || source === undefined) return `there is no enabled rewrite function "${name}"`
  const jobData = jobDataOf(node, data, facts, integrations)
  const outcome = await rewriter.call({
    applicationId: facts.run.applicationId,
    name,
    version,
    source,
    jobData,
  })
  result.functionVersion = version
  result.log = outcome.log
  result.wallMs = outcome.usage.wallMs
  result.cpuMs = outcome.usage.cpuMs
  result.message = outcome.message
  if (!outcome.ok) return `rewrite function "${name}" ${outcome.reason}: ${outcome.message}`
  result.output = outcome.data ?? null
  result.outcome = outcome.data === undefined ? 'nothing' : 'rewritten'
  return null
}

async function map(
  mapping: Record<string, Json>,
  data: string,
  facts: Facts,
  { rewriter }: RewriteOptions,
  result: NodeResult,
): Promise<string | null> {
  const scope = { payload: parseExact(data), request: facts.request, event: facts.event }
  const mapped = await rewriter.map(mapping, scope, facts.run.applicationId)
  if (!mapped.ok) return `mapping of "${mapped.rule}" from "${mapped.path}": ${mapped.message}`
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

function fail(result: NodeResult, failure: string): Rewritten {
  return { result: { ...result, outcome: 'failed', message: failure }, failure }
}
