import { setTimeout as pause } from 'node:timers/promises'
import { type Connections, exchange, openConnections } from '../src/simulator/simulator.ts'
import type { RecordFile, Sent } from './record.ts'
import { NUMBERS_PER_PHASE, type NumberedRequest, requestOf, type Stream } from './requests.ts'

export interface SendingOrder {
  seed: number
  /** Of the phase: its numbers begin at this times {@link NUMBERS_PER_PHASE}. */
  index: number
  /** Where the edges listen, as `http://127.0.0.1:port`. */
  edges: string[]
  /** The id of the integration of each stream. */
  integrations: Record<Stream, string>
  perSecond: number
  /** Whether what was refused is sent again, as good sources do, or only counted. */
  retries: boolean
}

/** What a sender knows. */
export interface Sight {
  /** The numbers that were acknowledged. */
  acked: number[]
  /** Other answers. */
  refused: number
  /** Connections that nobody took. */
  untaken: number
  /** Requests whose answer never came. */
  unknown: number
  /** For each edge, when the latest request that it has acknowledged was sent: milliseconds since 1970. */
  latestAckSentAt: number[]
}

export interface Sending {
  sight(): Sight
  settle(withinMs: number): Promise<void>
}

const CONNECTIONS_PER_EDGE = 48
/** As long as patient sources wait. */
const ANSWER_WAIT_MS = 10_000
const RETRY_PAUSE_MS = 300
const BALANCING_PAUSE_MS = 20

/**
 * Sends at a steady rate, whatever the edges do, to whichever of them; what has to keep its order goes to the same edge
 * each time, one after the other, as behind a balancer that keeps its clients.
 */
export function startSending(order: SendingOrder, record: RecordFile<Sent>): Sending {
  const { edges, seed, index } = order
  const connections = openConnections(CONNECTIONS_PER_EDGE)
  const sight: Sight = { acked: [], refused: 0, untaken: 0, unknown: 0, latestAckSentAt: edges.map(() => 0) }
  const underWay = edges.map(() => 0)
  const open = new Set<Promise<void>>()
  const chains = new Map<number, Promise<void>>()
  let turn = 0
  const stop = new AbortController()
  const giveUp = new AbortController()
  const beginning = numberOnTheClock(order.perSecond, stop.signal, (count) => {
    const request = requestOf(seed, index * NUMBERS_PER_PHASE + count)
    if (request.orderKey === null && freeEdges().length === 0) return false
    const ending = begin(request)
    open.add(ending)
    void ending.finally(() => open.delete(ending))
    return true
  })

  function freeEdges(): number[] {
    return edges.map((_, edge) => edge).filter((edge) => (underWay[edge] ?? 0) < CONNECTIONS_PER_EDGE)
  }

  function begin(request: NumberedRequest): Promise<void> {
    const { orderKey } = request
    if (orderKey === null) return sendUntilDone(request, nextEdge)
    const edge = orderKey % edges.length
    const before = chains.get(orderKey) ?? Promise.resolve()
    const ending = before.then(() => sendUntilDone(request, () => edge))
    chains.set(orderKey, ending)
    return ending
  }

  /** In turn, but past one that leaves everything unanswered. */
  function nextEdge(): number {
    turn += 1
    const free = freeEdges()
    return free[turn % Math.max(1, free.length)] ?? turn % edges.length
  }

  async function sendUntilDone(request: NumberedRequest, edgeOf: () => number): Promise<void> {
    let untaken = 0
    while (!giveUp.signal.aborted) {
      const sent = await sendOnce(request, edgeOf())
      await record.append(sent)
      count(sent)
      if (sent.end === 'acked' || !isSentAgain(request, sent)) return
      untaken = sent.end === 'untaken' ? untaken + 1 : 0
      // As a balancer does it: another edge may be there at once.
      const hasOther = request.orderKey === null && untaken > 0 && untaken % edges.length !== 0
      const pauseMs = hasOther ? BALANCING_PAUSE_MS : RETRY_PAUSE_MS
      await pause(pauseMs, undefined, { signal: giveUp.signal }).catch(() => {})
    }
  }

  /** Without a dedupe key a second copy could become a second event: then a silent end is left at that. */
  function isSentAgain({ dedupeKey }: NumberedRequest, { end }: Sent): boolean {
    if (end === 'untaken') return true
    return order.retries && (end === 'refused' || dedupeKey !== null)
  }

  async function sendOnce(request: NumberedRequest, edge: number): Promise<Sent> {
    underWay[edge] = (underWay[edge] ?? 0) + 1
    const sentAt = Date.now()
    const begunMs = performance.now()
    const url = `${edges[edge]}/integration/${order.integrations[request.stream]}${request.query}`
    const end = await post(url, request, connections)
    underWay[edge] = (underWay[edge] ?? 0) - 1
    const tookMs = Math.round((performance.now() - begunMs) * 10) / 10
    return { number: request.number, edge, sentAt, tookMs, ...end }
  }

  function count({ number, end, edge, sentAt }: Sent): void {
    if (end === 'acked') {
      sight.acked.push(number)
      sight.latestAckSentAt[edge] = Math.max(sight.latestAckSentAt[edge] ?? 0, sentAt)
    } else sight[end] += 1
  }

  return {
    sight: () => sight,
    async settle(withinMs) {
      stop.abort()
      await beginning
      const late = setTimeout(() => giveUp.abort(), withinMs)
      while (open.size > 0) await Promise.all(open)
      clearTimeout(late)
      connections.close()
    },
  }
}

/** Calls `begin` with 1, 2, 3, … at the rate; a number that it does not take is not used up. */
async function numberOnTheClock(
  perSecond: number,
  stop: AbortSignal,
  begin: (count: number) => boolean,
): Promise<void> {
  const startMs = performance.now()
  let count = 1
  for (let due = 0; !stop.aborted; due++) {
    const waitMs = startMs + (due * 1_000) / perSecond - performance.now()
    if (waitMs > 0) await pause(waitMs, undefined, { signal: stop }).catch(() => {})
    if (!stop.aborted && begin(count)) count += 1
  }
}

async function post(
  url: string,
  { headers, body }: NumberedRequest,
  connections: Connections,
): Promise<Pick<Sent, 'end' | 'answer'>> {
  const answer = await exchange({ method: 'POST', url, headers, body }, connections, ANSWER_WAIT_MS)
  if ('failure' in answer) return { end: answer.isUnsent ? 'untaken' : 'unknown', answer: answer.failure }
  return { end: answer.status === 200 ? 'acked' : 'refused', answer: answer.status }
}
