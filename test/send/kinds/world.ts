import { createTokens } from '../../../src/http-request/http-request.ts'
import {
  type ConfigOf,
  checkDestination,
  type DestinationConfig,
} from '../../../src/integrations/destination-config.ts'
import { createOutbound } from '../../../src/outbound/outbound.ts'
import type { Json } from '../../../src/payload/exact-json.ts'
import { newId } from '../../../src/platform/ids.ts'
import { createSenders, type OwnServers, type Senders } from '../../../src/send/send.ts'

export type Given<Kind extends DestinationConfig['kind']> = { kind: Kind } & Record<string, unknown>

/** A config as the API reads it. */
export function configOf<Kind extends DestinationConfig['kind']>(given: Given<Kind>): ConfigOf<Kind> {
  const checked = checkDestination(given)
  if (!checked.ok) throw new Error(JSON.stringify(checked.problems))
  return checked.config as ConfigOf<Kind>
}

export interface Bench {
  senders: Senders
  /** Sends once. The same `deliveryId` again is another attempt of the same delivery. */
  send(given: Given<DestinationConfig['kind']>, item: Json, attempt?: Partial<Attempt>): Promise<Sent>
  close(): Promise<void>
}

interface Attempt {
  deliveryId: string
  number: number
  destinationId: string
  isTest: boolean
}

export type Sent = Awaited<ReturnType<Senders['send']>> & { came: string }

interface BenchOptions {
  own: OwnServers
  filesDir: string
  host: string
}

const NO_SERVERS: OwnServers = { postgres: async () => 'none', redis: async () => [] }

/** Senders that may reach these ports of this machine, and of one more host where one is named. */
export function openBench(
  ports: number[],
  { own = NO_SERVERS, filesDir = '', host = 'localhost' }: Partial<BenchOptions> = {},
): Bench {
  const hosts = new Set(['127.0.0.1', 'localhost', host])
  const allowed = ports.flatMap((port) => [...hosts].map((name) => ({ host: name, port })))
  const outbound = createOutbound({ allowed, log: { warn() {} } })
  const senders = createSenders({ outbound, tokens: createTokens({ outbound }), own, filesDir })
  return {
    senders,
    async send(given, item, attempt = {}) {
      const { deliveryId = newId(), number = 1, destinationId = 'd1', isTest = false } = attempt
      const facts = { deliveryId, attempt: number, sentAt: new Date(), version: '1.2.3', isTest }
      const destination = { id: destinationId, config: configOf(given) }
      const { signal } = new AbortController()
      const sent = await senders.send(destination, item, facts, { signal })
      const came = sent.answer?.ok ? sent.answer.body.toString() : ''
      return { ...sent, came }
    },
    async close() {
      senders.close()
      await outbound.close()
    },
  }
}

/** `dead unauthorized` */
export function verdictOf({ verdict }: Sent): string {
  return `${verdict.verdict} ${verdict.reason}`
}
