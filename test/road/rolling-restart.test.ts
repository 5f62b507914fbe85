import { once } from 'node:events'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { answersOn, openSocket } from '../edge/world.ts'
import { eventually } from '../world/eventually.ts'
import { type Balancer, startBalancer } from './balancer.ts'
import { type EdgeProcess, type Fleet, startFleet } from './fleet.ts'
import { signedBy } from './senders.ts'
import { type SteadySender, startSteadySender } from './steady-sender.ts'

const SECRET = 'the-secret'
const ORDER = '{"id":820982911946154508}'
/** What each edge answers before the next step. */
const LOAD = 40
const LOAD_WITHIN_MS = 60_000

let fleet: Fleet
let balancer: Balancer
let sender: SteadySender
let id: string
/** Behind the balancer. */
let serving: EdgeProcess[]

beforeAll(async () => {
  fleet = await startFleet({ worker: false, env: { STOP_NOTICE_MS: '3000' } })
  balancer = await startBalancer()
  const [one] = fleet.edges
  const shop = await one.api.application('shop')
  const made = await one.api.integration(shop.id, {
    source: 'shopify',
    proof: { secrets: [{ id: 'only', secret: SECRET }] },
    nodes: [{ id: 'keep', kind: 'transform' }],
  })
  id = made.id
  await fleet.haveVersion(id, 1)
  for (const { url } of fleet.edges) balancer.add(url)
  await eventually(async () => expect((await fetch(`${balancer.url}/health/live`)).status).toBe(200))
  sender = startSteadySender({
    addresses: [`${balancer.url}/integration/${id}`],
    connectionsEach: 8,
    pauseMs: 40,
    secret: SECRET,
    sign: (url, secret, number) =>
      signedBy('shopify', { url, secret, event: `order ${number}`, body: ORDER }),
  })
})

afterAll(async () => {
  await sender?.stop()
  await balancer?.close()
  await fleet?.close()
})

async function expectLoad(...edges: EdgeProcess[]): Promise<void> {
  const before = edges.map(({ url }) => balancer.sentTo(url))
  await eventually(() => {
    for (const [index, { url }] of edges.entries())
      expect(balancer.sentTo(url) - (before[index] ?? 0)).toBeGreaterThan(LOAD)
  }, LOAD_WITHIN_MS)
}

test('edges that are replaced one by one under load fail no request, and keep each one that they acked', {
  timeout: 180_000,
}, async () => {
  serving = [...fleet.edges]
  for (const edge of fleet.edges) {
    await expectLoad(...serving)
    expect(await edge.stop()).toBe(0)
    expect(edge.said()).not.toMatch(/"level":[56]0/)
    balancer.remove(edge.url)
    serving.splice(serving.indexOf(edge), 1)
    await expectLoad(...serving)
    const next = await fleet.startEdge()
    balancer.add(next.url)
    serving.push(next)
  }
  await expectLoad(...serving)
  await sender.stop()
  expect(sender.sent.filter(({ answer }) => answer !== 200)).toEqual([])
  expect(sender.sent.length).toBeGreaterThan(5 * LOAD)
  const [row] = await fleet.sql`SELECT count(*)::int AS count FROM events WHERE integration_id = ${id}`
  expect(row?.count).toBe(sender.sent.length)
})

test('an edge that is about to stop says so, answers on, and closes each connection with its answer', async () => {
  const edge = serving.at(-1) ?? (await fleet.startEdge())
  const { hostname, port } = new URL(edge.url)
  const kept = await openSocket(Number(port))
  const ask = `GET /health/ready HTTP/1.1\r\nhost: ${hostname}\r\n\r\n`
  kept.write(ask)
  const [first] = await once(kept, 'data')
  expect(String(first)).toMatch(/^HTTP\/1\.1 200 [\s\S]*connection: keep-alive/i)
  const stopped = edge.stop()
  await eventually(async () => {
    const answer = await fetch(`${edge.url}/health/ready`)
    expect(answer.status).toBe(503)
    expect(await answer.json()).toMatchObject({
      status: 'down',
      parts: { process: { status: 'down', detail: 'it is about to stop' } },
    })
  }, 2_500)
  const post = `POST /integration/nobody HTTP/1.1\r\nhost: ${hostname}\r\ncontent-length: 2\r\n\r\n{}`
  const last = answersOn(kept)
  kept.write(post)
  expect(await last).toMatch(/^HTTP\/1\.1 404 [\s\S]*\r\nconnection: close\r\n/i)
  expect(await stopped).toBe(0)
  await expect(fetch(`${edge.url}/health/ready`)).rejects.toThrow()
})
