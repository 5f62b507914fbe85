/**
 * May this request become events? The way of a webhook from its arrival to its answer; nothing else decides what
 * happens next.
 */
import type { Socket } from 'node:net'
import type { HttpBindings } from '@hono/node-server'
import { Hono } from 'hono'
import type { Allowlist, Integrations } from '../integrations/integrations.ts'
import { type Ledger, LedgerUnavailable, type Recorded } from '../ledger/ledger.ts'
import type { Log } from '../platform/log.ts'
import type { Metrics } from '../platform/metrics.ts'
import { proofFault } from '../sources/sources.ts'
import { type Account, createAccount, type Passage } from './account.ts'
import { type AddressRules, allowAddress, type Callee, collectDomains, createCallees } from './allow.ts'
import { type Arrival, arrivalOf, arrivalOfBroken, askForBody, headerOf } from './arrival.ts'
import { createBodyMemory } from './body-room.ts'
import { createDomainCheck, type DomainCheck } from './domain-check.ts'
import { eventsOf } from './events.ts'
import { decodeBody, limitsOf, type PayloadLimits, readPayload, wireBytesMax } from './payload.ts'
import { createRateLimit } from './rate-limit.ts'
import { type BodyRoom, noRoom, readBody } from './read-body.ts'
import type { Fingerprint } from './redact.ts'
import { REFUSALS, RETRY_AFTER_SECONDS, Refusal, sentenceOf } from './refusal.ts'
import { type ProxyTrust, parseTrustedProxies, sourceAddress } from './source-address.ts'

export {
  type Allowlist,
  askForBody,
  createDomainCheck,
  type DomainCheck,
  type ProxyTrust,
  parseTrustedProxies,
  REFUSALS,
}

export interface EdgeOptions {
  integrations: Integrations
  ledger: Pick<Ledger, 'record'>
  /** Hands runs over to the queue; must not throw and is not waited for. */
  handOver(runIds: string[]): void
  trust: ProxyTrust
  commonAllowlist: Allowlist
  addressRules: Omit<AddressRules, 'allDomains'>
  limits: PayloadLimits & {
    compressedBytesMax: number
    waitMs: number
    /** Bodies in memory, of all requests together. */
    pendingBytesMax: number
  }
  serviceName: string
  baseDomain: string
  refusalsLoggedPerMinute: number
  fingerprint: Fingerprint
  metrics: Metrics
  log: Log
}

interface Gate extends Omit<EdgeOptions, 'addressRules'> {
  addressRules: AddressRules
  calleeOf(arrival: Arrival): Callee
  limitRate(integrationId: string, perSecondMax: number | undefined): void
  openRoom: ReturnType<typeof createBodyMemory>
  account: Account
}

export interface Edge {
  /** Answers `/integration/…` and nothing else. */
  app: Hono<{ Bindings: HttpBindings }>
  /** Accounts for what broke before it was a request, and gives the answer to it. */
  refuseBroken(socket: Socket, fault: BrokenRequest, detail: string): RefusalAnswer
  close(): void
}

export interface RefusalAnswer {
  status: number
  headers: Record<string, string>
  body: string
}

export type BrokenRequest = 'not_http' | 'headers_too_large' | 'too_slow'

const REFUSED_BODY_BYTES_MAX = 16_384
const ACCEPTED = JSON.stringify({ result: true, error: '' })

export function createEdge(options: EdgeOptions): Edge {
  const gate: Gate = {
    ...options,
    addressRules: {
      ...options.addressRules,
      allDomains: collectDomains({ integrations: options.integrations, common: options.commonAllowlist }),
    },
    calleeOf: createCallees({ integrations: options.integrations, common: options.commonAllowlist }),
    limitRate: createRateLimit(() => performance.now()),
    openRoom: createBodyMemory(options.limits.pendingBytesMax),
    account: createAccount({ ...options, refusedBodyBytesMax: REFUSED_BODY_BYTES_MAX }),
  }
  const app = new Hono<{ Bindings: HttpBindings }>()
  for (const [path, asXml] of [
    ['/integration/:id', false],
    ['/integration/:id/xml', true],
  ] as const) {
    app.all(path, (context) => {
      const { incoming, outgoing } = context.env as HttpBindings
      const slug = webhookSlug(context.req.url, gate.baseDomain)
      const address = { slug, integrationId: context.req.param('id'), asXml }
      return answer(arrivalOf(incoming, outgoing, address), gate)
    })
  }
  app.notFound((context) => {
    const { incoming, outgoing } = context.env as HttpBindings
    return answer(arrivalOf(incoming, outgoing, { slug: undefined, integrationId: '', asXml: false }), gate)
  })
  return {
    app,
    refuseBroken(socket, fault, detail) {
      const refusal = new Refusal(fault, detail)
      gate.account.refused({ arrival: arrivalOfBroken(socket) }, refusal)
      return wordRefusal(refusal, gate.serviceName)
    },
    close: () => gate.account.close(),
  }
}

