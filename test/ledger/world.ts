import {
  createLedger,
  type Entry,
  type EventEntry,
  type Ledger,
  type ReleaseRule,
  type Turn,
} from '../../src/ledger/ledger.ts'
import { newId } from '../../src/platform/ids.ts'
import { createLog, type Log } from '../../src/platform/log.ts'
import { connectPostgres, type Sql } from '../../src/platform/postgres.ts'

export const APPLICATION = newId()
export const DESTINATION = newId()

export interface TestLedger {
  ledger: Ledger
  /** For looking into the tables. */
  sql: Sql
  close(): Promise<void>
}

/** A ledger with the connections that the gateway gives it. */
export function openLedger(
  url: string,
  options: { storeWaitMs?: number; pendingBytesMax?: number; applicationName?: string; log?: Log } = {},
): TestLedger {
  const { storeWaitMs = 3_000, pendingBytesMax = 1_000_000, applicationName = 'test' } = options
  const sql = connectPostgres(url, { connectionsMax: 8, applicationName })
  const connectCommits = () =>
    connectPostgres(url, { connectionsMax: 1, applicationName: `${applicationName} commit`, arrays: false })
  const log = options.log ?? createLog(process.env.TEST_LOG_LEVEL ?? 'silent')
  const ledger = createLedger({
    sql,
    connectCommits,
    searches: { atOnceMax: 2, secondsMax: 60 },
    storeWaitMs,
    pendingBytesMax,
    log,
  })
  return {
    ledger,
    sql,
    async close() {
      await ledger.close()
      await sql.end({ timeout: 1 })
    },
  }
}

export function requestOf(more: Partial<Entry['request']> = {}): Entry['request'] {
  const body = Buffer.from('{"id":820982911946154508}')
  return {
    id: newId(),
    receivedAt: new Date(),
    applicationId: APPLICATION,
    integrationId: 'orders',
    sourceIp: '203.0.113.5',
    method: 'POST',
    path: '/integration/orders',
    headers: [['content-type', 'application/json']],
    contentType: 'application/json',
    body,
    bodyBytes: more.body?.length ?? body.length,
    outcome: 'accepted',
    status: 200,
    detail: null,
    ...more,
  }
}

/** A source that says nothing of its events. */
export const UNNAMED: EventEntry['identity'] = {
  topic: null,
  deliveryId: null,
  eventId: null,
  occurredAt: null,
  sender: null,
}

export function eventOf(more: Partial<EventEntry> = {}): EventEntry {
  return {
    id: newId(),
    position: 0,
    payload: null,
    identity: UNNAMED,
    dedupe: null,
    quarantined: false,
    runId: newId(),
    definitionVersion: 1,
    ...more,
  }
}

/** A request that brought one event. */
export function entryOf(request: Partial<Entry['request']> = {}, event: Partial<EventEntry> = {}): Entry {
  return { request: requestOf(request), events: [eventOf(event)] }
}

/** Records one event and gives its ids. */
export async function recordOne(
  ledger: Ledger,
  entry = entryOf(),
): Promise<{ eventId: string; runId: string }> {
  const [recorded] = await ledger.record(entry)
  if (!recorded || !('runId' in recorded)) throw new Error('the event is a duplicate')
  return recorded
}

/** Records one event that is held in quarantine, and gives its id. */
export async function holdOne(
  ledger: Ledger,
  request: Partial<Entry['request']> = {},
  event: Partial<EventEntry> = {},
): Promise<string> {
  const [recorded] = await ledger.record(entryOf(request, { ...event, quarantined: true }))
  if (!recorded || !('quarantined' in recorded)) throw new Error('the event is not held')
  return recorded.eventId
}

/** Takes a run and ends it with so many deliveries. */
export async function runInto(
  ledger: Ledger,
  runId: string,
  deliveries: number,
  more: { destinationId?: string; turn?: Partial<Turn> } = {},
): Promise<string[]> {
  const made = Array.from({ length: deliveries }, (_, position) => ({
    id: newId(),
    destinationId: more.destinationId ?? DESTINATION,
    nodeId: 'push',
    position,
    item: `{"position":${position}}`,
    ...(more.turn && { turn: turnOf(more.turn) }),
  }))
  const run = (await ledger.takeRun(runId)) ?? { id: runId, eventId: newId(), takes: 0 }
  if (!(await ledger.finishRun(run, { state: 'delivering', reason: null, results: [], deliveries: made })))
    throw new Error(`run ${runId} was finished already`)
  return made.map(({ id }) => id)
}

/** A turn that has to be waited for, unless it says otherwise. */
export function turnOf(more: Partial<Turn> = {}): Turn {
  const keys = { orderKey: null, holdsOnDead: false, uniqueKey: null }
  return { state: 'waiting', priority: 5, delayMs: 0, ...keys, ...more }
}

/** The rule of a destination that allows much. */
export function ruleOf(more: Partial<ReleaseRule> = {}): ReleaseRule {
  return { destinationId: DESTINATION, concurrencyMax: 1_000, rateMax: null, ...more }
}

export function takeOf(deliveryId: string, leaseMs = 30_000) {
  return { deliveryId, leaseMs, interruptedAttemptId: newId() }
}

type Ending = Pick<TestLedger, 'ledger' | 'sql'>
type RunEnd = Parameters<Ledger['finishRun']>[1]
type AttemptEnd = Omit<Parameters<Ledger['finishAttempt']>[0], 'delivery'> & { id: string; number: number }

/** Ends a run that is known by its id alone. */
export async function finishRun(opened: Ending, id: string, end: RunEnd): Promise<boolean> {
  return opened.ledger.finishRun(await latestTake(opened, id), end)
}

/** What is known of a run by whoever took it last. */
export async function latestTake({ sql }: Ending, id: string) {
  const [run] = await sql<{ eventId: string; takes: number }[]>`
    SELECT event_id AS "eventId", takes FROM runs WHERE id = ${id}`
  return { id, eventId: run?.eventId ?? newId(), takes: run?.takes ?? 0 }
}

/** Ends an attempt of a delivery that is known by its id alone. */
export async function finishAttempt({ ledger, sql }: Ending, end: AttemptEnd): Promise<boolean> {
  const { id, number, ...rest } = end
  const [of] = await sql<{ runId: string; eventId: string }[]>`
    SELECT run_id AS "runId", event_id AS "eventId" FROM deliveries WHERE id = ${id}`
  if (!of) throw new Error(`there is no delivery ${id}`)
  return ledger.finishAttempt({ ...rest, delivery: { id, number, ...of } })
}

export function attemptEnd(
  id: string,
  number: number,
  state: AttemptEnd['state'],
  retryAfterMs = 0,
): AttemptEnd {
  return {
    id,
    number,
    state,
    retryAfterMs: state === 'retrying' ? retryAfterMs : null,
    attempt: {
      id: newId(),
      startedAt: new Date(),
      request: { method: 'POST', url: 'http://receiver.test/', headers: [] },
      verdict: state === 'delivered' ? 'delivered' : state === 'retrying' ? 'retry' : 'dead',
      reason: 'as the test says',
      status: 200,
      responseHeaders: [],
      responseBody: Buffer.from('ok'),
      timing: { totalMs: 1 },
    },
  }
}
