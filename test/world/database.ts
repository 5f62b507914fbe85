import { randomBytes } from 'node:crypto'
import postgres from 'postgres'
import { inject } from 'vitest'
import { type Original, readOriginal, restore } from './restore-database.ts'

/** Any number. Copies of one template take turns, because PostgreSQL refuses a template that somebody else is using. */
const COPY_LOCK = 7_583_022

/** To make and to drop one takes longer than most tests: those that could be made as new are given out again. */
const asNew: string[] = []
let original: Promise<Original> | undefined

/** A migrated database of one's own on the shared PostgreSQL. What is not dropped goes when the suite ends. */
export async function freshDatabase(): Promise<{ url: string; drop(): Promise<void> }> {
  const name = asNew.pop() ?? (await copyTemplate())
  return {
    url: urlOf(name),
    async drop() {
      const isAsNew = await restore(urlOf(name), await knownOriginal()).catch(() => false)
      if (isAsNew) asNew.push(name)
      else await asAdmin(async (sql) => void (await sql`DROP DATABASE IF EXISTS ${sql(name)} WITH (FORCE)`))
    },
  }
}

async function copyTemplate(): Promise<string> {
  const template = inject('templateDatabase')
  const name = `${template}_${randomBytes(6).toString('hex')}`
  await asAdmin(async (sql) => {
    await sql`SELECT pg_advisory_lock(${COPY_LOCK})`
    await sql`CREATE DATABASE ${sql(name)} TEMPLATE ${sql(template)}`
  })
  return name
}

/** Read from a copy, as nobody may be connected to the template when it is copied. */
function knownOriginal(): Promise<Original> {
  original ??= copyTemplate().then(async (name) => {
    const read = await readOriginal(urlOf(name))
    asNew.push(name)
    return read
  })
  return original
}

function urlOf(name: string): string {
  const url = new URL(inject('adminDatabaseUrl'))
  url.pathname = `/${name}`
  return url.href
}

async function asAdmin(work: (sql: postgres.Sql) => Promise<void>): Promise<void> {
  const sql = postgres(inject('adminDatabaseUrl'), { max: 1, onnotice: () => {}, fetch_types: false })
  try {
    await work(sql)
  } finally {
    await sql.end({ timeout: 5 })
  }
}
