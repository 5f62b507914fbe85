import type { Histogram } from 'prom-client'
import { mayKeepBody, type Respond } from '../integrations/integrations.ts'
import type { RequestEntry } from '../ledger/ledger.ts'
import type { Log } from '../platform/log.ts'
import type { Metrics } from '../platform/metrics.ts'
import { presetOf } from '../sources/sources.ts'
import { bucketOf, type Callee } from './allow.ts'
import { type Arrival, headerOf } from './arrival.ts'
import type { Keeper } from './keeper/keeper.ts'
import { type Fingerprint, redactHeaders, redactTarget } from './redact.ts'
import { type Refusal, sentenceOf } from './refusal.ts'
import { createRefusalQuota } from './refusal-quota.ts'

/** What is known of a request when it ends, however far it came. */
export interface Passage {
  arrival: Arrival
  callee?: Callee
  sourceIp?: string
  /** The body as it came over the wire, once it was read. */
  wire?: Buffer
  /** The allowlist let it in, so that it may be answered in the language of its source. */
  welcome?: boolean
  /** The run that the answer is to be taken from. */
  awaited?: { runId: string; respond: Respond }
}

export interface AccountOptions {
  keeper: Pick<Keeper, 'note'>
  metrics: Metrics
  log: Log
  fingerprint: Fingerprint
  serviceName: string
  refusalsLoggedPerMinute: number
  /** Bytes of a refused body that are kept for the operator. */
  refusedBodyBytesMax: number
}

const MINUTE_MS = 60_000

export interface Account {
  entryOf(passage: Passage, end: { outcome: string; status: number; detail: string | null }): RequestEntry
  /** The status of each is that which the sender is told. What a run will say is known later, and kept with the run. */
  accepted(passage: Passage, told: { status: number; events: number; duplicates: number }): void
  /** What is held back is an alert: somebody signs wrongly, or forges. */
  held(passage: Passage, told: { status: number; note: string | null }): void
  /** Accepted or held, and in the journal. */
  journaled(
    passage: Passage,
    told: { status: number; held: boolean; note: string | null; events: number },
  ): void
  answered(passage: Passage, handshake: { kind: string; status: number }): void
  refused(passage: Passage, refusal: Refusal, status: number): void
  close(): void
}

/**
 * Tells ledger, log and metrics of every request. Refusals are written in full only up to a number per minute, and
 * counted beyond it: a flood of refusals never becomes a flood of writes.
 */
