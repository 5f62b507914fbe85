import { randomBytes, randomUUID } from 'node:crypto'

const COUNTER_MAX = 0xfff

let latestMs = 0
let counter = 0
/** `latestMs` as an id begins with it. */
let timePart = ''

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
    begin(now)
  } else if (counter === COUNTER_MAX) {
    begin(latestMs + 1)
  } else {
    counter += 1
  }
  return `${timePart}-7${counter.toString(16).padStart(3, '0')}${randomUUID().slice(18)}`
}

function begin(atMs: number): void {
  latestMs = atMs
  timePart = timePartOf(atMs)
  counter = 0
}

function timePartOf(atMs: number): string {
  const digits = atMs.toString(16).padStart(12, '0')
  return `${digits.slice(0, 8)}-${digits.slice(8)}`
}

/** The smallest UUIDv7 of a moment, for "everything before then"; ids know no time before 1970. */
export function firstIdAt(moment: Date): string {
  return `${timePartOf(Math.max(0, moment.getTime()))}-7000-8000-000000000000`
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
