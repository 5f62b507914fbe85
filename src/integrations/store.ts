import { createHash } from 'node:crypto'
import { type Json, parseExact, stringifyExact } from '../payload/exact-json.ts'
import { newId } from '../platform/ids.ts'
import type { Log } from '../platform/log.ts'
import type { Sql, Transaction } from '../platform/postgres.ts'
import type { Sealer } from '../platform/sealing.ts'
import { type Definition, definitionSchema } from './definition.ts'
import { type DestinationConfig, destinationConfigSchema } from './destination-config.ts'
import type { Application, Destination, Integration, RewriteFunction } from './model.ts'
import { openSecrets, sealSecrets } from './secrets.ts'

/** The notification channel on which every change of a definition is told. */
export const CHANNEL = 'sluice_definitions'

export interface Loaded {
  applications: Map<string, Application>
  applicationsBySlug: Map<string, Application>
  integrations: Map<string, Integration>
  destinations: Map<string, Destination>
  /** By `<application id>/<name>`, shared ones by `/<name>`. */
  functions: Map<string, RewriteFunction>
}

const APPLICATION = `id, slug, name, webhooks_enabled AS "webhooksEnabled", allowed_list AS "allowedList"`
const INTEGRATION = `id, application_id AS "applicationId", name, enabled, version, definition`
const DESTINATION = `id, application_id AS "applicationId", name, enabled, config`
const FUNCTION = `id, application_id AS "applicationId", name, version, enabled`

type IntegrationRow = Omit<Integration, 'definition'> & { definition: string }
type DestinationRow = Omit<Destination, 'config'> & { config: string }

/** Everything, in one snapshot. A row that cannot be read is left out and named in the log; the rest stands. */
export async function loadDefinitions(sql: Sql, sealer: Sealer, log: Log): Promise<Loaded> {
  const [applications, integrations, destinations, functions] = await sql.begin(
    'isolation level repeatable read read only',
    (transaction) => [
      transaction<Application[]>`SELECT ${transaction.unsafe(APPLICATION)} FROM applications`,
      transaction<IntegrationRow[]>`SELECT ${transaction.unsafe(INTEGRATION)} FROM integrations`,
      transaction<DestinationRow[]>`SELECT ${transaction.unsafe(DESTINATION)} FROM destinations`,
      transaction<RewriteFunction[]>`SELECT ${transaction.unsafe(FUNCTION)} FROM rewrite_functions`,
    ],
  )
  return {
    applications: byKey(applications, (row) => row.id),
    applicationsBySlug: byKey(applications, (row) => row.slug),
    integrations: byKey(
      readable(integrations, log, (row) => readIntegration(row, sealer)),
      (row) => row.id,
    ),
    destinations: byKey(
      readable(destinations, log, (row) => readDestination(row, sealer)),
      (row) => row.id,
    ),
    functions: byKey(functions, (row) => `${row.applicationId ?? ''}/${row.name}`),
  }
}

/** One version that an integration had, current or not. */
export async function findVersion(
  sql: Sql,
  sealer: Sealer,
  integrationId: string,
  version: number,
): Promise<Definition | undefined> {
  const [row] = await sql<{ definition: string }[]>`
    SELECT definition FROM integration_versions WHERE integration_id = ${integrationId} AND version = ${version}`
  return row && readDefinition(row.definition, integrationId, sealer)
}

export async function findSource(sql: Sql, version: string): Promise<string | undefined> {
  const [row] = await sql<{ source: string }[]>`
    SELECT source FROM rewrite_function_versions WHERE version = ${version}`
  return row?.source
}

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
  const { id, applicationId, name, enabled, definition } = integration
  const text = stringifyExact(sealSecrets(definition, sealer, `integration:${id}`) as unknown as Json)
  return sql.begin(async (transaction) => {
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
  })
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

/** Saves a function; the same source again is the same version. */
export async function saveFunction(
  sql: Sql,
  given: { id?: string; applicationId: string | null; name: string; enabled: boolean; source: string },
): Promise<RewriteFunction> {
  const version = createHash('sha256').update(given.source).digest('hex')
  return sql.begin(async (transaction) => {
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

function readIntegration(row: IntegrationRow, sealer: Sealer): Integration {
  return { ...row, definition: readDefinition(row.definition, row.id, sealer) }
}

function readDefinition(text: string, integrationId: string, sealer: Sealer): Definition {
  return openSecrets(definitionSchema.parse(parseExact(text)), sealer, `integration:${integrationId}`)
}

function readDestination(row: DestinationRow, sealer: Sealer): Destination {
  const config: DestinationConfig = destinationConfigSchema.parse(parseExact(row.config))
  return { ...row, config: openSecrets(config, sealer, `destination:${row.id}`) }
}

function readable<Row extends { id: string }, T>(rows: Iterable<Row>, log: Log, read: (row: Row) => T): T[] {
  const read_ = (row: Row): T[] => {
    try {
      return [read(row)]
    } catch (error) {
      log.error({ err: error, id: row.id }, 'a stored definition cannot be read')
      return []
    }
  }
  return [...rows].flatMap(read_)
}

function byKey<T>(rows: Iterable<T>, keyOf: (row: T) => string): Map<string, T> {
  return new Map([...rows].map((row) => [keyOf(row), row]))
}

async function tellOfChange(transaction: Transaction): Promise<void> {
  await transaction`SELECT pg_notify(${CHANNEL}, '')`
}
