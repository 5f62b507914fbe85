import type { Allowlist, Application, Integrations } from '../integrations/integrations.ts'
import type { Ledger } from '../ledger/ledger.ts'
import type { Log } from '../platform/log.ts'
import type { Metrics } from '../platform/metrics.ts'
import { createTurnstile, type Turnstile } from '../platform/turnstile.ts'
import { type Account, createAccount } from './account.ts'
import { type AddressRules, type Callee, collectEverywhere, createCallees } from './allow.ts'
import type { Arrival } from './arrival.ts'
import { createBodyMemory } from './body-room.ts'
import type { CertificateTrust } from './client-certificate.ts'
import type { Handshaking } from './handshake.ts'
import type { Keeper } from './keeper/keeper.ts'
import type { PayloadLimits } from './payload.ts'
import type { Prover } from './prove.ts'
import { createQuarantine } from './quarantine.ts'
import { createRateLimit } from './rate-limit.ts'
import type { Fingerprint } from './redact.ts'
import type { KeyedDigest } from './redact-event.ts'
import { createSecretUses } from './secret-uses.ts'
import type { ProxyTrust } from './source-address.ts'

export interface EdgeOptions {
  integrations: Integrations
  keeper: Pick<Keeper, 'keep' | 'note'>
  ledger: Pick<Ledger, 'countQuarantined' | 'awaitRun'>
  /** Hands runs over to the queue; must not throw and is not waited for. */
  handOver(runIds: string[]): void
  trust: ProxyTrust
  commonAllowlist: Allowlist
  addressRules: Omit<AddressRules, 'everywhere'>
  certificates: CertificateTrust
  limits: PayloadLimits & {
    compressedBytesMax: number
    waitMs: number
    /** Bodies in memory, of all requests together. */
    pendingBytesMax: number
    /** What requests without an answer may take beside their bodies. */
    requestsBytesMax: number
  }
  serviceName: string
  /** As it stands in a parsed URL: ASCII, lower case; empty for none. */
  baseDomain: string
  /** Scheme and host under which the integrations of an application are reached from outside, as configured. */
  addressOf(application: Application): string
  /** The time by which signatures are judged. */
  now(): Date
  proofTools: Prover['tools']
  /** Events that one integration may hold in quarantine. */
  quarantineMax: number
  refusalsLoggedPerMinute: number
  fingerprint: Fingerprint
  keyed: KeyedDigest
  metrics: Metrics
  log: Log
}

/** What the steps of a webhook's way need, made once. */
export interface Gate extends Omit<EdgeOptions, 'addressRules'> {
  addressRules: AddressRules
  calleeOf(arrival: Arrival): Callee
  limitRate(integrationId: string, perSecondMax: number | undefined): void
  openRoom: ReturnType<typeof createBodyMemory>
  /** For what a request takes beside its body, until it is answered. */
  openPlace: ReturnType<typeof createBodyMemory>
  decoding: Turnstile
  account: Account
  prover: Prover
  handshaking: Handshaking
  close(): Promise<void>
}

const REFUSED_BODY_BYTES_MAX = 16_384

/** As many as libuv has threads for it. */
const DECODING_MAX = 4

/** Handshakes that anyone let in may send, per integration. */
const HANDSHAKES = { perSecondMax: 0.5, burstMax: 20 }

export function createGate(options: EdgeOptions): Gate {
  const { integrations, ledger, now, log } = options
  const monotonic = () => performance.now()
  const lists = { integrations, common: options.commonAllowlist }
  const account = createAccount({ ...options, refusedBodyBytesMax: REFUSED_BODY_BYTES_MAX })
  const uses = createSecretUses(integrations, now, log)
  const limitHandshakes = createRateLimit(monotonic)
  return {
    ...options,
    account,
    addressRules: { ...options.addressRules, everywhere: collectEverywhere(lists) },
    calleeOf: createCallees(lists),
    limitRate: createRateLimit(monotonic),
    openRoom: createBodyMemory(options.limits.pendingBytesMax),
    openPlace: createBodyMemory(options.limits.requestsBytesMax),
    decoding: createTurnstile(DECODING_MAX),
    prover: {
      tools: options.proofTools,
      pinnedOf: (integrationId) => integrations.handshakeOf(integrationId)?.pinned ?? undefined,
      secretUsed: (integrationId, secret) => uses.used(integrationId, secret.id),
      mayHold: createQuarantine(ledger, options.quarantineMax, monotonic),
    },
    handshaking: {
      integrations,
      now,
      limit: (integrationId) => limitHandshakes(integrationId, HANDSHAKES.perSecondMax, HANDSHAKES.burstMax),
    },
    async close() {
      account.close()
      await uses.close()
    },
  }
}
