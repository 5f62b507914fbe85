import { type Definition, hiddenOf, redactsPayload, shownOf } from '../integrations/integrations.ts'
import type { AttemptDetail, DeliveryWithAttempts, EventDetail } from '../ledger/ledger.ts'
import { isObject, type Json, parseExact, stringifyExact } from '../payload/exact-json.ts'
import { type HiddenTexts, joinTexts } from '../payload/redact-fields.ts'
import { type Redaction, redactionOf, SHOWN } from '../payload/redaction.ts'

type Run = EventDetail['runs'][number]
type Node = Run['nodes'][number]
type Delivery = Run['deliveries'][number]

/** An event that may be shown to whoever may ask for it. */
export type RedactedEvent = Omit<EventDetail, 'shown' | 'request' | 'runs'> & {
  request: EventDetail['request'] & { bodyRedacted: boolean }
  runs: (Omit<Run, 'deliveries'> & { deliveries: Omit<Delivery, 'shown'>[] })[]
}

/**
 * Takes out what its integration redacts: what it did when the event came in, and what it does today. Most of it was
 * never written down; here what came in before the rule is treated alike.
 */
export function redactEvent(event: EventDetail, definition: Definition | undefined): RedactedEvent {
  const { shown: shownText, payload: payloadText, request, runs, ...rest } = event
  const carried = carriedBy(payloadText, shownText)
  const hidden = hiddenOf(carried, [definition])
  const redaction = hidden === undefined ? SHOWN : redactionOf(hidden)
  const shown = shownOf(carried, [definition])
  return {
    ...rest,
    reason: inText(rest.reason, redaction),
    payload: shown === undefined ? payloadText : stringifyExact(shown),
    request: {
      ...request,
      path: redaction.text(request.path),
      detail: inText(request.detail, redaction),
      headers: inPairs(request.headers, redaction),
      body: shown === undefined ? request.body : null,
      bodyRedacted: shown !== undefined && request.body !== null,
    },
    runs: runs.map((run) => ({
      ...run,
      reason: inText(run.reason, redaction),
      answer: inJson(run.answer, redaction),
      nodes: run.nodes.map((node) => redactNode(node, redaction)),
      deliveries: run.deliveries.map((delivery) => redactDelivery(delivery, redaction)),
    })),
  }
}

export type RedactedDelivery = Omit<DeliveryWithAttempts, 'shown' | 'hidden'>

/** A delivery by itself; what its event carries is asked for where its integration redacts today. */
export async function redactDeliveryDetail(
  { hidden, ...delivery }: DeliveryWithAttempts,
  definition: Definition | undefined,
  findCarried: () => Promise<{ payload: string; shown: string | null } | undefined>,
): Promise<RedactedDelivery> {
  const own: HiddenTexts = hidden === null ? [] : JSON.parse(hidden)
  const carried = redactsPayload(definition?.redact) ? await findCarried() : undefined
  const today = carried && hiddenOf(carriedBy(carried.payload, carried.shown), [definition])
  const redaction = redactionOf(joinTexts(own, today ?? []))
  return redactDelivery(delivery, redaction)
}

/** A payload and what was made of it, for whoever learns the fields from them. */
export function redactCarried<Item extends { item: string }>(
  { payload, items }: { payload: string; items: Item[] },
  definition: Definition | undefined,
): { payload: string; items: Item[] } {
  const carried = carriedBy(payload, null)
  const hidden = hiddenOf(carried, [definition])
  if (hidden === undefined) return { payload, items }
  const redaction = redactionOf(hidden)
  const shown = shownOf(carried, [definition])
  return {
    payload: shown === undefined ? payload : stringifyExact(shown),
    items: items.map((item) => ({ ...item, item: inJson(item.item, redaction) })),
  }
}

/** What is known of a payload: as it is, read when it is asked for, and as it is shown. */
function carriedBy(payload: string, shown: string | null) {
  return { payload: () => parseExact(payload), shown: shown === null ? undefined : parseExact(shown) }
}

function redactNode(node: Node, redaction: Redaction): Node {
  if (redaction === SHOWN) return node
  const log = parseExact(node.log)
  const lines = Array.isArray(log) ? log.map((line) => inMember(line, 'text', redaction)) : log
  return {
    ...node,
    message: inText(node.message, redaction),
    output: inJson(node.output, redaction),
    log: stringifyExact(lines),
    call: node.call === null ? null : inExchange(node.call, redaction),
  }
}

function redactDelivery<
  One extends { item: string; shown: string | null; reason: string | null; attempts: AttemptDetail[] },
>({ shown, ...delivery }: One, redaction: Redaction): Omit<One, 'shown'> {
  const { item, reason, attempts } = delivery
  return {
    ...delivery,
    item: inJson(shown ?? item, redaction),
    reason: inReason(reason, redaction),
    attempts: attempts.map((attempt) => redactAttempt(attempt, redaction)),
  }
}

function redactAttempt(attempt: AttemptDetail, redaction: Redaction): AttemptDetail {
  if (redaction === SHOWN) return attempt
  const { request, reason, responseHeaders, responseBody } = attempt
  return {
    ...attempt,
    request: inExchange(request, redaction),
    reason: inReason(reason, redaction),
    responseHeaders: responseHeaders === null ? null : inPairs(responseHeaders, redaction),
    responseBody: responseBody === null ? null : redaction.bytes(responseBody),
  }
}

function inText<Text extends string | null>(text: Text, redaction: Redaction): Text {
  return (text === null ? null : redaction.text(text)) as Text
}

/** Its code stays: it is ours. */
function inReason<Text extends string | null>(reason: Text, redaction: Redaction): Text {
  const [, code = '', rest = reason ?? ''] = /^([a-z_]+: )(.*)$/s.exec(reason ?? '') ?? []
  return (reason === null ? null : `${code}${redaction.text(rest)}`) as Text
}

function inJson<Text extends string | null>(text: Text, redaction: Redaction): Text {
  if (text === null || redaction === SHOWN) return text
  return stringifyExact(redaction.json(parseExact(text))) as Text
}

/** Headers as a list of names and values, as JSON. */
function inPairs(text: string, redaction: Redaction): string {
  const pairs: [name: string, value: string][] = JSON.parse(text)
  return redaction === SHOWN
    ? text
    : JSON.stringify(pairs.map(([name, value]) => [name, redaction.text(value)]))
}

/** A request that was sent, with its address and headers. */
function inExchange(text: string, redaction: Redaction): string {
  const sent = inMember(parseExact(text), 'url', redaction)
  if (!isObject(sent) || !Array.isArray(sent.headers)) return stringifyExact(sent)
  const headers = inPairs(stringifyExact(sent.headers), redaction)
  return stringifyExact({ ...sent, headers: parseExact(headers) })
}

function inMember(held: Json, name: string, redaction: Redaction): Json {
  if (!isObject(held) || typeof held[name] !== 'string') return held
  return { ...held, [name]: redaction.text(held[name]) }
}
