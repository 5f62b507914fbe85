import { expect, test } from 'vitest'
import { startTestGateway } from '../world/gateway.ts'
import { startReceiver } from '../world/receiver.ts'

test('an order goes in and its mapping comes out', async () => {
  const receiver = await startReceiver()
  const world = await startTestGateway({ env: { OUTBOUND_ALLOWED: `127.0.0.1:${receiver.port}` } })
  try {
    const shop = await world.api.application('shop')
    const destination = await world.api.destination(shop.id, `${receiver.url}/orders`)
    const { id } = await world.api.integration(shop.id, {
      nodes: [
        { id: 'map', kind: 'transform', mapping: { order_id: 'id' }, next: ['push'] },
        { id: 'push', kind: 'push', destination: destination.id },
      ],
    })
    const answer = await world.send(id, '{"id":820982911946154508}')
    expect(answer).toMatchObject({ status: 200, body: '{"result":true,"error":""}' })
    const [arrived] = await receiver.received(1)
    expect(arrived?.body.toString()).toBe('{"order_id":820982911946154508}')
    const event = await world.api.eventIn(id, 'delivered')
    expect(event.runs[0].deliveries[0].attempts).toHaveLength(1)
  } finally {
    await world.close()
    await receiver.close()
  }
})