export function createAccount(options: AccountOptions): Account {
  const { keeper, metrics, log, fingerprint, serviceName, refusalsLoggedPerMinute } = options
  const quota = createRefusalQuota(refusalsLoggedPerMinute)
  const minute = setInterval(tellCounts, MINUTE_MS)

  function tellCounts(): void {
    for (const counted of quota.nextMinute()) log.warn(counted, 'further refusals in the last minute')
  }

  function entryOf(
    passage: Passage,
    end: { outcome: string; status: number; detail: string | null },
  ): RequestEntry {
    const { arrival, callee, wire } = passage
    const secrets = secretPlacesOf(callee)
    const redact = callee?.integration?.definition.redact
    const isWork = end.outcome === 'accepted' || end.outcome === 'quarantined'
    return {
      id: arrival.id,
      receivedAt: arrival.receivedAt,
      applicationId: callee?.application?.id ?? null,
      integrationId: arrival.integrationId.slice(0, 100),
      sourceIp: passage.sourceIp ?? arrival.socketAddress ?? '',
      method: arrival.method,
      path: redactTarget(arrival.target, fingerprint, {
        secret: secrets.parameters,
        hidden: redact?.parameters ?? [],
      }).slice(0, 4_000),
      headers: redactHeaders(arrival, fingerprint, {
        secret: secrets.headers,
        hidden: redact?.headers ?? [],
      }),
      contentType: headerOf(arrival, 'content-type') ?? null,
      body: wire && mayKeepBody(redact, isWork) ? wire : null,
      bodyBytes: wire?.length ?? 0,
      ...end,
    }
  }

  function observe(ackSeconds: Histogram<string>, passage: Passage, outcome: string): number {
    const ms = performance.timeOrigin + performance.now() - passage.arrival.receivedAt.getTime()
    ackSeconds.observe({ outcome }, ms / 1000)
    return Math.max(0, Math.round(ms * 10) / 10)
  }

  function mayTellInFull(passage: Passage, outcome: string): boolean {
    const sourceIp = passage.sourceIp ?? passage.arrival.socketAddress ?? ''
    return quota.mayTellInFull({ integrationId: bucketOf(passage.callee), outcome, sourceIp })
  }

  return {
    entryOf,
    accepted(passage, { status, ...counts }) {
      const ms = observe(metrics.ackSeconds, passage, 'accepted')
      metrics.requests.inc({ outcome: 'accepted' })
      const told = passage.awaited ? { awaits: passage.awaited.runId } : { status }
      log.info({ ...lineOf(passage), outcome: 'accepted', ...told, ...counts, ms }, 'webhook')
    },
    held(passage, { status, note }) {
      const ms = observe(metrics.ackSeconds, passage, 'accepted')
      metrics.requests.inc({ outcome: 'quarantined' })
      log.warn({ ...lineOf(passage), outcome: 'quarantined', status, note, ms }, 'webhook held in quarantine')
    },
    journaled(passage, { status, held, note, events }) {
      const outcome = held ? 'quarantined' : 'accepted'
      const ms = observe(metrics.ackSeconds, passage, 'accepted')
      metrics.requests.inc({ outcome })
      const line = { ...lineOf(passage), outcome, status, kept: 'journal', events, ms }
      if (held) log.warn({ ...line, note }, 'webhook held in quarantine')
      else log.info(line, 'webhook')
    },
    answered(passage, { kind, status }) {
      const ms = observe(metrics.ackSeconds, passage, 'accepted')
      metrics.requests.inc({ outcome: 'handshake' })
      if (!mayTellInFull(passage, 'handshake')) return
      log.info({ ...lineOf(passage), outcome: 'handshake', handshake: kind, status, ms }, 'webhook')
      keeper.note({ request: entryOf(passage, { outcome: 'handshake', status, detail: kind }), events: [] })
    },
    refused(passage, refusal, status) {
      const ms = observe(metrics.ackSeconds, passage, 'refused')
      metrics.requests.inc({ outcome: refusal.reason })
      if (!mayTellInFull(passage, refusal.reason)) return
      const note = refusal.note ?? sentenceOf(refusal, serviceName)
      log.warn({ ...lineOf(passage), outcome: refusal.reason, status, note, ms }, 'webhook')
      const entry = entryOf(passage, { outcome: refusal.reason, status, detail: note })
      // A copy, or the few bytes that are kept would hold the whole body in memory.
      const body = entry.body && Buffer.from(entry.body.subarray(0, options.refusedBodyBytesMax))
      // What cannot be stored was refused all the same; the log line above has it.
      keeper.note({ request: { ...entry, body }, events: [] })
    },
    close() {
      clearInterval(minute)
      tellCounts()
    },
  }
}

const NO_SECRETS = { headers: [], parameters: [] }

/** Where a request carries the secret itself; a signature made with it gives nothing away. */
function secretPlacesOf(callee: Callee | undefined) {
  const definition = callee?.integration?.definition
  if (!definition?.proof) return NO_SECRETS
  return { ...NO_SECRETS, ...presetOf(definition.source).proof?.secretsIn?.(definition.proof) }
}

function lineOf({ arrival, callee, sourceIp, wire }: Passage) {
  return {
    requestId: arrival.id,
    applicationId: callee?.application?.id,
    integrationId: arrival.integrationId.slice(0, 100),
    sourceIp: sourceIp ?? arrival.socketAddress,
    bytes: wire?.length,
  }
}
