import { createHash } from 'node:crypto'
import { type Json, stringifyExact } from '../payload/exact-json.ts'
import { newId } from '../platform/ids.ts'
import type { Sql, Transaction } from '../platform/postgres.ts'
import { standsAsSeen } from '../platform/row-revision.ts'
import type { Sealer } from '../platform/sealing.ts'
import { type Witness, witnessed } from '../platform/witness.ts'
import { writeWait } from './handshakes.ts'
import type { Application, Destination, Integration, RewriteFunction } from './model.ts'
import { tellOfChange } from './notices.ts'
import { holdNamed, mayBecome, mayGo, mayLeaveName } from './references.ts'
import { sealSecrets } from './secrets.ts'
import { definitionIn } from './snapshots.ts'
import { FUNCTION, type Kind, TABLES } from './store.ts'

/** The revision that a change was made from; without one, whatever is there is written over. */
export type Seen = string | undefined

/** How a save is made. */
export interface SaveOptions {
  sealer: Sealer
  seen: Seen
  witness: Witness | undefined
}

/** False when it was changed or deleted since it was seen; then nothing is written. */
export async function saveApplication(
  sql: Sql,
  application: Application,
  options: SaveOptions,
): Promise<boolean> {
  const { id, slug, name, webhooksEnabled, allowedList } = application
  return save(sql, 'applications', id, options, async (transaction) => {
    await transaction`
      INSERT INTO applications (id, slug, name, webhooks_enabled, allowed_list)
      VALUES (${id}, ${slug}, ${name}, ${webhooksEnabled}, ${allowedList})
      ON CONFLICT (id) DO UPDATE SET slug = excluded.slug, name = excluded.name, updated_at = now(),
        webhooks_enabled = excluded.webhooks_enabled, allowed_list = excluded.allowed_list`
    await tellOfChange(transaction)
    return true
  })
}

/**
 * Saves an integration under its next version; earlier versions stay for the runs that carry them. Undefined when it
 * was changed or deleted since it was seen, or something that it names was.
 */
export async function saveIntegration(
  sql: Sql,
  integration: Omit<Integration, 'version'>,
  options: SaveOptions,
): Promise<number | undefined> {
  const saved = await save(sql, 'integrations', integration.id, options, (transaction) =>
    writeIntegration(transaction, options.sealer, integration),
  )
  return saved || undefined
}

/**
 * Saves a new integration, and lets it wait for a handshake where a moment is given. Undefined when there is one with
 * its id, whoever made it, or something that it names is not there.
 */
export async function createIntegration(
  sql: Sql,
  integration: Omit<Integration, 'version'>,
  handshakeUntil: Date | null,
  options: SaveOptions,
): Promise<number | undefined> {
  const saved = await save(sql, 'integrations', integration.id, options, async (transaction) => {
    const taken = await transaction`SELECT 1 FROM integrations WHERE id = ${integration.id}`
    if (taken.length > 0) return false
    const version = await writeIntegration(transaction, options.sealer, integration)
    if (version !== false && handshakeUntil !== null)
      await writeWait(transaction, integration.id, handshakeUntil)
    return version
  })
  return saved || undefined
}