/** The slug in `webhook-<slug>.<base domain>`, or undefined in an address under any other host name. */
export function webhookSlug(url: string, baseDomain: string): string | undefined {
  if (baseDomain === '') return undefined
  const name = new URL(url).hostname.replace(/\.$/, '')
  const suffix = `.${baseDomain.toLowerCase()}`
  return name.startsWith('webhook-') && name.endsWith(suffix)
    ? name.slice('webhook-'.length, -suffix.length)
    : undefined
}

async function answer(arrival: Arrival, gate: Gate): Promise<Response> {
  const passage: Passage = { arrival }
  const room = gate.openRoom()
  try {
    const recorded = await admit(passage, gate, room)
    const duplicates = recorded.filter((event) => 'duplicateOf' in event).length
    gate.account.accepted(passage, { events: recorded.length, duplicates })
    return new Response(ACCEPTED, { status: 200, headers: { 'content-type': 'application/json' } })
  } catch (error) {
    const refusal = refusalOf(error, gate.log)
    gate.account.refused(passage, refusal)
    return refuse(refusal, gate.serviceName)
  } finally {
    room.release()
  }
}

async function admit(passage: Passage, gate: Gate, room: BodyRoom): Promise<Recorded[]> {
  const { arrival } = passage
  const from = sourceAddress(evidenceOf(arrival), gate.trust)
  if ('address' in from) passage.sourceIp = from.address
  const callee = gate.calleeOf(arrival)
  passage.callee = callee
  await allowAddress(from, arrival, callee, gate.addressRules)
  const integration = requireEnabled(arrival, callee)
  gate.limitRate(integration.id, integration.definition.limits.requestsPerSecondMax)
  const limits = limitsOf(integration, gate.limits)
  const bytesMax = wireBytesMax(arrival, limits.bodyBytesMax, gate.limits.compressedBytesMax)
  passage.wire = await readBody(arrival, { bytesMax, waitMs: gate.limits.waitMs }, room)
  const body = await decodeBody(passage.wire, arrival, limits.bodyBytesMax)
  if (body !== passage.wire && !room.take(body.length)) throw noRoom()
  requireProof(arrival, body, callee)
  const payload = readPayload(body, passage.wire, arrival, integration, limits)
  const events = eventsOf(payload, body, integration, (name) => headerOf(arrival, name))
  const request = gate.account.entryOf(passage, { outcome: 'accepted', status: 200, detail: null })
  const recorded = await gate.ledger.record({ request, events })
  gate.handOver(recorded.flatMap((event) => ('runId' in event ? [event.runId] : [])))
  return recorded
}

function evidenceOf(arrival: Arrival) {
  return { socketAddress: arrival.socketAddress, header: (name: string) => headerOf(arrival, name) }
}

function requireEnabled(arrival: Arrival, { application, integration }: Callee) {
  if (arrival.integrationId === '') throw new Refusal('no_webhook_address')
  if (arrival.method !== 'POST') throw new Refusal('method_not_allowed')
  if (!integration || !application) throw new Refusal('unknown_integration')
  if (!application.webhooksEnabled) throw new Refusal('application_disabled')
  if (!integration.enabled) throw new Refusal('integration_disabled')
  return integration
}

function requireProof(arrival: Arrival, body: Buffer, { integration }: Callee): void {
  const proof = integration?.definition.proof
  const fault = proof && proofFault(proof, (name) => headerOf(arrival, name), body)
  if (fault) throw new Refusal('unproven', '', fault)
}

function refusalOf(error: unknown, log: Log): Refusal {
  if (error instanceof Refusal) return error
  if (error instanceof LedgerUnavailable) return new Refusal('not_stored', '', error.message)
  log.error({ err: error }, 'a defect ended a request')
  return new Refusal('defect')
}

function refuse(refusal: Refusal, serviceName: string): Response {
  const { body, ...init } = wordRefusal(refusal, serviceName)
  return new Response(body, init)
}

function wordRefusal(refusal: Refusal, serviceName: string): RefusalAnswer {
  const { status, tryAgain } = REFUSALS[refusal.reason]
  const headers: Record<string, string> = { 'content-type': 'application/json' }
  if (tryAgain) headers['retry-after'] = String(RETRY_AFTER_SECONDS)
  if (status === 405) headers.allow = 'POST'
  return { status, headers, body: JSON.stringify({ result: false, error: sentenceOf(refusal, serviceName) }) }
}
