/** What an edge holds in memory, and whom it still hears, while somebody sends all that he can. */
import { once } from 'node:events'
import { Agent, request } from 'node:http'
import { connect, type Socket } from 'node:net'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { residentBytes } from '../../src/rewrite/sandbox/process-facts.ts'
import { askAt } from '../edge/world.ts'
import { freshDatabase } from '../world/database.ts'
import { eventually } from '../world/eventually.ts'
import { apiAt, post, testSettings } from '../world/gateway.ts'
import { type SluiceProcess, startProcess } from './processes.ts'

const MIB = 1024 * 1024
const CONNECTIONS = { max: 1_100, perAddress: 500 }
/** Many times PENDING_BYTES_MAX, as what is read of a body takes more than its bytes; half of what is sent at once. */
const GROWTH_MIB_MAX = 600
const WITHIN_MS = 60_000

let database: { url: string; drop(): Promise<void> }
let edge: SluiceProcess
let address: string
let port: number

beforeAll(async () => {
  database = await freshDatabase()
  const env = testSettings(database.url, {
    queue: 'bullmq',
    env: {
      PENDING_BYTES_MAX: String(32 * MIB),
      BODY_BYTES_MAX: String(8 * MIB),
      COMPRESSED_BYTES_MAX: String(8 * MIB),
      CONNECTIONS_MAX: String(CONNECTIONS.max),
      CONNECTIONS_PER_ADDRESS_MAX: String(CONNECTIONS.perAddress),
    },
  })
  edge = await startProcess('edge', env)
  const api = apiAt(edge.url)
  const shop = await api.application('shop')
  const { id } = await api.integration(shop.id, { nodes: [{ id: 'keep', kind: 'transform' }] })
  address = `/integration/${id}`
  port = Number(new URL(edge.url).port)
  for (let count = 0; count < 20; count += 1) await post(`${edge.url}${address}`, '{}', {})
})

afterAll(async () => {
  await edge?.kill9()
  await database?.drop()
})

/** By how many MiB the memory of the edge grew at most while this was done. */
async function growthOf(work: () => Promise<unknown>): Promise<number> {
  const before = residentBytes(edge.pid) ?? 0
  let most = before
  const timer = setInterval(() => {
    most = Math.max(most, residentBytes(edge.pid) ?? 0)
  }, 10)
  await work().finally(() => clearInterval(timer))
  return (most - before) / MIB
}

/** The status; 0 when the edge hung up, which it does on a body that it has no room for. */
function send(body: Buffer, headers: Record<string, string>, agent: Agent): Promise<number> {
  return new Promise((resolve) => {
    const all = { 'content-type': 'application/json', 'content-length': body.length, ...headers }
    const asked = request(
      { port, host: '127.0.0.1', path: address, method: 'POST', agent, headers: all },
      (answer) => {
        answer.resume().on('error', () => resolve(0))
        answer.on('end', () => resolve(answer.statusCode ?? 0))
      },
    )
    asked.on('error', () => resolve(0))
    asked.end(body)
  })
}

async function sendAtOnce(count: number, body: Buffer, headers: Record<string, string> = {}) {
  const agent = new Agent({ maxSockets: count })
  const statuses = await Promise.all(Array.from({ length: count }, () => send(body, headers, agent)))
  agent.destroy()
  return new Set(statuses)
}

async function expectHeard(): Promise<void> {
  await eventually(async () => {
    expect((await post(`${edge.url}${address}`, '{}', {})).status).toBe(200)
  }, WITHIN_MS)
}

test('large bodies take no more memory than there is for them; the rest is told to come again', {
  timeout: 120_000,
}, async () => {
  const body = Buffer.from(
    JSON.stringify(Array.from({ length: 70_000 }, (_, n) => `${n} ${'x'.repeat(100)}`)),
  )
  const growth = await growthOf(async () => {
    const statuses = await sendAtOnce(80, body)
    expect(statuses).toContain(503)
    expect([...statuses].filter((status) => ![0, 200, 408, 503].includes(status))).toEqual([])
  })
  expect(growth).toBeLessThan(GROWTH_MIB_MAX)
  await expectHeard()
})

test('small bodies that become large ones are undone a few at a time', { timeout: 120_000 }, async () => {
  // Wrong from its first character on, so that reading it costs nothing.
  const bomb = gzipSync(Buffer.alloc(MIB / 2, '}'))
  expect(bomb.length).toBeLessThan(10_000)
  const growth = await growthOf(async () => {
    const statuses = await sendAtOnce(400, bomb, { 'content-encoding': 'gzip' })
    expect(statuses).toContain(503)
    expect([...statuses].filter((status) => ![400, 503].includes(status))).toEqual([])
  })
  expect(growth).toBeLessThan(GROWTH_MIB_MAX)
  await expectHeard()
})

test('a thousand idle connections of one sender keep no other out', { timeout: 120_000 }, async () => {
  const sockets: Socket[] = []
  // More than the edge may have in all.
  for (let count = 0; count < 1_200; count += 1) {
    const socket = connect({ port, host: '127.0.0.1', localAddress: '127.0.0.2' })
    sockets.push(socket.on('error', () => {}))
    if (count % 50 === 0) await once(socket, 'connect')
  }
  // On connections of their own: those that are only kept open have to go when it is crowded.
  const headers = { 'content-type': 'application/json' }
  expect(await askAt(port, address, { body: '{}', headers })).toMatchObject({ status: 200 })
  const { body: metrics } = await askAt(port, '/metrics', { method: 'GET' })
  expect(Number(/^sluice_connections (\d+)$/m.exec(metrics)?.[1])).toBeGreaterThanOrEqual(
    CONNECTIONS.perAddress,
  )
  expect(Number(/^sluice_connections_dropped_total (\d+)$/m.exec(metrics)?.[1])).toBeGreaterThan(0)
  expect(edge.said()).toContain('an address has too many connections')
  for (const socket of sockets) socket.destroy()
  await expectHeard()
})
