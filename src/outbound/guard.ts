import { isIP } from 'node:net'
import { addressRange } from './address-range.ts'
import type { FailureReason } from './answer.ts'
import type { Resolver } from './resolver.ts'
import type { Target } from './target.ts'

declare const checked: unique symbol

/** An address that this guard let pass. Nothing else can be connected to. */
export interface CheckedAddress {
  readonly address: string
  readonly family: 4 | 6
  readonly [checked]: true
}

export interface Refused {
  reason: Extract<FailureReason, 'blocked_address' | 'dns'>
  message: string
}

export interface Guard {
  allowed: (target: Target) => 'as_name' | 'as_address' | undefined
  resolver: Resolver
}

/** Enough for any round robin; a name with thousands of addresses must not cost as many attempts. */
const ADDRESSES_MAX = 8

/** RFC 6761, and the names that common hosts files give to loopback. */
const LOOPBACK_NAME = /(^|\.)(localhost|localhost6|localhost\.localdomain|ip6-localhost|ip6-loopback)$/

/**
 * The checked addresses of a target.
 *
 * A name with even one address that may not be called is refused as a whole: a mixed answer is the mark of a
 * rebinding attempt, and picking the harmless ones would make the outcome depend on the order of the records.
 */
export async function admit(target: Target, guard: Guard): Promise<CheckedAddress[] | Refused> {
  const allowed = guard.allowed(target)
  if (!allowed && LOOPBACK_NAME.test(target.host)) return blocked(target, 'the name of this machine itself')
  const addresses = target.literal ? [target.host] : await lookUp(target, guard.resolver)
  if (!Array.isArray(addresses)) return addresses
  for (const address of addresses) {
    const range = addressRange(address)
    const passes = range.use === 'public' || allowed === 'as_address' || (allowed && range.use === 'inside')
    if (!passes) return blocked(target, `${address} (${range.name})`)
  }
  return addresses.slice(0, ADDRESSES_MAX).map(asChecked)
}

async function lookUp(target: Target, resolver: Resolver): Promise<string[] | Refused> {
  try {
    const addresses = [...new Set(await resolver(target.host))]
    if (addresses.length > 0) return addresses
    return { reason: 'dns', message: `${target.host} has no address` }
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? ` (${String(error.code)})` : ''
    return { reason: 'dns', message: `${target.host} could not be looked up${code}` }
  }
}

function blocked(target: Target, where: string): Refused {
  return {
    reason: 'blocked_address',
    message:
      `${target.host} port ${target.port} leads to ${where}, which is not a public address; ` +
      'the operator can allow exactly this host and port in OUTBOUND_ALLOWED',
  }
}

function asChecked(address: string): CheckedAddress {
  return { address, family: isIP(address) === 6 ? 6 : 4 } as CheckedAddress
}
