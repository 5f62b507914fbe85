import postgres from 'postgres'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { freshDatabase } from '../world/database.ts'
import { type QueueEngine, startTestGateway } from '../world/gateway.ts'
import { type Receiver, startReceiver } from '../world/receiver.ts'

let receiver: Receiver

beforeAll(async () => {
  receiver = await startReceiver()
})
afterAll(() => receiver.close())

test.each<QueueEngine>(['in-process', 'bullmq'])(
  'a worker that is stopped in the middle of a call leaves the run to the next one, on the %s queue',
  async (queue) => {
    const database = await freshDatabase()
    const env = {
      OUTBOUND_ALLOWED: `127.0.0.1:${receiver.port}`,
      DRAIN_MS: '200',
      LOST_SECONDS: '30',
      SWEEP_SECONDS: '1',
    }
    receiver.requests.length = 0
    receiver.answerWith({ mode: 'hang' })
    const first = await startTestGateway({ queue, databaseUrl: database.url, env })
    const { id: shop } = await first.api.application('shop')
    const request = { url: receiver.url, timeoutMs: 60_000 }
    const nodes = [{ id: 'ask', kind: 'call', request, result: 'answer', next: [] }]
    const { id } = await first.api.integration(shop, { nodes })
    await first.send(id, '{"n":1}')
    await receiver.received(1)
    await first.close()
    // BullMQ has its job still; the queue in process has ended with the process.
    if (queue === 'in-process') await letTimePass(database.url)

    receiver.answerWith(200)
    const second = await startTestGateway({ queue, databaseUrl: database.url, env: { ...first.env, ...env } })
    const { runs } = await second.api.eventIn(id, 'empty')
    expect(runs).toMatchObject([{ state: 'empty', reason: null, retries: 0, stops: 1, takes: 2 }])
    await second.close()
    await database.drop()
  },
)

test('a run that many workers in a row were stopped in is made all the same, one that as many died in is not', async () => {
  const database = await freshDatabase()
  const env = { OUTBOUND_ALLOWED: `127.0.0.1:${receiver.port}`, DRAIN_MS: '0', LOST_SECONDS: '30' }
  const stops = 6
  receiver.requests.length = 0
  receiver.answerWith({ mode: 'hang' })
  const first = await startTestGateway({ queue: 'bullmq', databaseUrl: database.url, env })
  const again = () =>
    startTestGateway({ queue: 'bullmq', databaseUrl: database.url, env: { ...first.env, ...env } })
  const { id: shop } = await first.api.application('shop')
  const nodes = [{ id: 'ask', kind: 'call', request: { url: receiver.url }, result: 'answer', next: [] }]
  const { id } = await first.api.integration(shop, { nodes })
  const sql = postgres(database.url, { max: 1 })
  await first.send(id, '{"n":1}')
  await receiver.received(1)
  await first.close()
  for (let stopped = 2; stopped <= stops; stopped++) {
    const next = await again()
    await receiver.received(stopped)
    await next.close()
  }
  expect(await sql`SELECT takes, stops FROM runs`).toEqual([{ takes: stops, stops }])

  receiver.answerWith(200)
  const last = await again()
  await last.api.eventIn(id, 'empty')
  await last.close()
  // As the ledger stands when none of them could say that it was stopped.
  await sql`UPDATE runs SET state = 'running', takes = 5, stops = 0, queued_at = now() - interval '1 hour'`
  await sql`UPDATE events SET state = 'queued'`
  await sql.end()
  const unlucky = await again()
  const { runs } = await unlucky.api.eventIn(id, 'dead')
  expect(runs).toMatchObject([
    { takes: 6, reason: 'taken 5 times without an end: it may take down its worker' },
  ])
  await unlucky.close()
  await database.drop()
})

/** As much as work may lie before it counts as lost; no worker is at it. */
async function letTimePass(databaseUrl: string): Promise<void> {
  const sql = postgres(databaseUrl, { max: 1 })
  await sql`UPDATE runs SET queued_at = queued_at - interval '30 seconds'`
  await sql.end()
}

test('a run whose call takes longer than lost work may lie is not taken by another worker', async () => {
  const database = await freshDatabase()
  const env = { OUTBOUND_ALLOWED: `127.0.0.1:${receiver.port}`, LOST_SECONDS: '3', SWEEP_SECONDS: '1' }
  receiver.requests.length = 0
  const { promise: open, resolve } = Promise.withResolvers<void>()
  receiver.answerWith(async () => {
    await open
    return 200
  })
  const world = await startTestGateway({ databaseUrl: database.url, env })
  const { id: shop } = await world.api.application('shop')
  const nodes = [{ id: 'ask', kind: 'call', request: { url: receiver.url }, result: 'answer', next: [] }]
  const { id } = await world.api.integration(shop, { nodes })
  await world.send(id, '{"n":1}')
  // Sweeps go by that would find it lost.
  await new Promise((later) => setTimeout(later, 6_000))
  resolve()
  const { runs } = await world.api.eventIn(id, 'empty')
  expect(runs).toMatchObject([{ takes: 1 }])
  expect(receiver.requests).toHaveLength(1)
  await world.close()
  await database.drop()
})
