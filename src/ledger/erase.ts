import { MASK } from '../payload/redact-fields.ts'
import type { Transaction } from '../platform/postgres.ts'
import { settleRun } from './settle-run.ts'
import { type DeliveryState, type EventState, type RunState, UNFINISHED } from './states.ts'

/** What is erased of an event, and for whom. */
export interface Erasing {
  /** `fields` leaves what is shown where fields are redacted; `content` leaves ids, states and times. */
  what: 'fields' | 'content'
  /** `redaction`, `retention` or the id of an erasure. */
  by: string
  /** What becomes of work that is not finished, dead or in quarantine: it stays as it is, or is given up. */
  unfinished: 'keep' | 'discard'
  /**
   * Which texts of a request are erased that other events still need, because they came with it; those of an event
   * that came alone all are.
   */
  isSought?(text: string): boolean
}

/** `busy` is being worked on at this moment, and can be erased later. */
export type Erased = 'erased' | 'unfinished' | 'busy' | 'gone'

interface HeldEvent {
  id: string
  requestId: string
  isElement: boolean
  state: EventState
  latestRunId: string | null
  erased: 'fields' | 'content' | null
}

/** Locks an event with all that was made of it, in the order in which everybody does, and erases it. */
export async function eraseEvent(
  transaction: Transaction,
  eventId: string,
  erasing: Erasing,
): Promise<Erased> {
  const deliveries = await transaction<{ id: string; runId: string; state: DeliveryState }[]>`
    SELECT id, run_id AS "runId", state FROM deliveries WHERE event_id = ${eventId} ORDER BY id FOR UPDATE`
  const runs = await transaction<{ id: string; state: RunState }[]>`
    SELECT id, state FROM runs WHERE event_id = ${eventId} ORDER BY id FOR UPDATE`
  const [event] = await transaction<HeldEvent[]>`
    SELECT id, request_id AS "requestId", is_element AS "isElement", state, latest_run_id AS "latestRunId",
           CASE erased_by WHEN 'redaction' THEN 'fields' ELSE CASE WHEN erased_at IS NULL THEN NULL ELSE 'content' END END AS erased
    FROM events WHERE id = ${eventId} FOR UPDATE`
  if (!event) return 'gone'
  if (event.erased === 'content' || event.erased === erasing.what) return 'erased'
  const isOpen =
    deliveries.some(({ state }) => isUnfinished('delivery', state)) ||
    runs.some(({ state }) => isUnfinished('run', state)) ||
    isUnfinished('event', event.state)
  if (isOpen || event.state === 'dead' || event.state === 'quarantined') {
    if (erasing.unfinished === 'keep') return 'unfinished'
    const isBusy =
      deliveries.some(({ state }) => state === 'sending') || runs.some(({ state }) => state === 'running')
    if (isBusy) return 'busy'
    await giveUp(transaction, event, runs, deliveries)
  }
  if (erasing.what === 'fields') await eraseFields(transaction, event)
  else await eraseContent(transaction, event, erasing)
  return 'erased'
}

function isUnfinished(subject: keyof typeof UNFINISHED, state: string): boolean {
  return (UNFINISHED[subject] as readonly string[]).includes(state)
}

const GIVEN_UP = 'given up, because its content was erased'

/** What was not sent is not sent any more; what was, stays told as it is. */
async function giveUp(
  transaction: Transaction,
  event: HeldEvent,
  runs: readonly { id: string; state: RunState }[],
  deliveries: readonly { id: string; runId: string; state: DeliveryState }[],
): Promise<void> {
  const open = deliveries.filter(({ state }) => isUnfinished('delivery', state) || state === 'dead')
  await transaction`
    UPDATE deliveries SET state = 'discarded', reason = ${GIVEN_UP}, ended_at = coalesce(ended_at, now())
    WHERE id = ANY(${open.map(({ id }) => id)}::uuid[])`
  const withDeliveries = new Set(deliveries.map(({ runId }) => runId))
  for (const { id, state } of runs) {
    if (withDeliveries.has(id)) await settleRun(transaction, id, GIVEN_UP)
    else if (isUnfinished('run', state) || state === 'dead')
      await transaction`
        UPDATE runs SET state = 'discarded', reason = ${GIVEN_UP}, ended_at = coalesce(ended_at, now()), due_at = NULL
        WHERE id = ${id}`
  }
  await transaction`
    UPDATE events SET state = 'discarded', reason = ${GIVEN_UP}
    WHERE id = ${event.id} AND state IN ('queued', 'delivering', 'dead', 'quarantined')`
}

