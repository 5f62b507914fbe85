import { once } from 'node:events'
import { connect } from 'node:net'
import postgres from 'postgres'
import { expect, test } from 'vitest'
import { freshDatabase } from '../world/database.ts'
import { eventually } from '../world/eventually.ts'
import { type QueueEngine, startTestGateway } from '../world/gateway.ts'
import { startReceiver } from '../world/receiver.ts'

test.each<QueueEngine>(['in-process', 'bullmq'])(
  'a process that stops begins no delivery while its last request is still coming in, on the %s queue',
  async (queue) => {
    const receiver = await startReceiver()
    const { promise: isAnswered, resolve: answer } = Promise.withResolvers<void>()
    receiver.answerWith(async () => {
      await isAnswered
      return 200
    })
    const env = { OUTBOUND_ALLOWED: `127.0.0.1:${receiver.port}` }
    const database = await freshDatabase()
    const sql = postgres(database.url, { max: 1 })
    const world = await startTestGateway({ queue, databaseUrl: database.url, env })
    const { id: shop } = await world.api.application('shop')
    const destination = await world.api.destination(shop, receiver.url, { concurrencyMax: 1 })
    const nodes = [{ id: 'push', kind: 'push', destination: destination.id }]
    const { id } = await world.api.integration(shop, { nodes })
    await world.send(id, '{"n":1}')
    await receiver.received(1)
    // It waits for the first one's place.
    await world.send(id, '{"n":2}')
    await eventually(async () =>
      expect((await world.api.call('GET', '/deliveries?state=waiting')).body.items).toHaveLength(1),
    )

    const sender = connect(world.gateway.port, '127.0.0.1')
    sender.write(`POST /integration/${id} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n`)
    sender.write('content-length: 7\r\nexpect: 100-continue\r\n\r\n')
    expect(String(await once(sender, 'data'))).toContain('100 Continue')
    const stopped = world.gateway.close()
    answer()
    await eventually(async () =>
      expect(await sql`SELECT id FROM deliveries WHERE state = 'delivered'`).toHaveLength(1),
    )
    sender.write('{"n":3}')
    const [reply] = await once(sender, 'data')
    expect(String(reply)).toContain('200 OK')
    await stopped
    expect(receiver.requests).toHaveLength(1)
    await Promise.all([sql.end(), receiver.close()])
    await database.drop()
  },
)
