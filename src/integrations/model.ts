import type { Definition } from './definition.ts'
import type { DestinationConfig } from './destination-config.ts'

export interface Application {
  id: string
  /** DNS-safe; the host name is `webhook-<slug>.<BASE_DOMAIN>`. */
  slug: string
  name: string
  webhooksEnabled: boolean
  allowedList: string[]
}

export interface Integration {
  id: string
  applicationId: string
  name: string
  enabled: boolean
  version: number
  definition: Definition
}

/** What a source told before any event, and whether its sender is pinned. */
export interface HandshakeState {
  /** Until then a handshake may pin the sender. */
  waitingUntil: Date | null
  /** What identifies the sender; null until a handshake pinned it. */
  pinned: Readonly<Record<string, string>> | null
  /** What it was that came last, such as `subscribed`. */
  kind: string | null
  /** What it told the operator. */
  note: Readonly<Record<string, string>> | null
  receivedAt: Date | null
}

/** The addresses that a source publishes, as they were last fetched. */
export interface PublishedList {
  source: string
  /** Canonical addresses and CIDRs. */
  entries: readonly string[]
  fetchedAt: Date
}

export interface Destination {
  id: string
  applicationId: string
  name: string
  enabled: boolean
  config: DestinationConfig
}

export interface RewriteFunction {
  id: string
  /** Null for a function from a file, which every application may use. */
  applicationId: string | null
  name: string
  /** SHA-256 of the source, in hex. */
  version: string
  enabled: boolean
}