/** The values of redacted fields, where they were kept for the work: everywhere else they never stood. */
async function eraseFields(transaction: Transaction, event: HeldEvent): Promise<void> {
  await transaction`
    UPDATE events SET payload = coalesce(shown, payload), erased_at = now(), erased_by = 'redaction'
    WHERE id = ${event.id}`
  await transaction`UPDATE requests SET body = NULL WHERE id = ${event.requestId}`
  await transaction`UPDATE runs SET answer = NULL WHERE event_id = ${event.id}`
  await transaction`
    UPDATE deliveries SET item = coalesce(shown, ${JSON.stringify(MASK)}), hidden = NULL, order_key = NULL,
           unique_key = NULL
    WHERE event_id = ${event.id} AND hidden IS NOT NULL`
}

/** A reason begins with its code; what follows may quote anything. */
const REASON_LEFT = `CASE WHEN reason ~ '^[a-z_]+: ' THEN split_part(reason, ':', 1)
                          WHEN reason IS NOT NULL AND reason <> '${GIVEN_UP}' THEN '${MASK}' ELSE reason END`

async function eraseContent(transaction: Transaction, event: HeldEvent, erasing: Erasing): Promise<void> {
  const left = transaction.unsafe(REASON_LEFT)
  await transaction`
    UPDATE events SET payload = 'null', shown = NULL, source_delivery_id = NULL, source_event_id = NULL, sender = NULL,
           dedupe_key = NULL, reason = ${left}, erase_at = NULL, erased_at = now(), erased_by = ${erasing.by}
    WHERE id = ${event.id}`
  await transaction`UPDATE runs SET answer = NULL, reason = ${left} WHERE event_id = ${event.id}`
  await transaction`
    UPDATE node_results SET output = NULL, log = '[]', call = NULL,
           message = CASE WHEN message IS NOT NULL THEN ${MASK} END
    WHERE run_id IN (SELECT id FROM runs WHERE event_id = ${event.id})`
  await transaction`
    UPDATE deliveries SET item = 'null', shown = NULL, hidden = NULL, order_key = NULL, unique_key = NULL,
           reason = ${left}
    WHERE event_id = ${event.id}`
  // What was sent together with others stands with the attempt of one of them.
  await transaction`
    UPDATE attempts SET request = '{}', response_headers = NULL, response_body = NULL, reason = ${left}
    WHERE id IN (
      SELECT unnest(ARRAY[attempt.id, attempt.pushed_with]) FROM attempts attempt
      WHERE delivery_id IN (SELECT id FROM deliveries WHERE event_id = ${event.id}))`
  const { isSought = () => false } = erasing
  await eraseRequest(transaction, event.requestId, event.isElement ? isSought : () => true)
}

/** Erases the body of a request, and these of its other texts. False when it is gone. */
export async function eraseRequest(
  transaction: Transaction,
  requestId: string,
  isSought: (text: string) => boolean,
): Promise<boolean> {
  const [request] = await transaction<{ headers: string; path: string; detail: string | null }[]>`
    SELECT headers, path, detail FROM requests WHERE id = ${requestId} FOR UPDATE`
  if (!request) return false
  const headers: [name: string, value: string][] = JSON.parse(request.headers)
  const left = headers.map(([name, value]) => [name, isSought(value) ? MASK : value])
  const [path = '', ...query] = request.path.split('?')
  const shownPath = query.length > 0 && isSought(request.path) ? `${path}?${MASK}` : request.path
  const detail = request.detail !== null && isSought(request.detail) ? MASK : request.detail
  await transaction`
    UPDATE requests SET body = NULL, headers = ${JSON.stringify(left)}, path = ${shownPath}, detail = ${detail},
           erased_at = now()
    WHERE id = ${requestId}`
  return true
}