async function writeIntegration(
  transaction: Transaction,
  sealer: Sealer,
  { id, applicationId, name, enabled, definition }: Omit<Integration, 'version'>,
): Promise<number | false> {
  if (!(await holdNamed(transaction, { applicationId, definition }, sealer))) return false
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

/**
 * False when it was changed or deleted since it was seen, or is to send original bodies where an integration that
 * names it has none; then nothing is written.
 */
export async function saveDestination(
  sql: Sql,
  destination: Destination,
  options: SaveOptions,
): Promise<boolean> {
  const { id, applicationId, name, enabled, config } = destination
  const text = stringifyExact(sealSecrets(config, options.sealer, `destination:${id}`) as unknown as Json)
  return save(sql, 'destinations', id, options, async (transaction) => {
    if (!(await mayBecome(transaction, destination))) return false
    await transaction`
      INSERT INTO destinations (id, application_id, name, enabled, config)
      VALUES (${id}, ${applicationId}, ${name}, ${enabled}, ${text})
      ON CONFLICT (id) DO UPDATE SET name = excluded.name, enabled = excluded.enabled, config = excluded.config,
        updated_at = now()`
    await tellOfChange(transaction)
    return true
  })
}

/** Versions of functions are told apart by content. */
export function functionVersion(source: string): string {
  return createHash('sha256').update(source).digest('hex')
}

/**
 * Saves a function; the same source again is the same version. Without an id it becomes whatever has its name, so
 * that processes which start together and save the same files do not mind each other. Undefined when it was changed
 * or deleted since it was seen, or is to have another name while an integration uses this one.
 */
export async function saveFunction(
  sql: Sql,
  given: { id?: string; applicationId: string | null; name: string; enabled: boolean; source: string },
  { sealer, seen, witness }: SaveOptions,
): Promise<RewriteFunction | undefined> {
  const version = functionVersion(given.source)
  return sql.begin(async (transaction) => {
    await takeTurn(transaction, `function:${given.applicationId ?? ''}/${given.name}`)
    if (given.id !== undefined && !(await isStill(transaction, 'functions', given.id, seen))) return undefined
    if (given.id !== undefined && !(await mayLeaveName(transaction, given.id, given.name))) return undefined
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
    const isSame = known?.version === version && known.enabled === given.enabled && known.id === id
    // Whoever asked for it did so; files that are read at each start did not.
    if (isSame && given.id === undefined) return known
    return witnessed(definitionIn(transaction, { kind: 'functions', id, sealer, witness }), async () => {
      await transaction`
        INSERT INTO rewrite_functions (id, application_id, name, version, enabled)
        VALUES (${id}, ${given.applicationId}, ${given.name}, ${version}, ${given.enabled})
        ON CONFLICT (id) DO UPDATE SET name = excluded.name, version = excluded.version, enabled = excluded.enabled,
          updated_at = now()`
      await tellOfChange(transaction)
      return saved
    })
  })
}

/** Deletes one row. False when there is none, or an integration names it. What the ledger holds of it stays. */
export async function deleteRow(
  sql: Sql,
  kind: Kind,
  id: string,
  options: Omit<SaveOptions, 'seen'>,
): Promise<boolean> {
  return sql.begin((transaction) =>
    witnessed(definitionIn(transaction, { kind, id, ...options }), async () => {
      if (kind === 'destinations' && !(await mayGo(transaction, id))) return false
      if (kind === 'functions' && !(await mayLeaveName(transaction, id, undefined))) return false
      const rows = await transaction`DELETE FROM ${transaction(TABLES[kind])} WHERE id = ${id} RETURNING id`
      await tellOfChange(transaction)
      return rows.length === 1
    }),
  )
}

/**
 * In a transaction, when the thing still is what it was seen to be; false, and nothing is written, otherwise. Those who
 * save the same thing come one after the other.
 */
async function save<T>(
  sql: Sql,
  kind: Kind,
  id: string,
  { sealer, seen, witness }: SaveOptions,
  work: (transaction: Transaction) => Promise<T>,
): Promise<T | false> {
  const saved = await sql.begin(async (transaction) => {
    await takeTurn(transaction, `${kind}:${id}`)
    if (!(await isStill(transaction, kind, id, seen))) return { result: false as const }
    const result = await witnessed(definitionIn(transaction, { kind, id, sealer, witness }), () =>
      work(transaction),
    )
    return { result }
  })
  return saved.result
}

async function isStill(transaction: Transaction, kind: Kind, id: string, seen: Seen): Promise<boolean> {
  return seen === undefined || standsAsSeen(transaction, TABLES[kind], id, seen)
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
