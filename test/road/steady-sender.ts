import { setTimeout as pause } from 'node:timers/promises'
import { exchange, openConnections, type SimulatedRequest } from '../../src/simulator/simulator.ts'

/** A request that was answered, or failed. */
export interface Sent {
  /** The address, as given. */
  to: string
  /** What it was signed with. */
  secret: string
  sentAt: Date
  answeredAt: Date
  /** The status, or why there was none. */
  answer: number | string
}

export interface SteadySender {
  /** In the order in which they were answered. */
  sent: readonly Sent[]
  /** Signs with another secret from here on; resolves once everything that was signed before is answered. */
  switchTo(secret: string): Promise<void>
  /** Resolves once everything is answered. */
  stop(): Promise<void>
}

export interface SteadySenderOptions {
  addresses: readonly string[]
  connectionsEach: number
  /** Between an answer and the next request on the same connection. */
  pauseMs: number
  secret: string
  sign(url: string, secret: string, number: number): SimulatedRequest
}

const ANSWER_WAIT_MS = 30_000

/** A source that sends on without a break, on several connections to each address. */
export function startSteadySender(options: SteadySenderOptions): SteadySender {
  const { addresses, connectionsEach, pauseMs, sign } = options
  const connections = openConnections(connectionsEach * addresses.length)
  const sent: Sent[] = []
  const underWay = new Set<Promise<void>>()
  let { secret } = options
  let number = 0
  let stopped = false

  async function sendOne(to: string): Promise<void> {
    const used = secret
    const sentAt = new Date()
    const answer = await exchange(sign(to, used, number++), connections, ANSWER_WAIT_MS)
    const told = 'failure' in answer ? answer.failure : answer.status
    sent.push({ to, secret: used, sentAt, answeredAt: new Date(), answer: told })
  }

  async function sendOn(to: string): Promise<void> {
    while (!stopped) {
      const sending = sendOne(to)
      underWay.add(sending)
      await sending.finally(() => underWay.delete(sending))
      await pause(pauseMs)
    }
  }

  const lines = addresses.flatMap((to) => Array.from({ length: connectionsEach }, () => sendOn(to)))
  return {
    sent,
    async switchTo(next) {
      secret = next
      await Promise.all(underWay)
    },
    async stop() {
      stopped = true
      await Promise.all(lines)
      connections.close()
    },
  }
}
