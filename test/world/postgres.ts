import { mkdtemp } from 'node:fs/promises'
import path from 'node:path'
import postgres from 'postgres'
import { inject } from 'vitest'
import { copyCluster } from './made-cluster.ts'
import { launchPostgres, type PostgresServer } from './postgres-server.ts'

export type { PostgresServer } from './postgres-server.ts'

export interface OwnPostgres {
  settings?: Record<string, string>
  /** One that Sluice never worked on, and that is known to it as another than its own: with an empty database. */
  isStranger?: boolean
}

/** A PostgreSQL of one's own, with all tables, that may be killed. It is ended with the suite at the latest. */
export async function startPostgres({
  settings,
  isStranger = false,
}: OwnPostgres = {}): Promise<PostgresServer> {
  const home = await mkdtemp(path.join(inject('scratch'), 'postgres-'))
  if (!isStranger) await copyCluster(inject('madeHome'), home)
  return launchPostgres(home, settings)
}

/** Databases beside the one that it has, with all that is in it; nobody may be connected to that one. Gives their addresses by name. */
export async function copiesOf<Name extends string>(
  { url }: PostgresServer,
  names: readonly Name[],
): Promise<Record<Name, string>> {
  const at = (database: string) => url.replace(/[^/]*$/, database)
  const sql = postgres(at('postgres'), { max: 1 })
  const template = sql(new URL(url).pathname.slice(1))
  const copies: [string, string][] = []
  for (const name of names as readonly string[]) {
    await sql`CREATE DATABASE ${sql(name)} TEMPLATE ${template}`
    copies.push([name, at(name)])
  }
  await sql.end()
  return Object.fromEntries(copies) as Record<Name, string>
}
