import { randomBytes } from 'node:crypto'
import {
  type Definition,
  definitionSchema,
  type Integrations,
  openIntegrations,
} from '../../src/integrations/integrations.ts'
import { newId, newIntegrationId } from '../../src/platform/ids.ts'
import { createLog, type Log } from '../../src/platform/log.ts'
import { connectPostgres, type Sql } from '../../src/platform/postgres.ts'
import { createSealer } from '../../src/platform/sealing.ts'

export const KEY = randomBytes(32)

export interface Process {
  integrations: Integrations
  sql: Sql
  name: string
  close(): Promise<void>
}

/** What each process has: definitions over a pool of its own. Far from the reload period, unless a test says so. */
export async function openProcess(
  url: string,
  {
    key = KEY,
    reloadSeconds = 3_600,
    log = createLog('silent'),
  }: { key?: Buffer; reloadSeconds?: number; log?: Log } = {},
): Promise<Process> {
  const name = `process-${newIntegrationId()}`
  const sql = connectPostgres(url, { connectionsMax: 4, applicationName: name })
  const integrations = await openIntegrations({ sql, sealer: createSealer(key), reloadSeconds, log })
  return {
    integrations,
    sql,
    name,
    async close() {
      await integrations.close()
      await sql.end({ timeout: 1 })
    },
  }
}

export async function saveShop(
  integrations: Integrations,
  slug = `shop-${newIntegrationId()}`,
): Promise<string> {
  const id = newId()
  await integrations.saveApplication({
    id,
    slug,
    name: slug,
    webhooksEnabled: true,
    allowedList: ['203.0.113.0/24'],
  })
  return id
}

export function definitionOf(more: object = {}): Definition {
  return definitionSchema.parse({ nodes: [{ id: 'first', kind: 'transform' }], ...more })
}

/** Saves an integration and gives its id. */
export async function saveOrders(
  integrations: Integrations,
  applicationId: string,
  definition = definitionOf(),
  id = newIntegrationId(),
): Promise<string> {
  await integrations.saveIntegration({ id, applicationId, name: 'orders', enabled: true, definition })
  return id
}
