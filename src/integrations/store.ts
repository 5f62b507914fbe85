import { isObject, parseExact } from '../payload/exact-json.ts'
import type { Log } from '../platform/log.ts'
import type { Sql } from '../platform/postgres.ts'
import { keyIdsIn, type Sealer } from '../platform/sealing.ts'
import { SettingsError } from '../platform/settings.ts'
import { type Definition, definitionSchema } from './definition.ts'
import { type DestinationConfig, destinationConfigSchema } from './destination-config.ts'
import { HANDSHAKE, type HandshakeRow, readHandshake } from './handshakes.ts'
import type {
  Application,
  Destination,
  HandshakeState,
  Integration,
  PublishedList,
  RewriteFunction,
} from './model.ts'
import { openSecrets } from './secrets.ts'
import { inTodaysWords } from './stored-definition.ts'

export interface Loaded {
  applications: Map<string, Application>
  applicationsBySlug: Map<string, Application>
  integrations: Map<string, Integration>
  destinations: Map<string, Destination>
  /** By `<application id>/<name>`, shared ones by `/<name>`. */
  functions: Map<string, RewriteFunction>
  /** By integration. */
  handshakes: Map<string, HandshakeState>
  /** By source. */
  published: Map<string, PublishedList>
  /** By `<kind>/<id>`. */
  revisions: Map<string, string>
  /** Ids of the integrations and destinations that are there and cannot be read by this process. */
  unreadable: Set<string>
}

/** What people define, by the name that the API has for it. */
export const TABLES = {
  applications: 'applications',
  integrations: 'integrations',
  destinations: 'destinations',
  functions: 'rewrite_functions',
} as const

export type Kind = keyof typeof TABLES

export const APPLICATION = `id, slug, name, webhooks_enabled AS "webhooksEnabled", allowed_list AS "allowedList"`
export const INTEGRATION = `id, application_id AS "applicationId", name, enabled, version, definition`
export const DESTINATION = `id, application_id AS "applicationId", name, enabled, config`
const PUBLISHED = `source, entries, fetched_at AS "fetchedAt"`
export const FUNCTION = `id, application_id AS "applicationId", name, version, enabled`

const REVISIONS = Object.entries(TABLES)
  .map(([kind, table]) => `SELECT '${kind}/' || id AS key, xmin::text AS revision FROM ${table}`)
  .join(' UNION ALL ')

export type IntegrationRow = Omit<Integration, 'definition'> & { definition: string }
export type DestinationRow = Omit<Destination, 'config'> & { config: string }

/** Everything as it is stored, secrets sealed. */
export interface DefinitionRows {
  applications: Application[]
  integrations: IntegrationRow[]
  destinations: DestinationRow[]
  functions: RewriteFunction[]
  handshakes: HandshakeRow[]
  published: PublishedList[]
  revisions: { key: string; revision: string }[]
}

/** Everything, in one snapshot. */
export async function readRows(sql: Sql): Promise<DefinitionRows> {
  const [applications, integrations, destinations, functions, handshakes, published, revisions] =
    await sql.begin('isolation level repeatable read read only', (transaction) => [
      transaction<Application[]>`SELECT ${transaction.unsafe(APPLICATION)} FROM applications`,
      transaction<IntegrationRow[]>`SELECT ${transaction.unsafe(INTEGRATION)} FROM integrations`,
      transaction<DestinationRow[]>`SELECT ${transaction.unsafe(DESTINATION)} FROM destinations`,
      transaction<RewriteFunction[]>`SELECT ${transaction.unsafe(FUNCTION)} FROM rewrite_functions`,
      transaction<HandshakeRow[]>`SELECT ${transaction.unsafe(HANDSHAKE)} FROM integration_handshakes`,
      transaction<PublishedList[]>`SELECT ${transaction.unsafe(PUBLISHED)} FROM published_addresses`,
      transaction<{ key: string; revision: string }[]>`${transaction.unsafe(REVISIONS)}`,
    ])
  return {
    applications: [...applications],
    integrations: [...integrations],
    destinations: [...destinations],
    functions: [...functions],
    handshakes: [...handshakes],
    published: [...published],
    revisions: [...revisions],
  }
}

/**
 * Refuses a master key that opens nothing of what is there. Whoever went on with it would turn senders away as if their
 * integrations were deleted, and give up deliveries as if their destinations were.
 *
 * @throws SettingsError naming both keys by their fingerprints.
 */
