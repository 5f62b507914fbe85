import { createHash } from 'node:crypto'
import { type Json, stringifyExact } from '../payload/exact-json.ts'
import { newId } from '../platform/ids.ts'
import type { Sql, Transaction } from '../platform/postgres.ts'
import type { Sealer } from '../platform/sealing.ts'
import { writeWait } from './handshakes.ts'
import type { Application, Destination, Integration, RewriteFunction } from './model.ts'
import { tellOfChange } from './notices.ts'
import { sealSecrets } from './secrets.ts'
import { FUNCTION } from './store.ts'

export async function saveApplication(sql: Sql, application: Application): Promise<void> {
  const { id, slug, name, webhooksEnabled, allowedList } = application
  await sql.begin(async (transaction) => {
    await transaction`
      INSERT INTO applications (id, slug, name, webhooks_enabled, allowed_list)
      VALUES (${id}, ${slug}, ${name}, ${webhooksEnabled}, ${allowedList})
      ON CONFLICT (id) DO UPDATE SET slug = excluded.slug, name = excluded.name, updated_at = now(),
        webhooks_enabled = excluded.webhooks_enabled, allowed_list = excluded.allowed_list`
    await tellOfChange(transaction)
  })
}

/** Saves an integration under its next version; earlier versions stay for the runs that carry them. */
export async function saveIntegration(
  sql: Sql,
  sealer: Sealer,
  integration: Omit<Integration, 'version'>,
): Promise<number> {
  return sql.begin(async (transaction) => {
    await takeTurn(transaction, `integration:${integration.id}`)
    return writeIntegration(transaction, sealer, integration)
  })
}

/**
 * Saves a new integration, and lets it wait for a handshake where a moment is given. Undefined when there is one with
 * its id, whoever made it.
 */
export async function createIntegration(
  sql: Sql,
  sealer: Sealer,
  integration: Omit<Integration, 'version'>,
  handshakeUntil: Date | null,
): Promise<number | undefined> {
  return sql.begin(async (transaction) => {
    await takeTurn(transaction, `integration:${integration.id}`)
    const taken = await transaction`SELECT 1 FROM integrations WHERE id = ${integration.id}`
    if (taken.length > 0) return undefined
    const version = await writeIntegration(transaction, sealer, integration)
    if (handshakeUntil !== null) await writeWait(transaction, integration.id, handshakeUntil)
    return version
  })
}

async function writeIntegration(
  transaction: Transaction,
  sealer: Sealer,
  { id, applicationId, name, enabled, definition }: Omit<Integration, 'version'>,
): Promise<number> {
  const text = stringifyExact(sealSecrets(definition, sealer, `integration:${id}`) as unknown as Json)
  // Counted over all versions, so that an integration made anew under an old id never rewrites what runs carry.
  const [row] = await transaction<{ version: number }[]>`
    INSERT INTO integration_versions (integration_id, version, definition)
    SELECT ${id}, coalesce(max(version), 0) + 1, ${text} FROM integration_versions WHERE integration_id = ${id}
    RETURNING version`
  const version = row?.version ?? 1
  await transaction`
    INSERT INTO integrations (id, application_id, name, enabled, definition, version)
    VALUES (${id}, ${applicationId}, ${name}, ${enabled}, ${text}, ${version})
    ON CONFLICT (id) DO UPDATE SET name = excluded.name, enabled = excluded.enabled, updated_at = now(),
      definition = excluded.definition, version = excluded.version`
  await tellOfChange(transaction)
  return version
}

export async function saveDestination(sql: Sql, sealer: Sealer, destination: Destination): Promise<void> {
  const { id, applicationId, name, enabled, config } = destination
  const text = stringifyExact(sealSecrets(config, sealer, `destination:${id}`) as unknown as Json)
  await sql.begin(async (transaction) => {
    await transaction`
      INSERT INTO destinations (id, application_id, name, enabled, config)
      VALUES (${id}, ${applicationId}, ${name}, ${enabled}, ${text})
      ON CONFLICT (id) DO UPDATE SET name = excluded.name, enabled = excluded.enabled, config = excluded.config,
        updated_at = now()`
    await tellOfChange(transaction)
  })
}

/**
 * Saves a function; the same source again is the same version. Without an id it becomes whatever has its name, so
 * that processes which start together and save the same files do not mind each other.
 */
export async function saveFunction(
  sql: Sql,
  given: { id?: string; applicationId: string | null; name: string; enabled: boolean; source: string },
): Promise<RewriteFunction> {
  const version = createHash('sha256').update(given.source).digest('hex')
  return sql.begin(async (transaction) => {
    await takeTurn(transaction, `function:${given.applicationId ?? ''}/${given.name}`)
    await transaction`
      INSERT INTO rewrite_function_versions (version, source) VALUES (${version}, ${given.source})
      ON CONFLICT DO NOTHING`
    const [known] = await transaction<RewriteFunction[]>`
      SELECT ${transaction.unsafe(FUNCTION)} FROM rewrite_functions
      WHERE name = ${given.name} AND application_id IS NOT DISTINCT FROM ${given.applicationId}::uuid FOR UPDATE`
    const id = given.id ?? known?.id ?? newId()
    const saved = {
      id,
      applicationId: given.applicationId,
      name: given.name,
      version,
      enabled: given.enabled,
    }
    if (known?.version === version && known.enabled === given.enabled && known.id === id) return known
    await transaction`
      INSERT INTO rewrite_functions (id, application_id, name, version, enabled)
      VALUES (${id}, ${given.applicationId}, ${given.name}, ${version}, ${given.enabled})
      ON CONFLICT (id) DO UPDATE SET name = excluded.name, version = excluded.version, enabled = excluded.enabled,
        updated_at = now()`
    await tellOfChange(transaction)
    return saved
  })
}

const DELETABLE = {
  applications: 'applications',
  integrations: 'integrations',
  destinations: 'destinations',
  functions: 'rewrite_functions',
} as const

/** Deletes one row. False when there is none. What the ledger holds of it stays. */
export async function deleteRow(sql: Sql, kind: keyof typeof DELETABLE, id: string): Promise<boolean> {
  return sql.begin(async (transaction) => {
    const rows = await transaction`DELETE FROM ${transaction(DELETABLE[kind])} WHERE id = ${id} RETURNING id`
    await tellOfChange(transaction)
    return rows.length === 1
  })
}

/** Any number, for what is saved here alone. */
const TURNS = 7_583_023

/**
 * Whoever saves the same thing at the same moment waits here until this transaction has ended, and then sees what
 * it wrote: each statement reads what was committed before it.
 */
async function takeTurn(transaction: Transaction, thing: string): Promise<void> {
  await transaction`SELECT pg_advisory_xact_lock(${TURNS}, hashtext(${thing}))`
}
