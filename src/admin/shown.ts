import { isUtf8 } from 'node:buffer'
import type { AttemptDetail } from '../ledger/ledger.ts'
import { parseExact } from '../payload/exact-json.ts'
import type { RedactedEvent } from './redacted.ts'

type NodeDetail = RedactedEvent['runs'][number]['nodes'][number]

/** The ledger keeps JSON as text; here it becomes part of the answer, digits and all. */
export function showEvent(event: RedactedEvent): object {
  const { request, runs, payload, ...rest } = event
  return {
    ...rest,
    payload: parseExact(payload),
    request: { ...request, headers: JSON.parse(request.headers), body: showBytes(request.body) },
    runs: runs.map(({ nodes, deliveries, answer, ...run }) => ({
      ...run,
      answer: answer === null ? null : JSON.parse(answer),
      nodes: nodes.map(showNode),
      deliveries: deliveries.map(showDelivery),
    })),
  }
}

export function showNode(node: NodeDetail): object {
  const output = node.output === null ? null : parseExact(node.output)
  const call = node.call === null ? null : JSON.parse(node.call)
  return { ...node, output, call, log: JSON.parse(node.log) }
}

export function showDelivery<Delivery extends { item: string; attempts: AttemptDetail[] }>({
  attempts,
  item,
  ...delivery
}: Delivery): object {
  return { ...delivery, item: parseExact(item), attempts: attempts.map(showAttempt) }
}

function showAttempt(attempt: AttemptDetail): object {
  return {
    ...attempt,
    request: parseExact(attempt.request),
    responseHeaders: attempt.responseHeaders === null ? null : JSON.parse(attempt.responseHeaders),
    responseBody: showBytes(attempt.responseBody),
    timing: JSON.parse(attempt.timing),
  }
}

export function showBytes(bytes: Buffer | null): object | null {
  if (bytes === null) return null
  return isUtf8(bytes) ? { text: bytes.toString('utf8') } : { base64: bytes.toString('base64') }
}
