import { mkdtemp } from 'node:fs/promises'
import path from 'node:path'
import { inject } from 'vitest'
import { launchPostgres, type PostgresServer } from './postgres-server.ts'

export type { PostgresServer } from './postgres-server.ts'

/** A PostgreSQL of one's own that may be killed. It is ended with the suite at the latest. */
export async function startPostgres(
  options: { settings?: Record<string, string> } = {},
): Promise<PostgresServer> {
  return launchPostgres(await mkdtemp(path.join(inject('scratch'), 'postgres-')), options.settings)
}
