import { createTokens } from '../http-request/http-request.ts'
import type { Outbound } from '../outbound/outbound.ts'
import type { Settings } from '../platform/settings.ts'
import { createSenders, type OwnServers, type Senders } from '../send/send.ts'

/** Senders of every kind over one way out. */
export function openSenders({ FILES_DIR }: Settings, outbound: Outbound, own: OwnServers): Senders {
  return createSenders({ outbound, tokens: createTokens({ outbound }), own, filesDir: FILES_DIR })
}
