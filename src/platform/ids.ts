import { randomBytes } from 'node:crypto'
import { v7 } from 'uuid'

/** A time-ordered id (UUIDv7): fixed before the first try to store, and the key that partitions tables by time. */
export function newId(): string {
  return v7()
}

/** The smallest UUIDv7 of a moment, for "everything before then". */
export function firstIdAt(moment: Date): string {
  const milliseconds = moment.getTime().toString(16).padStart(12, '0')
  return `${milliseconds.slice(0, 8)}-${milliseconds.slice(8)}-7000-8000-000000000000`
}

/** 24 random hex digits, the form of the integration ids in Retrieve's addresses. */
export function newIntegrationId(): string {
  return randomBytes(12).toString('hex')
}

/** 256 bits for keys and tokens, safe in URLs. */
export function newToken(): string {
  return randomBytes(32).toString('base64url')
}
