import {
  maskHeaders,
  maskText,
  maskUrl,
  type Performed,
  performRequest,
  type Tokens,
} from '../http-request/http-request.ts'
import type { Node } from '../integrations/integrations.ts'
import type { CallRecord, NodeResult } from '../ledger/ledger.ts'
import type { Outbound } from '../outbound/outbound.ts'
import { parseExact, stringifyExact } from '../payload/exact-json.ts'
import { VERSION } from '../platform/version.ts'
import { placeAnswer, type ReadAnswer, readAnswer } from './answer.ts'
import { type Facts, resultOf } from './facts.ts'
import { type Failure, finalFailure, Stopped } from './failure.ts'

export type CallNode = Extract<Node, { kind: 'call' }>

export interface CallOptions {
  outbound: Outbound
  tokens: Tokens
  signal: AbortSignal
}

/** The data that goes on is in the result; with a failure the run ends. */
export interface Called {
  result: NodeResult
  failure: Failure | null
}

const DAY_MS = 86_400_000

/**
 * Asks another system what the node says, and adds its answer to the data.
 *
 * @param visit how often this run has come to the node, from 1
 * @throws Stopped when the signal ended the call
 */
export async function callAtNode(
  node: CallNode,
  data: string,
  visit: number,
  facts: Facts,
  options: CallOptions,
): Promise<Called> {
  const startedAt = performance.now()
  const { run } = facts
  const { responseBytesMax } = node.request
  // The same when the run is made again, so that the other system can tell what it has done already.
  const id = `${run.id}-${node.id}${visit === 1 ? '' : `-${visit}`}`
  const wish = {
    id: `${run.integrationId}/${node.id}`,
    config: node.request,
    who: 'the called system',
    retryAfterMaxMs: facts.retryAfterMaxMs ?? DAY_MS,
    responseBytesMax,
  }
  const requestFacts = {
    id,
    sentAt: new Date(),
    headers: [
      ['user-agent', `Sluice/${VERSION}`],
      ['idempotency-key', id],
    ] as const,
  }
  const item = parseExact(data)
  const performed = await performRequest(wish, item, requestFacts, options)
  if (options.signal.aborted) throw new Stopped()
  const result = {
    ...resultOf(node, 'answered', performed.verdict.message),
    call: recordOf(performed),
    wallMs: performance.now() - startedAt,
  }
  const given = await givenBy(performed, responseBytesMax)
  const placed = given.ok ? placeAnswer(item, given.value, node.result) : given
  if (placed.ok) return { result: { ...result, output: stringifyExact(placed.value) }, failure: null }
  const failure = { ...finalFailure(placed.message), ...(given.ok ? {} : given.passing) }
  if (node.onFailure === 'continue')
    return { result: { ...result, outcome: 'unanswered', message: failure.message }, failure: null }
  return { result: { ...result, outcome: 'failed', message: failure.message }, failure }
}

type Given = Extract<ReadAnswer, { ok: true }> | { ok: false; message: string; passing?: Partial<Failure> }

async function givenBy({ answer, verdict, request }: Performed, bytesMax: number): Promise<Given> {
  if (verdict.verdict === 'delivered' && answer?.ok) return readAnswer(answer, bytesMax)
  const message = maskText(verdict.message, request.hidden)
  if (verdict.verdict !== 'retry') return { ok: false, message }
  return { ok: false, message, passing: { mayPass: true, retryAfterMs: verdict.retryAfterMs } }
}

/** What is kept of a call: no secret of its auth is in it. The answer's body is in the data. */
function recordOf({ request, answer, verdict }: Performed): CallRecord {
  const { hidden } = request
  return {
    method: request.method,
    url: maskUrl(request.url, hidden),
    headers: maskHeaders(request.headers, hidden),
    status: answer?.status ?? null,
    reason: verdict.reason,
    responseBytes: answer?.ok ? answer.body.length : null,
    timing: Object.fromEntries(
      Object.entries(answer?.timing ?? {}).flatMap(([step, ms]) =>
        ms === null ? [] : [[step, Math.round(ms * 10) / 10]],
      ),
    ),
  }
}
