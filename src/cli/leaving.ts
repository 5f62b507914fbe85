import type { Settings } from '../platform/settings.ts'
import type { Role } from './gateway.ts'

/**
 * Whether this process is about to stop. Load balancers hear of it from `/health/ready`, senders by each answer closing
 * its connection; until they have, requests still come and are answered as ever.
 */
export interface Leaving {
  hasBegun(): boolean
  begin(): void
}

export function createLeaving(): Leaving {
  let hasBegun = false
  return {
    hasBegun: () => hasBegun,
    begin() {
      hasBegun = true
    },
  }
}

/** How long the notice is given: nobody sends webhooks to a worker, and nobody stands in front of the embedded mode. */
export function noticeMs({ STOP_NOTICE_MS, DATABASE_URL }: Settings, role: Role): number {
  return role === 'worker' || DATABASE_URL === '' ? 0 : STOP_NOTICE_MS
}
