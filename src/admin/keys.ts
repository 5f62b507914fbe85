import { createHash, timingSafeEqual } from 'node:crypto'
import { newId, newToken } from '../platform/ids.ts'
import type { Log } from '../platform/log.ts'
import type { Sql } from '../platform/postgres.ts'
import { differencesBetween, openSnapshot, type Witness } from '../platform/witness.ts'
import type { Role } from './access.ts'
import type { Caller } from './caller.ts'

/** A key of the management API as it is listed. The key itself is seen once, when it is made: only its hash is kept. */
export interface ApiKey {
  id: string
  name: string
  role: Role
  /** The one application that it is for; null for all. */
  applicationId: string | null
  createdAt: Date
  /** From then on it opens nothing; null for never. */
  expiresAt: Date | null
  /** Up to a minute ago; null for never. */
  lastUsedAt: Date | null
}

export type NewApiKey = Pick<ApiKey, 'name' | 'role' | 'applicationId' | 'expiresAt'>

/** Whose key it is. */
export type Holder = Omit<Caller, 'sourceIp'>

export interface Keys {
  /** Gives the key itself, this once. */
  create(wanted: NewApiKey, witness?: Witness): Promise<ApiKey & { key: string }>
  /** Newest first; of one application, or all. */
  list(applicationId?: string | undefined): Promise<ApiKey[]>
  find(id: string): Promise<ApiKey | undefined>
  /** False when there is none. Here it opens nothing from now on, in other processes within two seconds. */
  revoke(id: string, witness?: Witness): Promise<boolean>
  /** Undefined for what is no key, was revoked or has expired. */
  holderOf(key: string): Promise<Holder | undefined>
}

export interface KeysOptions {
  sql: Sql
  /** SLUICE_ADMIN_KEY, with every right and accepted beside the keys of the database; empty for none. */
  settingsKey: string
  log: Log
}

const REMEMBERED_MS = 2_000
const USE_NOTED_SECONDS = 60

const KEY = `id, name, role, application_id AS "applicationId", created_at AS "createdAt", expires_at AS "expiresAt",
  last_used_at AS "lastUsedAt"`

export function createKeys({ sql, settingsKey, log }: KeysOptions): Keys {
  const ofSettings = settingsKey === '' ? undefined : hashOf(settingsKey)
  /** By hash, until when it counts without a look; holds no more entries than there are keys. */
  const known = new Map<string, { holder: Holder; until: number }>()
  return {
    async create({ name, role, applicationId, expiresAt }, witness) {
      const key = `sk_${newToken()}`
      return sql.begin(async (transaction) => {
        const [made] = await transaction<ApiKey[]>`
          INSERT INTO api_keys (id, name, hash, role, application_id, expires_at)
          VALUES (${newId()}, ${name}, ${hashOf(key)}, ${role}, ${applicationId}, ${expiresAt})
          RETURNING ${transaction.unsafe(KEY)}`
        if (!made) throw new Error('no key was made')
        const differences = differencesBetween(undefined, snapshotOf(made))
        await witness?.(transaction, { id: made.id, applicationId, differences })
        return { ...made, key }
      })
    },
    async list(applicationId) {
      const rows = await sql<ApiKey[]>`
        SELECT ${sql.unsafe(KEY)} FROM api_keys
        ${applicationId === undefined ? sql`` : sql`WHERE application_id = ${applicationId}`} ORDER BY id DESC`
      return [...rows]
    },
    async find(id) {
      const [found] = await sql<ApiKey[]>`SELECT ${sql.unsafe(KEY)} FROM api_keys WHERE id = ${id}`
      return found
    },
    async revoke(id, witness) {
      const revoked = await sql.begin(async (transaction) => {
        const [gone] = await transaction<ApiKey[]>`
          DELETE FROM api_keys WHERE id = ${id} RETURNING ${transaction.unsafe(KEY)}`
        if (!gone) return false
        const differences = differencesBetween(snapshotOf(gone), undefined)
        await witness?.(transaction, { id, applicationId: gone.applicationId, differences })
        return true
      })
      known.clear()
      return revoked
    },
    async holderOf(key) {
      const hash = hashOf(key)
      if (ofSettings !== undefined && isSame(hash, ofSettings)) return HOLDER_OF_SETTINGS
      const remembered = known.get(hash)
      if (remembered && remembered.until > performance.now()) return remembered.holder
      const holder = await lookUp(sql, hash, log)
      if (holder) known.set(hash, { holder, until: performance.now() + REMEMBERED_MS })
      else known.delete(hash)
      return holder
    },
  }
}

function snapshotOf({ id, applicationId, name, role, expiresAt }: ApiKey) {
  return openSnapshot(id, applicationId, { name, role, expiresAt })
}

const HOLDER_OF_SETTINGS: Holder = {
  keyId: null,
  name: 'SLUICE_ADMIN_KEY',
  role: 'admin',
  applicationId: null,
}

/** By hash: the time of an index search tells nothing about the key. */
async function lookUp(sql: Sql, hash: string, log: Log): Promise<Holder | undefined> {
  const [found] = await sql<ApiKey[]>`
    SELECT ${sql.unsafe(KEY)} FROM api_keys
    WHERE hash = ${hash} AND (expires_at IS NULL OR expires_at > now())`
  if (!found) return undefined
  // Nobody waits for it, and a database that takes no writes still opens to readers.
  noteUse(sql, found.id).catch((error) => log.debug({ err: error }, 'the use of an API key was not noted'))
  const { id, name, role, applicationId } = found
  return { keyId: id, name, role, applicationId }
}

async function noteUse(sql: Sql, id: string): Promise<void> {
  await sql`
    UPDATE api_keys SET last_used_at = now()
    WHERE id = ${id}
      AND (last_used_at IS NULL OR last_used_at < now() - make_interval(secs => ${USE_NOTED_SECONDS}))`
}

/** Keys have 256 random bits, so a plain hash is enough. */
export function hashOf(key: string): string {
  return createHash('sha256').update(key).digest('hex')
}

function isSame(left: string, right: string): boolean {
  return timingSafeEqual(Buffer.from(left), Buffer.from(right))
}
