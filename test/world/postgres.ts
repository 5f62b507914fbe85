import { mkdtemp } from 'node:fs/promises'
import path from 'node:path'
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
