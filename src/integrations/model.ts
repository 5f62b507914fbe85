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
