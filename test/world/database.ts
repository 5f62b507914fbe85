import { randomBytes } from 'node:crypto'
import postgres from 'postgres'
import { inject } from 'vitest'

/** Any number. Copies of one template take turns, because PostgreSQL refuses a template that somebody else is using. */
const COPY_LOCK = 7_583_022

/** A migrated database of one's own on the shared PostgreSQL. What is not dropped goes when the suite ends. */
export async function freshDatabase(): Promise<{ url: string; drop(): Promise<void> }> {
  const template = inject('templateDatabase')
  const name = `${template}_${randomBytes(6).toString('hex')}`
  await asAdmin(async (sql) => {
    await sql`SELECT pg_advisory_lock(${COPY_LOCK})`
    await sql`CREATE DATABASE ${sql(name)} TEMPLATE ${sql(template)}`
  })
  const url = new URL(inject('adminDatabaseUrl'))
  url.pathname = `/${name}`
  return {
    url: url.href,
    drop: () => asAdmin(async (sql) => void (await sql`DROP DATABASE IF EXISTS ${sql(name)} WITH (FORCE)`)),
  }
}

async function asAdmin(work: (sql: postgres.Sql) => Promise<void>): Promise<void> {
  const sql = postgres(inject('adminDatabaseUrl'), { max: 1, onnotice: () => {}, fetch_types: false })
  try {
    await work(sql)
  } finally {
    await sql.end({ timeout: 5 })
  }
}
