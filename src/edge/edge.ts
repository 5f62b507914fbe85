/**
 * May this request become events? The way of a webhook from its arrival to its answer; nothing else decides what
 * happens next.
 */
import type { HttpBindings } from '@hono/node-server'
import { Hono } from 'hono'
import type { Allowlist, Integrations } from '../integrations/integrations.ts'
import { type Ledger, LedgerUnavailable, type Recorded } from '../ledger/ledger.ts'
import type { Log } from '../platform/log.ts'
import type { Metrics } from '../platform/metrics.ts'
import { proofFault } from '../sources/sources.ts'
import { type Account, createAccount, type Passage } from './account.ts'
import { type AddressRules, allowAddress, type Callee, collectDomains, createCallees } from './allow.ts'
import { type Arrival, arrivalOf, headerOf } from './arrival.ts'
import { createDomainCheck, type DomainCheck } from './domain-check.ts'
import { eventsOf } from './events.ts'
import { decodeBody, limitsOf, type PayloadLimits, readPayload } from './payload.ts'
import { createRateLimit } from './rate-limit.ts'
import { readBody } from './read-body.ts'
import type { Fingerprint } from './redact.ts'
import { REFUSALS, RETRY_AFTER_SECONDS, Refusal, sentenceOf } from './refusal.ts'
import { type ProxyTrust, parseTrustedProxies, sourceAddress } from './source-address.ts'

export { type Allowlist, createDomainCheck, type DomainCheck, type ProxyTrust, parseTrustedProxies, REFUSALS }

export interface EdgeOptions {
  integrations: Integrations
  ledger: Pick<Ledger, 'record'>
  /** Hands runs over to the queue; must not throw and is not waited for. */
  handOver(runIds: string[]): void
  trust: ProxyTrust
  commonAllowlist: Allowlist
  addressRules: Omit<AddressRules, 'allDomains'>
  limits: PayloadLimits & { wireBytesMax: number; waitMs: number }
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
  account: Account
}

export interface Edge {
  /** Answers `/integration/…` and nothing else. */
  app: Hono<{ Bindings: HttpBindings }>
  close(): void
}

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
    account: createAccount({ ...options, refusedBodyBytesMax: REFUSED_BODY_BYTES_MAX }),
  }
  const app = new Hono<{ Bindings: HttpBindings }>()
  for (const [path, asXml] of [
    ['/integration/:id', false],
    ['/integration/:id/xml', true],
  ] as const) {
    app.all(path, (context) => {
      const { incoming } = context.env
      const slug = webhookSlug(incoming.headers.host, gate.baseDomain)
      return answer(arrivalOf(incoming, { slug, integrationId: context.req.param('id'), asXml }), gate)
    })
  }
  app.notFound((context) =>
    context.json({ result: false, error: 'Webhooks are sent to /integration/<id>' }, 404),
  )
  return { app, close: () => gate.account.close() }
}

/** The slug in `webhook-<slug>.<base domain>`, or undefined on any other host name. */
export function webhookSlug(host: string | undefined, baseDomain: string): string | undefined {
  if (baseDomain === '' || host === undefined) return undefined
  const name = host.replace(/:[0-9]+$/, '').toLowerCase()
  const suffix = `.${baseDomain.toLowerCase()}`
  return name.startsWith('webhook-') && name.endsWith(suffix)
    ? name.slice('webhook-'.length, -suffix.length)
    : undefined
}

async function answer(arrival: Arrival, gate: Gate): Promise<Response> {
  const passage: Passage = { arrival }
  try {
    const recorded = await admit(passage, gate)
    const duplicates = recorded.filter((event) => 'duplicateOf' in event).length
    gate.account.accepted(passage, { events: recorded.length, duplicates })
    return new Response(ACCEPTED, { status: 200, headers: { 'content-type': 'application/json' } })
  } catch (error) {
    const refusal = refusalOf(error, gate.log)
    gate.account.refused(passage, refusal)
    return refuse(refusal, gate.serviceName)
  }
}

async function admit(passage: Passage, gate: Gate): Promise<Recorded[]> {
  const { arrival } = passage
  const from = sourceAddress(evidenceOf(arrival), gate.trust)
  if ('address' in from) passage.sourceIp = from.address
  const callee = gate.calleeOf(arrival)
  passage.callee = callee
  await allowAddress(from, arrival, callee, gate.addressRules)
  const integration = requireEnabled(arrival, callee)
  gate.limitRate(integration.id, integration.definition.limits.requestsPerSecondMax)
  const limits = limitsOf(integration, gate.limits)
  const wireBytesMax = Math.max(gate.limits.wireBytesMax, limits.bodyBytesMax)
  passage.wire = await readBody(arrival.incoming, { bytesMax: wireBytesMax, waitMs: gate.limits.waitMs })
  const body = await decodeBody(passage.wire, arrival, limits.bodyBytesMax)
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
  const { status, tryAgain } = REFUSALS[refusal.reason]
  const headers: Record<string, string> = { 'content-type': 'application/json' }
  if (tryAgain) headers['retry-after'] = String(RETRY_AFTER_SECONDS)
  if (status === 405) headers.allow = 'POST'
  return new Response(JSON.stringify({ result: false, error: sentenceOf(refusal, serviceName) }), {
    status,
    headers,
  })
}
