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
    expect(runs).toMatchObject([{ state: 'empty', reason: null, retries: 0, takes: 2 }])
    await second.close()
    await database.drop()
  },
)

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
