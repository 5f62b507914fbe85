import { randomBytes, randomUUID } from 'node:crypto'

const COUNTER_MAX = 0xfff

let latestMs = 0
let counter = 0

/**
 * A time-ordered id (UUIDv7, RFC 9562): fixed before the first try to store, and the key that partitions tables by
 * time. Ids of one process rise strictly, because the twelve bits after the time count within a millisecond.
 *
 * The random part is cut from `randomUUID`, which takes its bytes in bulk: an ack needs several ids, and one call
 * for random bytes each would cost more than parsing its body.
 */
export function newId(): string {
  const now = Date.now()
  if (now > latestMs) {
    latestMs = now
    counter = 0
  } else if (counter === COUNTER_MAX) {
    latestMs += 1
    counter = 0
  } else {
    counter += 1
  }
  const time = latestMs.toString(16).padStart(12, '0')
  const count = counter.toString(16).padStart(3, '0')
  return `${time.slice(0, 8)}-${time.slice(8)}-7${count}${randomUUID().slice(18)}`
}

/** The smallest UUIDv7 of a moment, for "everything before then"; ids know no time before 1970. */
export function firstIdAt(moment: Date): string {
  const milliseconds = Math.max(0, moment.getTime()).toString(16).padStart(12, '0')
  return `${milliseconds.slice(0, 8)}-${milliseconds.slice(8)}-7000-8000-000000000000`
}

/** 24 random hex digits, the form of the integration ids in Retrieve's addresses. */
export function newIntegrationId(): string {
  return randomBytes(12).toString('hex')
}

/** Eight random hex digits: they tell the few secrets of one integration apart and say nothing about them. */
export function newSecretId(): string {
  return randomBytes(4).toString('hex')
}

/** 256 bits for keys and tokens, safe in URLs. */
export function newToken(): string {
  return randomBytes(32).toString('base64url')
}
