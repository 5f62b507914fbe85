import { once } from 'node:events'
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http'
import { connect, type Socket } from 'node:net'
import { pino } from 'pino'
import postgres from 'postgres'
import { type Gateway, type GatewayOptions, startGateway } from '../../src/cli/gateway.ts'
import { REFUSALS } from '../../src/edge/edge.ts'
import { readSettings } from '../../src/platform/settings.ts'
import { freshDatabase } from '../world/database.ts'
import { eventually } from '../world/eventually.ts'
import { type Api, apiAt, testSettings } from '../world/gateway.ts'

export { REFUSALS }

/** Pass `definition` fields; the one node makes no delivery. */
const NODES = [{ id: 'keep', kind: 'transform' }]

export interface EdgeWorld {
  gateway: Gateway
  port: number
  api: Api
  sql: postgres.Sql
  /** Every line of the log, as it was written. */
  lines: string[]
  shop: { id: string }
  /** The address of a new integration of the application `shop`. */
  integration(definition?: object, more?: object): Promise<string>
  ask(path: string, asking?: Asking): Promise<Answer>
  /** Posts JSON to an integration. */
  send(id: string, body?: string | Buffer, headers?: Record<string, string>): Promise<Answer>
  requests(query: string): Promise<Record<string, unknown>[]>
  /** `sluice_requests_total` of an outcome. */
  counted(outcome: string): Promise<number>
  /** The first event of an integration, with its payload. */
  eventOf(
    id: string,
  ): Promise<{ id: string; state: string; payload: unknown; request: Record<string, unknown> }>
  raw(bytes: string | Buffer, options?: RawOptions): Promise<string>
  close(): Promise<void>
}

export interface Asking {
  method?: string
  headers?: Record<string, string | string[]>
  body?: string | Buffer
}

export interface Answer {
  status: number
  headers: IncomingHttpHeaders
  body: string
}

export const ACCEPTED = { status: 200, body: '{"result":true,"error":""}' }
export const ORDER = '{"id":1}'

/** A gateway that only receives, with an application `shop`; its log is kept in memory. */
export async function startEdge(
  env: Record<string, string> = {},
  databaseUrl?: string,
  proofs: GatewayOptions['proofs'] = {},
): Promise<EdgeWorld> {
  const database = databaseUrl === undefined ? await freshDatabase() : undefined
  const url = databaseUrl ?? database?.url ?? ''
  const lines: string[] = []
  const gateway = await startGateway({
    settings: readSettings(testSettings(url, { env })),
    role: 'edge',
    proofs,
    log: pino({ level: 'trace', base: null }, { write: (line) => void lines.push(line) }),
  })
  const { port } = gateway
  const api = apiAt(`http://127.0.0.1:${gateway.adminPort}`)
  const sql = postgres(url, { max: 2, onnotice: () => {} })
  const shop = await api.application('shop')
  const ask = (path: string, asking?: Asking) => askAt(port, path, asking)

  return {
    gateway,
    port,
    api,
    sql,
    lines,
    shop,
    async integration(definition = {}, more = {}) {
      return (await api.integration(shop.id, { nodes: NODES, ...definition }, more)).id
    },
    ask,
    send: (id, body = ORDER, headers = {}) =>
      ask(`/integration/${id}`, { body, headers: { 'content-type': 'application/json', ...headers } }),
    requests: async (query) => (await api.call('GET', `/requests?limit=500&${query}`)).body.items,
    counted: (outcome) => countedAt(gateway.adminPort, outcome),
    eventOf: (id) =>
      eventually(async () => {
        const [event] = await api.events(`?integrationId=${id}`)
        return api.event(event.id)
      }),
    raw: (bytes, options) => raw(port, bytes, options),
    async close() {
      await gateway.close()
      await sql.end({ timeout: 1 })
      await database?.drop()
    },
  }
}

async function countedAt(port: number, outcome: string): Promise<number> {
  const { body } = await askAt(port, '/metrics', { method: 'GET' })
  return Number(new RegExp(`sluice_requests_total\\{outcome="${outcome}"\\} ([0-9]+)`).exec(body)?.[1] ?? 0)
}

/** One request on a connection of its own, written as it is told. */
export function askAt(
  port: number,
  path: string,
  { method = 'POST', headers = {}, body }: Asking = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asked = httpRequest(
      { port, path, method, headers, agent: false, setDefaultHeaders: true },
      (answer) => {
        const chunks: Buffer[] = []
        answer.on('data', (chunk) => chunks.push(chunk))
        answer.on('error', reject)
        answer.on('end', () =>
          resolve({
            status: answer.statusCode ?? 0,
            headers: answer.headers,
            body: Buffer.concat(chunks).toString(),
          }),
        )
      },
    )
    asked.on('error', reject)
    asked.end(body)
  })
}

export interface RawOptions {
  /** Ends the exchange as soon as the answers so far match; else it ends when the server closes. */
  until?: RegExp
  withinMs?: number
}

/** Writes bytes on a socket and gives everything that comes back. */
export async function raw(port: number, bytes: string | Buffer, options: RawOptions = {}): Promise<string> {
  const socket = await openSocket(port)
  socket.write(typeof bytes === 'string' ? Buffer.from(bytes, 'latin1') : bytes)
  return answersOn(socket, options)
}

export async function openSocket(port: number): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1' })
  socket.on('error', () => {})
  await once(socket, 'connect')
  return socket
}

export function answersOn(socket: Socket, { until, withinMs = 10_000 }: RawOptions = {}): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = ''
    const timer = setTimeout(() => {
      socket.destroy()
      reject(new Error(`the connection is still open after ${withinMs} ms; it said: ${text}`))
    }, withinMs)
    const done = () => {
      clearTimeout(timer)
      socket.destroy()
      resolve(text)
    }
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1')
      if (until?.test(text)) done()
    })
    socket.on('close', done)
  })
}

/** The gateway still takes webhooks and logged no defect. */
export async function expectHealthy(world: EdgeWorld, id: string): Promise<void> {
  const answer = await world.send(id)
  if (answer.status !== 200) throw new Error(`a good webhook got ${answer.status} ${answer.body}`)
  // A sandbox that a busy machine starts too slowly is no fault of the way in.
  const faults = world.lines.filter(
    (line) => /"level":(50|60)/.test(line) && !/"file":"[^"]*\.js"/.test(line),
  )
  if (faults.length > 0) throw new Error(`the log tells of defects: ${faults.join('')}`)
}
