import { randomBytes } from 'node:crypto'
import { type Gateway, type Role, startGateway } from '../../src/cli/gateway.ts'
import { type Json, parseExact, stringifyExact } from '../../src/payload/exact-json.ts'
import { createLog } from '../../src/platform/log.ts'
import { readSettings } from '../../src/platform/settings.ts'
import { freshDatabase } from './database.ts'
import { eventually } from './eventually.ts'
import { sharedRedis } from './redis.ts'

export type QueueEngine = 'in-process' | 'bullmq'

export interface WorldOptions {
  queue?: QueueEngine
  role?: Role
  /** A database that another gateway of the test uses too. */
  databaseUrl?: string
  /** Settings beside those of {@link testSettings}. */
  env?: Record<string, string>
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

export const ADMIN_KEY = 'test-admin-key-of-thirty-two-characters'
export const MASTER_KEY = randomBytes(32).toString('base64')

/** A gateway on a database of its own, in this process, on free ports. */
export async function startTestGateway(options: WorldOptions = {}): Promise<TestGateway> {
  const database = options.databaseUrl === undefined ? await freshDatabase() : undefined
  const env = testSettings(options.databaseUrl ?? database?.url ?? '', options)
  const settings = readSettings(env)
  const gateway = await startGateway({
    settings,
    role: options.role ?? 'all',
    log: createLog(settings.LOG_LEVEL),
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
    PORT: '0',
    HOST: '127.0.0.1',
    RETRIEVE_ALLOWED_LIST: '127.0.0.1',
    SLUICE_MASTER_KEY: MASTER_KEY,
    SLUICE_ADMIN_KEY: ADMIN_KEY,
    LOG_LEVEL: process.env.TEST_LOG_LEVEL ?? 'silent',
    ...(redis && { REDIS_URL: redis.url, REDIS_PREFIX: redis.prefix }),
    ...env,
  }
}

export type Api = ReturnType<typeof apiAt>

/** The management API with the verbs that tests need; numbers keep their digits. */
export function apiAt(base: string, key = ADMIN_KEY) {
  async function call(method: string, path: string, body?: unknown): Promise<{ status: number; body: any }> {
    const response = await fetch(`${base}/api/v1${path}`, {
      method,
      headers: {
        authorization: `Bearer ${key}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: stringifyExact(body as Json) }),
    })
    const text = await response.text()
    return { status: response.status, body: text === '' ? undefined : parseExact(text) }
  }
  async function created(path: string, body: unknown): Promise<any> {
    const answer = await call('POST', path, body)
    if (answer.status !== 201)
      throw new Error(`POST ${path}: ${answer.status} ${stringifyExact(answer.body)}`)
    return answer.body
  }
  return {
    call,
    application: (slug: string, more: object = {}) => created('/applications', { slug, name: slug, ...more }),
    destination: (applicationId: string, url: string, config: object = {}) =>
      created('/destinations', { applicationId, name: 'receiver', config: { kind: 'http', url, ...config } }),
    rewriteFunction: (applicationId: string, name: string, source: string) =>
      created('/functions', { applicationId, name, source }),
    integration: (applicationId: string, definition: object, more: object = {}) =>
      created('/integrations', { applicationId, name: 'orders', definition, ...more }),
    /** The event list, newest first. */
    events: async (query = '') => (await call('GET', `/events${query}`)).body.items,
    event: async (id: string) => (await call('GET', `/events/${id}`)).body,
    /** The only event of an integration, once it is in this state. */
    eventIn: (integrationId: string, state: string) =>
      eventually(async () => {
        const { items } = (await call('GET', `/events?integrationId=${integrationId}&status=${state}`)).body
        if (items.length === 0) {
          const all = (await call('GET', `/events?integrationId=${integrationId}`)).body.items
          throw new Error(`no event is ${state}: ${stringifyExact(all)}`)
        }
        return (await call('GET', `/events/${items[0].id}`)).body
      }),
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
