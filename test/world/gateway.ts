import { randomBytes } from 'node:crypto'
import { mkdtempSync } from 'node:fs'
import path from 'node:path'
import { inject } from 'vitest'
import { type Gateway, type GatewayOptions, type Role, startGateway } from '../../src/cli/gateway.ts'
import { createLog } from '../../src/platform/log.ts'
import { readSettings } from '../../src/platform/settings.ts'
import { ADMIN_KEY, type Api, apiAt } from './api.ts'
import { freshDatabase } from './database.ts'
import { sharedRedis } from './redis.ts'

export { ADMIN_KEY, type Api, apiAt }

export type QueueEngine = 'in-process' | 'bullmq'

export interface WorldOptions {
  queue?: QueueEngine
  role?: Role
  /** A database that another gateway of the test uses too. */
  databaseUrl?: string
  /** Settings beside those of {@link testSettings}. */
  env?: Record<string, string>
  proofs?: GatewayOptions['proofs']
  outside?: GatewayOptions['outside']
  /** Instead of one of the level in TEST_LOG_LEVEL. */
  log?: GatewayOptions['log']
}

export interface TestGateway {
  gateway: Gateway
  url: string
  env: Record<string, string>
  api: Api
  /** Posts a body to an integration as a source system would. */
  send(integrationId: string, body: string | Buffer, headers?: Record<string, string>): Promise<SenderAnswer>
  close(): Promise<void>
}

export interface SenderAnswer {
  status: number
  body: string
  headers: Headers
}

export const MASTER_KEY = randomBytes(32).toString('base64')

/** A gateway on a database of its own, in this process, on free ports. */
export async function startTestGateway(options: WorldOptions = {}): Promise<TestGateway> {
  const database = options.databaseUrl === undefined ? await freshDatabase() : undefined
  const env = testSettings(options.databaseUrl ?? database?.url ?? '', options)
  const settings = readSettings(env)
  const gateway = await startGateway({
    settings,
    role: options.role ?? 'all',
    log: options.log ?? createLog(settings.LOG_LEVEL),
    proofs: options.proofs ?? {},
    outside: options.outside,
  })
  const url = `http://127.0.0.1:${gateway.port}`
  return {
    gateway,
    url,
    env,
    api: apiAt(`http://127.0.0.1:${gateway.adminPort}`),
    send: (integrationId, body, headers = {}) => post(`${url}/integration/${integrationId}`, body, headers),
    async close() {
      await gateway.close()
      await database?.drop()
    },
  }
}

/** The settings of a gateway in tests: any program of this machine may send, and be sent to on the ports that are named. */
export function testSettings(databaseUrl: string, { queue = 'in-process', env = {} }: WorldOptions = {}) {
  const redis = queue === 'bullmq' ? sharedRedis() : undefined
  return {
    DATABASE_URL: databaseUrl,
    SLUICE_HOME: mkdtempSync(path.join(inject('scratch'), 'home-')),
    PORT: '0',
    HOST: '127.0.0.1',
    RETRIEVE_ALLOWED_LIST: '127.0.0.1',
    SLUICE_MASTER_KEY: MASTER_KEY,
    SLUICE_ADMIN_KEY: ADMIN_KEY,
    STOP_NOTICE_MS: '0',
    SANDBOX_PROCESSES: '1',
    // To make one costs PostgreSQL more than most tests do.
    DATABASE_CONNECTIONS_MAX: '4',
    // The machine of a test may stall for seconds, and what it kept meanwhile is not in the journal.
    STORE_WAIT_MS: '20000',
    LEDGER_SLOW_MS: '10000',
    LOG_LEVEL: process.env.TEST_LOG_LEVEL ?? 'silent',
    ...(redis && { REDIS_URL: redis.url, REDIS_PREFIX: redis.prefix }),
    ...env,
  }
}

export async function post(
  url: string,
  body: string | Buffer,
  headers: Record<string, string>,
): Promise<SenderAnswer> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: typeof body === 'string' ? body : new Uint8Array(body),
  })
  return { status: response.status, body: await response.text(), headers: response.headers }
}
