import type { Destination } from '../integrations/integrations.ts'

/** Long enough for the default time-out of a destination and for a busy worker to commit the end. */
export const LEASE_MS = 45_000
const LEASE_MARGIN_MS = 15_000

/** How long an attempt may take where it may take longer than others; undefined for most. */
export function longerLeaseMs(destination: Destination | undefined): number | undefined {
  const leaseMs = (destination?.config.timeoutMs ?? 0) + LEASE_MARGIN_MS
  return leaseMs > LEASE_MS ? leaseMs : undefined
}
