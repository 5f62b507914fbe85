import { createKeys, type Keys, keyName, type Role, witnessOf } from '../admin/admin.ts'
import { createLog } from '../platform/log.ts'
import { migrate } from '../platform/migrate.ts'
import { connectPostgres, type Sql } from '../platform/postgres.ts'
import { commandAuthor } from './own-author.ts'
import { terminalText } from './terminal-text.ts'

export interface WantedKey {
  name: string
  role: Role
  /** Slug or id of the one application that it is for; undefined for all. */
  application?: string
  /** Undefined for one that never expires. */
  validDays?: number
}

const DAY_MS = 86_400_000
const COLUMNS = ['id', 'name', 'role', 'application', 'created', 'expires', 'last used'] as const

/**
 * Makes an API key in a database, which is brought to the schema of this version first.
 *
 * @throws Error for a name that the API would not take either
 */
export async function createKey(
  databaseUrl: string,
  { name, role, application, validDays }: WantedKey,
): Promise<string> {
  const { error } = keyName.safeParse(name)
  if (error) throw new Error(`the name of a key: ${error.issues[0]?.message}`)
  return withKeys(databaseUrl, 'create-key', async (keys, sql) => {
    const applicationId = application === undefined ? null : await findApplicationId(sql, application)
    const expiresAt = validDays === undefined ? null : new Date(Date.now() + validDays * DAY_MS)
    const witness = witnessOf(commandAuthor('create-key'), { action: 'create', resource: 'api-keys' })
    return (await keys.create({ name, role, applicationId, expiresAt }, witness)).key
  })
}

/** All keys as a table of text, without the keys themselves. */
export function listKeys(databaseUrl: string): Promise<string> {
  return withKeys(databaseUrl, 'list-keys', async (keys, sql) => {
    const applications = await sql<{ id: string; slug: string }[]>`SELECT id, slug FROM applications`
    const slugs = new Map(applications.map(({ id, slug }) => [id, slug]))
    const rows = (await keys.list()).map((key) => [
      key.id,
      // The key of one application may make others, and names them as it likes: none hides a line or forges one.
      terminalText(key.name),
      key.role,
      key.applicationId === null ? 'all' : (slugs.get(key.applicationId) ?? key.applicationId),
      key.createdAt.toISOString(),
      key.expiresAt?.toISOString() ?? 'never',
      key.lastUsedAt?.toISOString() ?? 'never',
    ])
    return inColumns([[...COLUMNS], ...rows])
  })
}

/** @throws Error when there is no such key. */
export function revokeKey(databaseUrl: string, id: string): Promise<void> {
  return withKeys(databaseUrl, 'revoke-key', async (keys) => {
    const witness = witnessOf(commandAuthor('revoke-key'), { action: 'revoke', resource: 'api-keys' })
    const isUuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(id)
    if (!isUuid || !(await keys.revoke(id, witness)))
      throw new Error(`there is no API key ${JSON.stringify(id)}: \`sluice list-keys\` lists them`)
  })
}

async function withKeys<T>(
  databaseUrl: string,
  command: string,
  work: (keys: Keys, sql: Sql) => Promise<T>,
): Promise<T> {
  await migrate(databaseUrl)
  const sql = connectPostgres(databaseUrl, { connectionsMax: 1, applicationName: `sluice ${command}` })
  try {
    return await work(createKeys({ sql, settingsKey: '', log: createLog('silent') }), sql)
  } finally {
    await sql.end({ timeout: 5 })
  }
}

async function findApplicationId(sql: Sql, slugOrId: string): Promise<string> {
  const [row] = await sql<{ id: string }[]>`
    SELECT id FROM applications WHERE slug = ${slugOrId} OR id::text = ${slugOrId}`
  if (!row) throw new Error(`there is no application ${JSON.stringify(slugOrId)}: give its slug or its id`)
  return row.id
}

function inColumns(rows: string[][]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}
