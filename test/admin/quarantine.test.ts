import { afterAll, beforeAll, expect, test } from 'vitest'
import { newId } from '../../src/platform/ids.ts'
import { holdOne, UNNAMED } from '../ledger/world.ts'
import { cameTo, openRoad, type Road } from '../road/world.ts'

let road: Road
let orders: string

beforeAll(async () => {
  road = await openRoad()
  const destination = await road.destination('/orders')
  orders = await road.integration([{ id: 'push', kind: 'push', destination }])
})
afterAll(() => road.close())

/** An event that an edge held because its signature was wrong. */
function held(body: string, integrationId = orders): Promise<string> {
  const { ledger } = road.world.gateway
  const request = { id: newId(), integrationId, applicationId: road.shop, body: Buffer.from(body) }
  return holdOne(ledger, request, { identity: { ...UNNAMED, topic: 'orders/create' } })
}

const post = (id: string, verb: string, body?: object) => road.api.call('POST', `/events/${id}/${verb}`, body)

test('an event in quarantine is listed, and delivered once it is released, by one of two operators', async () => {
  const id = await held('{"order":1}')
  const [listed] = await road.api.events(`?integrationId=${orders}&status=quarantined`)
  expect(listed).toMatchObject({
    id,
    state: 'quarantined',
    latestRunId: null,
    source: { topic: 'orders/create' },
  })
  const answers = await Promise.all([post(id, 'release'), post(id, 'release')])
  expect(answers.map(({ status }) => status).toSorted()).toEqual([202, 409])
  await road.receiver.received(1)
  const event = await road.api.eventIn(orders, 'delivered')
  expect(event).toMatchObject({
    id,
    latestRunId: answers.find(({ status }) => status === 202)?.body.runId,
    runs: [{ cause: 'released', state: 'delivered' }],
  })
  expect(cameTo(road.receiver, '/orders')).toEqual(['{"order":1}'])
  expect((await post(id, 'discard', {})).body).toMatchObject({
    status: 409,
    detail: 'only an event in quarantine is discarded; this one is "delivered"',
  })
})

test('it is not replayed, and discarded it stays so, with the reason', async () => {
  const id = await held('{"order":2}')
  expect((await post(id, 'replay')).body).toMatchObject({
    status: 409,
    detail: 'this event is in quarantine: it is released or discarded, not replayed',
  })
  expect(await post(id, 'discard', { reason: 'nobody we know' })).toEqual({
    status: 200,
    body: { id, state: 'discarded' },
  })
  expect(await road.api.event(id)).toMatchObject({ state: 'discarded', reason: 'nobody we know', runs: [] })
  expect((await post(id, 'replay')).body).toMatchObject({
    status: 409,
    detail: 'this event was discarded from quarantine: it was never proven and is not replayed',
  })
  expect((await post(id, 'release')).status).toBe(409)
  const unexplained = await held('{"order":3}')
  expect((await post(unexplained, 'discard')).status).toBe(200)
  expect(await road.api.event(unexplained)).toMatchObject({ reason: 'discarded by an operator' })
})

test('an event whose integration was deleted stays where it is', async () => {
  const gone = await road.integration([{ id: 'map', kind: 'transform' }])
  const id = await held('{"order":4}', gone)
  await road.api.call('DELETE', `/integrations/${gone}`)
  expect((await post(id, 'release')).body.detail).toBe('the integration of this event was deleted')
  expect((await road.api.event(id)).state).toBe('quarantined')
  expect((await post(id, 'discard', {})).status).toBe(200)
})

test('an event that is not there', async () => {
  expect((await post(newId(), 'release')).status).toBe(404)
  expect((await post(newId(), 'discard', {})).status).toBe(404)
})
