import { createHmac } from 'node:crypto'
import { createDomainCheck, createEdge, type Edge, type EdgeOptions } from '../edge/edge.ts'
import type { Settings } from '../platform/settings.ts'
import type { CheckedSettings } from './checked-settings.ts'
import type { Closers } from './closers.ts'
import type { Foundations } from './foundations.ts'
import type { ProofWorld } from './proofs.ts'

export interface OpenEdgeOptions extends Foundations, Pick<EdgeOptions, 'keeper' | 'addressOf' | 'log'> {
  settings: Settings
  checked: CheckedSettings
  proofs: ProofWorld
  loopbackAllowed: boolean
  closers: Closers
}

export function openEdge(options: OpenEdgeOptions): Edge {
  const { settings, checked, closers, handOver, proofs, loopbackAllowed, fingerprintKey } = options
  const domainCheck = createDomainCheck({
    servers: settings.DNS_SERVERS,
    budgetMs: settings.DNS_BUDGET_MS,
    now: () => performance.now(),
  })
  closers.add(domainCheck, (opened) => opened.close())
  const { integrations, keeper, ledger, metrics, log, addressOf } = options
  const keyed = (text: string) => createHmac('sha256', fingerprintKey).update(text).digest('hex')
  const edge = createEdge({
    integrations,
    keeper,
    ledger,
    handOver: handOver.runs,
    trust: checked.trust,
    commonAllowlist: checked.allowlist,
    addressRules: { domainCheck, loopbackAllowed },
    certificates: checked.certificates,
    limits: {
      bodyBytesMax: settings.BODY_BYTES_MAX,
      compressedBytesMax: settings.COMPRESSED_BYTES_MAX,
      depthMax: settings.BODY_DEPTH_MAX,
      keysMax: settings.BODY_KEYS_MAX,
      waitMs: settings.BODY_WAIT_MS,
      pendingBytesMax: settings.PENDING_BYTES_MAX,
      requestsBytesMax: settings.REQUESTS_BYTES_MAX,
    },
    serviceName: settings.SERVICE_NAME,
    baseDomain: checked.baseDomain,
    addressOf,
    now: proofs.now,
    proofTools: { fetchText: proofs.fetchText, rootCertificates: proofs.rootCertificates },
    quarantineMax: settings.QUARANTINE_MAX,
    refusalsLoggedPerMinute: settings.REFUSALS_LOGGED_PER_MINUTE,
    fingerprint: (secret) => `fingerprint:${keyed(secret).slice(0, 12)}`,
    keyed,
    metrics,
    log,
  })
  return closers.add(edge, (opened) => opened.close())
}
