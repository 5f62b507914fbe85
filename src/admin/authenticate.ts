import type { MiddlewareHandler } from 'hono'
import { readNetwork } from '../integrations/integrations.ts'
import type { Log } from '../platform/log.ts'
import type { Metrics } from '../platform/metrics.ts'
import { createFailedKeys } from './failed-keys.ts'
import { hashOf, type Keys } from './keys.ts'
import { Problem } from './problem.ts'

export interface AuthenticateOptions {
  keys: Keys
  /** Who is calling: the socket's address, or the one that a trusted proxy vouches for. */
  sourceOf(env: unknown): string
  failedKeysPerMinute: number
  metrics: Pick<Metrics, 'apiRefusals'>
  log: Log
}

/** Lets in who has a key, and tells those who come after it whose. Comes first: a stranger's body is not read. */
export function authenticate(options: AuthenticateOptions): MiddlewareHandler {
  const { keys, sourceOf, metrics, log } = options
  const failedKeys = createFailedKeys(options.failedKeysPerMinute, () => performance.now())
  return async (context, next) => {
    const sourceIp = sourceOf(context.env)
    const key = /^Bearer (.+)$/i.exec(context.req.header('authorization') ?? '')?.[1]
    if (key === undefined) {
      metrics.apiRefusals.inc({ reason: 'no_key' })
      throw new Problem(401, ASKED)
    }
    // Kept by its hash, and so in as much memory whatever is sent.
    const hash = hashOf(key)
    const source = networkOf(sourceIp)
    const waitMs = failedKeys.take(source, hash)
    if (waitMs > 0) {
      metrics.apiRefusals.inc({ reason: 'too_many' })
      const retryAfterSeconds = Math.ceil(waitMs / 1_000)
      throw new Problem(429, `try again in ${retryAfterSeconds} s`, [], { retryAfterSeconds })
    }
    const holder = await keys.holderOf(key)
    if (!holder) {
      failedKeys.failed(source, hash)
      metrics.apiRefusals.inc({ reason: 'wrong_key' })
      log.warn({ sourceIp, path: context.req.path }, 'an API key was refused')
      throw new Problem(401, ASKED)
    }
    failedKeys.passed(source, hash)
    context.set('caller', { ...holder, sourceIp })
    await next()
  }
}

const ASKED = 'send an API key as "Authorization: Bearer <key>"'

/** Whoever has one address of IPv6 has all of its network: /64 is the smallest that is given out. */
function networkOf(sourceIp: string): string {
  const network = sourceIp.includes(':') ? readNetwork(`${sourceIp}/64`) : undefined
  return network && 'cidr' in network ? network.cidr.text : sourceIp
}
