/** What an edge holds in memory, and whom it still hears, while somebody sends all that he can. */
import { once } from 'node:events'
import { Agent, request } from 'node:http'
import { connect, type Socket } from 'node:net'
import { gzipSync } from 'node:zlib'
import postgres from 'postgres'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { residentBytes } from '../../src/rewrite/sandbox/process-facts.ts'
import { answersOn, askAt } from '../edge/world.ts'
import { freshDatabase } from '../world/database.ts'
import { eventually } from '../world/eventually.ts'
import { apiAt, post, testSettings } from '../world/gateway.ts'
import { type SluiceProcess, startProcess } from './processes.ts'

const MIB = 1024 * 1024
const CONNECTIONS = { max: 1_100, perAddress: 500 }
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
      HEADER_BYTES_MAX: String(MIB),
      LEDGER_SLOW_MS: '1000',
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

/** So many connections, on each of which so many requests are sent without waiting for the answers; their statuses. */
async function sendInRows(connections: number, each: number, header: string): Promise<number[]> {
  const one = `POST ${address} HTTP/1.1\r\nhost: h\r\ncontent-type: application/json\r\nx-header: ${header}\r\ncontent-length: 2\r\n\r\n{}`
  const last = one.replace('host: h', 'host: h\r\nconnection: close')
  const rows = await Promise.all(
    Array.from({ length: connections }, async () => {
      const socket = connect({ port, host: '127.0.0.1' })
      const answers = answersOn(socket, { withinMs: WITHIN_MS })
      socket.write(one.repeat(each - 1) + last)
      return [...(await answers).matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => Number(status))
    }),
  )
  return rows.flat()
}

/** Nothing is stored in its database meanwhile, and whoever asks for it waits. */
async function whilePostgresHangs(work: () => Promise<void>): Promise<void> {
  const sql = postgres(database.url, { max: 1 })
  await sql.begin(async (transaction) => {
    await transaction`LOCK TABLE requests IN ACCESS EXCLUSIVE MODE`
    await work()
  })
  await sql.end()
  await eventually(async () => {
    expect(await askAt(port, '/health/ready', { method: 'GET' })).toMatchObject({
      status: 200,
      body: expect.stringContaining('"status":"up"'),
    })
  }, WITHIN_MS)
  await expectHeard()
}

async function expectHeard(): Promise<void> {
  await eventually(async () => {
    expect((await post(`${edge.url}${address}`, '{}', {})).status).toBe(200)
  }, WITHIN_MS)
}

// First of all what takes least: what an edge has grown by once it keeps, which hides what takes less later.
test('while PostgreSQL hangs, each of a flood of small requests is acknowledged from the journal or told to come again, and takes little memory', {
  timeout: 120_000,
}, async () => {
  await whilePostgresHangs(async () => {
    const growth = await growthOf(async () => {
      const statuses = await sendInRows(40, 125, 'small')
      expect(statuses).toHaveLength(5_000)
      expect(statuses).toContain(200)
      expect(statuses.filter((status) => ![200, 503].includes(status))).toEqual([])
    })
    // Nearly twice what one takes, with everything that Node, HTTP and the journal keep of it.
    expect(growth).toBeLessThan((5_000 * 40) / 1_024)
  })
})

test('small bodies that become large ones are undone a few at a time', { timeout: 120_000 }, async () => {
  const bomb = gzipSync(Buffer.alloc(MIB))
  expect(bomb.length).toBeLessThan(10_000)
  const growth = await growthOf(async () => {
    // Of a type that is not read, once it is undone: that would take most of the time.
    const headers = { 'content-encoding': 'gzip', 'content-type': 'image/png' }
    const statuses = await sendAtOnce(400, bomb, headers)
    expect([...statuses].toSorted()).toEqual([415, 503])
  })
  // Undone all at once they would take 400 MiB.
  expect(growth).toBeLessThan(150)
  await expectHeard()
})

test('large bodies take no more memory than there is for them; the rest is told to come again', {
  timeout: 120_000,
}, async () => {
  const body = Buffer.from(
    JSON.stringify(Array.from({ length: 70_000 }, (_, n) => `${n} ${'x'.repeat(100)}`)),
  )
  const count = 70
  const growth = await growthOf(async () => {
    const statuses = await sendAtOnce(count, body)
    expect(statuses).toContain(503)
    expect([...statuses].filter((status) => ![0, 200, 408, 503].includes(status))).toEqual([])
  })
  // Half of what is sent: what is read of a body takes several times its bytes.
  expect(growth).toBeLessThan((count * body.length) / MIB / 2)
  await expectHeard()
})

test('while PostgreSQL hangs, requests with large headers take no more memory than there is for them', {
  timeout: 120_000,
}, async () => {
  const header = 'x'.repeat(MIB - 1_000)
  await whilePostgresHangs(async () => {
    const growth = await growthOf(async () => {
      const statuses = await sendInRows(300, 1, header)
      // How many are told to come again hangs on how fast they come: the journal takes those that waited long.
      expect(statuses).toHaveLength(300)
      expect(statuses).toContain(200)
      expect(statuses.filter((status) => ![200, 503].includes(status))).toEqual([])
    })
    // Reading them alone takes nearly twice what is sent, as garbage; if all waited it would be over four times.
    expect(growth).toBeLessThan(3 * 300)
  })
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
  await eventually(() => expect(edge.said()).toContain('an address has too many connections'))
  for (const socket of sockets) socket.destroy()
  await expectHeard()
})