export function checkMasterKey({ integrations, destinations }: DefinitionRows, { keyId }: Sealer): void {
  const texts = [...integrations.map((row) => row.definition), ...destinations.map((row) => row.config)]
  const sealedBy = new Set(texts.flatMap(keyIdsIn))
  if (sealedBy.size === 0 || sealedBy.has(keyId)) return
  throw new SettingsError([
    `The secrets in the database were sealed under another master key (${[...sealedBy].join(', ')}) than this ` +
      `process has (${keyId}): give it that one, as SLUICE_MASTER_KEY or in master.key below SLUICE_HOME`,
  ])
}

/**
 * Reads rows as they are used. One that cannot be read is left out and named in the log; the rest stands. Of a row that
 * is as it was at the last reading nothing is opened or checked again, so that a change of one costs no more where there
 * are thousands.
 */
export function createRowReader(sealer: Sealer, log: Log): (rows: DefinitionRows) => Loaded {
  const definitions = remembering((id, text) => readDefinition(text, id, sealer))
  const configs = remembering((id, text) => readConfig(text, id, sealer))
  return ({ applications, integrations, destinations, functions, handshakes, published, revisions }) => {
    const definitionOf = definitions()
    const configOf = configs()
    const unreadable = new Set<string>()
    return {
      applications: byKey(applications, (row) => row.id),
      applicationsBySlug: byKey(applications, (row) => row.slug),
      integrations: byKey(
        readable(integrations, { log, unreadable }, (row) => ({
          ...row,
          definition: definitionOf(row.id, row.definition),
        })),
        (row) => row.id,
      ),
      destinations: byKey(
        readable(destinations, { log, unreadable }, (row) => ({
          ...row,
          config: configOf(row.id, row.config),
        })),
        (row) => row.id,
      ),
      functions: byKey(functions, (row) => `${row.applicationId ?? ''}/${row.name}`),
      handshakes: new Map(handshakes.map((row) => [row.integrationId, readHandshake(row)])),
      published: byKey(published, (row) => row.source),
      revisions: new Map(revisions.map(({ key, revision }) => [key, revision])),
      unreadable,
    }
  }
}

/** Begins a reading of all rows, in which what the reading before it had of the same text is taken from there. */
function remembering<T>(read: (id: string, text: string) => T): () => (id: string, text: string) => T {
  let latest = new Map<string, { text: string; value: T }>()
  return () => {
    const before = latest
    const now = new Map<string, { text: string; value: T }>()
    latest = now
    return (id, text) => {
      const known = before.get(id)
      const value = known?.text === text ? known.value : read(id, text)
      now.set(id, { text, value })
      return value
    }
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

export function readIntegration(row: IntegrationRow, sealer: Sealer): Integration {
  return { ...row, definition: readDefinition(row.definition, row.id, sealer) }
}

/** Opened before it is read, because a source may ask for secrets of a certain form. */
function readDefinition(text: string, integrationId: string, sealer: Sealer): Definition {
  const stored = parseExact(text)
  return definitionSchema.parse(
    isObject(stored) ? openSecrets(inTodaysWords(stored), sealer, `integration:${integrationId}`) : stored,
  )
}

export function readDestination(row: DestinationRow, sealer: Sealer): Destination {
  return { ...row, config: readConfig(row.config, row.id, sealer) }
}

function readConfig(text: string, destinationId: string, sealer: Sealer): DestinationConfig {
  const stored = parseExact(text)
  const opened = isObject(stored) ? openSecrets(stored, sealer, `destination:${destinationId}`) : stored
  return destinationConfigSchema.parse(opened)
}

function readable<Row extends { id: string }, T>(
  rows: Iterable<Row>,
  { log, unreadable }: { log: Log; unreadable: Set<string> },
  read: (row: Row) => T,
): T[] {
  const read_ = (row: Row): T[] => {
    try {
      return [read(row)]
    } catch (error) {
      log.error({ err: error, id: row.id }, 'a stored definition cannot be read')
      unreadable.add(row.id)
      return []
    }
  }
  return [...rows].flatMap(read_)
}

function byKey<T>(rows: Iterable<T>, keyOf: (row: T) => string): Map<string, T> {
  return new Map([...rows].map((row) => [keyOf(row), row]))
}
