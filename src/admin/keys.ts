import { createHash, timingSafeEqual } from 'node:crypto'
import { newId, newToken } from '../platform/ids.ts'
import type { Sql } from '../platform/postgres.ts'

/** Keys of the management API. Only hashes are kept: a key is seen once, when it is made. */
export interface Keys {
  create(name: string): Promise<string>
  isValid(key: string): Promise<boolean>
}

const REMEMBERED_MS = 10_000

/** @param settingsKey SLUICE_ADMIN_KEY, accepted beside the keys of the database; empty for none. */
export function createKeys(sql: Sql, settingsKey: string): Keys {
  /** Until when a key counts as valid without a look; holds no more entries than there are keys. */
  const valid = new Map<string, number>()
  return {
    async create(name) {
      const key = `sk_${newToken()}`
      await sql`INSERT INTO api_keys (id, name, hash) VALUES (${newId()}, ${name}, ${hashOf(key)})`
      return key
    },
    async isValid(key) {
      const hash = hashOf(key)
      if (settingsKey !== '' && sameHash(hash, hashOf(settingsKey))) return true
      if ((valid.get(hash) ?? 0) > Date.now()) return true
      // Looked up by hash: the time of an index search tells nothing about the key.
      const rows = await sql`SELECT 1 FROM api_keys WHERE hash = ${hash}`
      if (rows.length === 1) valid.set(hash, Date.now() + REMEMBERED_MS)
      else valid.delete(hash)
      return rows.length === 1
    },
  }
}

/** Keys have 256 random bits, so a plain hash is enough. */
function hashOf(key: string): string {
  return createHash('sha256').update(key).digest('hex')
}

function sameHash(left: string, right: string): boolean {
  return timingSafeEqual(Buffer.from(left), Buffer.from(right))
}
