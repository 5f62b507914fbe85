/**
 * May this request become events? The way of a webhook from its arrival to its answer; nothing else decides what
 * happens next.
 */
import type { Socket } from 'node:net'
import type { HttpBindings } from '@hono/node-server'
import { Hono } from 'hono'
import { type Allowlist, hasNoContent, type Integration } from '../integrations/integrations.ts'
import type { Log } from '../platform/log.ts'
import type { Verdict } from '../sources/sources.ts'
import type { Passage } from './account.ts'
import { allowAddress, allowStranger, type Callee } from './allow.ts'
import { answerOfRun } from './answer-of-run.ts'
import { type Arrival, arrivalOf, arrivalOfBroken, askForBody, bytesOf, headerOf } from './arrival.ts'
import { createDomainCheck, type DomainCheck } from './domain-check.ts'
import { enter, requireEvent } from './entrance.ts'
import { eventsOf } from './events.ts'
import { createGate, type EdgeOptions, type Gate } from './gate.ts'
import { type Answered, answerHandshake } from './handshake.ts'
import { keep } from './keep.ts'
import { bringIn } from './keeper/bring-in.ts'
import {
  type JournalsOptions,
  journalNames,
  type OpenedJournal,
  openUnlessLocked,
} from './keeper/journals.ts'
import { type Keeper, type KeeperStanding, NotKept, openKeeper } from './keeper/keeper.ts'
import { type Heard, hear } from './message.ts'
import { judge, requireProven } from './prove.ts'
import { type BodyRoom, noRoom } from './read-body.ts'
import { receiveBody, requireWithin } from './receive-body.ts'
import { REFUSALS, Refusal } from './refusal.ts'
import { type Answer, acceptance, answerOf, wordRefusal } from './reply.ts'
import {
  isTrustedProxy,
  type ProxyTrust,
  parseTrustedProxies,
  type SourceAddress,
  sourceAddress,
} from './source-address.ts'

export {
  type Allowlist,
  askForBody,
  bringIn,
  createDomainCheck,
  type DomainCheck,
  type EdgeOptions,
  isTrustedProxy,
  type JournalsOptions,
  journalNames,
  type Keeper,
  type KeeperStanding,
  type OpenedJournal,
  openKeeper,
  openUnlessLocked,
  type ProxyTrust,
  parseTrustedProxies,
  REFUSALS,
  sourceAddress,
}

export interface Edge {
  /** Answers `/integration/…` and nothing else. */
  app: Hono<{ Bindings: HttpBindings }>
  /** Accounts for what broke before it was a request, and gives the answer to it. */
  refuseBroken(socket: Socket, fault: BrokenRequest, detail: string): Answer
  close(): Promise<void>
}

export type BrokenRequest =
  | 'not_http'
  | 'headers_too_large'
  | 'too_slow'
  | 'broken_off'
  | 'method_not_allowed'
  | 'too_many_connections'

export function createEdge(options: EdgeOptions): Edge {
  const gate = createGate(options)
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
      const answer = wordRefusal(refusal, gate.serviceName)
      gate.account.refused({ arrival: arrivalOfBroken(socket) }, refusal, answer.status)
      return answer
    },
    close: () => gate.close(),
  }
}

/** The slug in `webhook-<slug>.<base domain>`, or undefined in an address under any other host name. */
export function webhookSlug(url: string, baseDomain: string): string | undefined {
  if (baseDomain === '') return undefined
  const name = new URL(url).hostname.replace(/\.$/, '')
  const suffix = `.${baseDomain}`
  return name.startsWith('webhook-') && name.endsWith(suffix)
    ? name.slice('webhook-'.length, -suffix.length)
    : undefined
}

