import { randomBytes } from 'node:crypto'

export const ADMIN_KEY = randomBytes(24).toString('hex')

/**
 * What differs from the defaults: lost work is looked for sooner and a stop waits less, because nobody wants to watch a
 * round for an hour; several gateways share one machine, so each has one process for functions; and this machine may
 * send and be sent to. How long a delivery belongs to a worker that was killed is no setting.
 */
export function gatewaySettings(receiverPort: number): Record<string, string> {
  return {
    HOST: '127.0.0.1',
    RETRIEVE_ALLOWED_LIST: '127.0.0.1',
    OUTBOUND_ALLOWED: `127.0.0.1:${receiverPort}`,
    SWEEP_SECONDS: '1',
    LOST_SECONDS: '2',
    DRAIN_MS: '5000',
    SANDBOX_PROCESSES: '1',
  }
}
