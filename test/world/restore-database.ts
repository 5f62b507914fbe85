import { setTimeout as wait } from 'node:timers/promises'
import postgres from 'postgres'

/** What a database is made to be again. */
export interface Original {
  /** Of everything that is defined in it. */
  definitions: string
  /** The rows of each table that has any, as a JSON list. */
  rows: Map<string, string>
}

/** Sessions that were ended are gone a moment later. */
const LEAVING_MS = 500
/** Rows that were deleted keep their place: a table with more of them would be slow for the next test. */
const TABLE_BYTES_MAX = 1024 * 1024

/** Of a database that nobody has used yet. */
export async function readOriginal(url: string): Promise<Original> {
  return connected(url, async (sql) => {
    const rows = new Map<string, string>()
    for (const { table } of await writtenTables(sql)) {
      const [found] = await sql<{ list: string }[]>`
        SELECT coalesce(jsonb_agg(t), '[]')::text AS list FROM ${sql.unsafe(table)} t`
      if (found && found.list !== '[]') rows.set(table, found.list)
    }
    return { definitions: await definitionsOf(sql), rows }
  })
}

/**
 * Makes the content of a database what it was at first. Gives false, and may have done anything to the content, where
 * somebody is still connected, where something was defined or set in it since, or where it has become large.
 */
export async function restore(url: string, original: Original): Promise<boolean> {
  return connected(url, async (sql) => {
    if (!(await isAlone(sql))) return false
    if ((await definitionsOf(sql)) !== original.definitions) return false
    const tables = await writtenTables(sql)
    if (tables.some(({ bytes }) => bytes > TABLE_BYTES_MAX)) return false
    const statements = [
      // Neither triggers nor the order of references.
      'SET session_replication_role = replica',
      ...tables.map(({ table }) => `DELETE FROM ${table}`),
    ]
    await sql.unsafe(statements.join(';'))
    for (const [table, list] of original.rows) {
      await sql`INSERT INTO ${sql.unsafe(table)}
        SELECT * FROM jsonb_populate_recordset(NULL::${sql.unsafe(table)}, ${list}::text::jsonb)`
    }
    return true
  })
}

async function isAlone(sql: postgres.Sql): Promise<boolean> {
  const deadline = performance.now() + LEAVING_MS
  for (;;) {
    const [others] = await sql`
      SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`
    if (others === undefined) return true
    if (performance.now() > deadline) return false
    await wait(20)
  }
}

/** A copy has the rows of its catalogs from the template, and who wrote them: whatever is defined anew has another writer. */
async function definitionsOf(sql: postgres.Sql): Promise<string> {
  const [found] = await sql<{ definitions: string }[]>`
    SELECT md5(string_agg(what, ' ' ORDER BY what)) AS definitions FROM (
      SELECT 'class ' || oid || ' ' || xmin AS what FROM pg_class
      UNION ALL SELECT 'column ' || attrelid || ' ' || attnum || ' ' || xmin FROM pg_attribute WHERE attrelid >= 16384
      UNION ALL SELECT 'function ' || oid || ' ' || xmin FROM pg_proc WHERE oid >= 16384
      UNION ALL SELECT 'constraint ' || oid || ' ' || xmin FROM pg_constraint
      UNION ALL SELECT 'trigger ' || oid || ' ' || xmin FROM pg_trigger
      UNION ALL SELECT 'schema ' || oid || ' ' || xmin FROM pg_namespace
      UNION ALL SELECT 'statistic ' || starelid || ' ' || staattnum || ' ' || xmin FROM pg_statistic WHERE starelid >= 16384
      UNION ALL SELECT 'setting ' || setconfig::text FROM pg_db_role_setting s JOIN pg_database d ON d.oid = s.setdatabase
        WHERE d.datname = current_database()
      UNION ALL SELECT 'database ' || datallowconn || ' ' || datconnlimit FROM pg_database WHERE datname = current_database()
    ) AS all_of_it`
  return found?.definitions ?? ''
}

async function writtenTables(sql: postgres.Sql): Promise<{ table: string; bytes: number }[]> {
  return sql<{ table: string; bytes: number }[]>`
    SELECT * FROM (
      SELECT oid::regclass::text AS table, pg_relation_size(oid)::int AS bytes
      FROM pg_class WHERE relkind = 'r' AND oid >= 16384
    ) AS tables WHERE bytes > 0`
}

async function connected<Result>(url: string, work: (sql: postgres.Sql) => Promise<Result>): Promise<Result> {
  const sql = postgres(url, { max: 1, onnotice: () => {}, fetch_types: false })
  try {
    return await work(sql)
  } finally {
    await sql.end({ timeout: 5 })
  }
}