async function answer(arrival: Arrival, gate: Gate): Promise<Response> {
  const passage: Passage = { arrival }
  const room = gate.openRoom()
  const place = gate.openPlace()
  try {
    if (!place.take(bytesOf(arrival))) throw noRoom()
    const usual = await admit(passage, gate, room)
    // A sender that is kept waiting holds no memory that others need for their bodies.
    delete passage.wire
    room.release()
    return respond(await answerOfRun(passage, usual, gate.ledger))
  } catch (error) {
    const refusal = refusalOf(error, gate.log)
    const integration = passage.welcome ? passage.callee?.integration : undefined
    const answer = wordRefusal(refusal, gate.serviceName, integration)
    gate.account.refused(passage, refusal, answer.status)
    return respond(answer)
  } finally {
    room.release()
    place.release()
  }
}

async function admit(passage: Passage, gate: Gate, room: BodyRoom): Promise<Answer> {
  const { arrival } = passage
  const from = sourceAddress(evidenceOf(arrival), gate.trust)
  if ('address' in from) passage.sourceIp = from.address
  const callee = gate.calleeOf(arrival)
  passage.callee = callee
  const welcome = await allowAddress(from, arrival, callee, gate.addressRules)
  if (welcome === 'stranger') return admitStranger(passage, from, callee, gate, room)
  const integration = enter(passage, gate)
  const body = await receiveBody(passage, integration, gate, room)
  const heard = hear(passage, body, integration, gate)
  const early = await answerHandshake(heard.message, integration, 'before proof', gate.handshaking)
  if (early) return handshaken(passage, early, integration, gate)
  requireEvent(arrival, integration)
  const verdict = await judge(heard.message, integration, gate.prover)
  return accept(passage, heard, verdict, integration, gate)
}

/**
 * A stranger's address is on no list, but he carries what may prove him to be of a listed domain. Until that is
 * decided, everything goes the same way whether the integration exists or not; and a handshake that comes before
 * proof is none of his.
 */
async function admitStranger(
  passage: Passage,
  from: SourceAddress,
  callee: Callee,
  gate: Gate,
  room: BodyRoom,
): Promise<Answer> {
  const body = await receiveBody(passage, undefined, gate, room)
  const called = callee.integration
  const verdict = called && (await judge(hear(passage, body, called, gate).message, called, gate.prover))
  await allowStranger(from, callee, verdict?.proven === true, gate.addressRules)
  const integration = enter(passage, gate)
  requireWithin(body, integration, gate)
  requireEvent(passage.arrival, integration)
  return accept(passage, hear(passage, body, integration, gate), verdict, integration, gate)
}

async function accept(
  passage: Passage,
  { message, payload }: Heard,
  verdict: Verdict | undefined,
  integration: Integration,
  gate: Gate,
): Promise<Answer> {
  const proven = await requireProven(verdict, message, integration, gate.prover)
  const late = !proven.held && (await answerHandshake(message, integration, 'after proof', gate.handshaking))
  if (late) return handshaken(passage, late, integration, gate)
  const events = eventsOf(payload.read(proven.known), message, integration, proven.held, gate.keyed)
  return keep(passage, events, proven, integration, gate)
}

function handshaken(
  passage: Passage,
  { kind, reply }: Answered,
  integration: Integration,
  gate: Gate,
): Answer {
  const answer = reply ? answerOf(reply) : acceptance(integration)
  gate.account.answered(passage, { kind, status: answer.status })
  return answer
}

function evidenceOf(arrival: Arrival) {
  return { socketAddress: arrival.socketAddress, header: (name: string) => headerOf(arrival, name) }
}

function refusalOf(error: unknown, log: Log): Refusal {
  if (error instanceof Refusal) return error
  if (error instanceof NotKept) return new Refusal('not_stored', '', error.message)
  log.error({ err: error }, 'a defect ended a request')
  return new Refusal('defect')
}

/** Of an empty body nothing is said, a content type least of all. */
function respond({ status, headers, body }: Answer): Response {
  // A Content-Length beside these would make the client take what follows for a body (RFC 9110 section 8.6).
  return new Response(body === '' || hasNoContent(status) ? null : body, { status, headers })
}
