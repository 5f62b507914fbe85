import { randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import postgres from 'postgres'
import { makeScratch, sweep, sweepAbandoned, sweepAtExit } from '../world/scratch.ts'

/** Where a gateway keeps what it receives. */
export interface Place {
  /** Settings that bring a gateway there. */
  env: Record<string, string>
  /** Leaves nothing behind. */
  leave(): Promise<void>
}

/** A database of its own on the server of TEST_DATABASE_URL, or else a PostgreSQL that the gateway brings up. */
export async function findPlace(): Promise<Place> {
  const given = process.env.TEST_DATABASE_URL
  return given ? placeOn(given) : placeOfOwn()
}

async function placeOn(adminUrl: string): Promise<Place> {
  const name = `sluice_vectors_${randomBytes(6).toString('hex')}`
  await asAdmin(adminUrl, (sql) => sql`CREATE DATABASE ${sql(name)}`)
  const url = new URL(adminUrl)
  url.pathname = `/${name}`
  const home = await mkdtemp(path.join(tmpdir(), 'sluice-vectors-'))
  return {
    env: { DATABASE_URL: url.href, SLUICE_HOME: home },
    async leave() {
      await asAdmin(adminUrl, (sql) => sql`DROP DATABASE IF EXISTS ${sql(name)} WITH (FORCE)`)
      await rm(home, { recursive: true, force: true })
    },
  }
}

async function placeOfOwn(): Promise<Place> {
  await sweepAbandoned()
  const scratch = await makeScratch()
  const atExit = () => sweepAtExit(scratch)
  process.once('exit', atExit)
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(130))
  return {
    env: { SLUICE_HOME: path.join(scratch, 'home') },
    async leave() {
      await sweep(scratch)
      process.off('exit', atExit)
    },
  }
}

async function asAdmin(url: string, work: (sql: postgres.Sql) => Promise<unknown>): Promise<void> {
  const sql = postgres(url, { max: 1, onnotice: () => {}, fetch_types: false })
  try {
    await work(sql)
  } finally {
    await sql.end({ timeout: 5 })
  }
}
