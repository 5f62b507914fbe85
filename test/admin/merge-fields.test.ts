import { afterAll, beforeAll, expect, test } from 'vitest'
import { newId } from '../../src/platform/ids.ts'
import { openRoad, type Road } from '../road/world.ts'
import { eventually } from '../world/eventually.ts'

let road: Road
let destination: string
let orders: string

beforeAll(async () => {
  road = await openRoad()
  destination = await road.destination('/orders')
  orders = await road.integration([
    { id: 'push', kind: 'push', destination, mapping: { 'to.name': 'customer.name' } },
  ])
})
afterAll(() => road.close())

async function received(body: object): Promise<any> {
  await road.world.send(orders, JSON.stringify(body))
  const [latest] = await road.api.events(`?integrationId=${orders}&limit=1`)
  return eventually(async () => {
    const event = await road.api.event(latest.id)
    expect(event.state).toBe('delivered')
    return event
  })
}

const get = async (path: string) => (await road.api.call('GET', path)).body

test('the fields of one event are those of its payload, and of what was made of it for each destination', async () => {
  const { id } = await received({ id: 12, customer: { name: 'Zoë' }, lines: [{ sku: 'A' }] })
  const seen = 1
  expect(await get(`/events/${id}/merge-fields`)).toEqual({
    events: 1,
    payload: [
      { path: 'id', example: '12', kind: 'number', seen },
      { path: 'customer.name', example: 'Zoë', kind: 'text', seen },
      { path: 'lines', example: '1 elements', kind: 'list', seen },
      { path: 'lines[0].sku', example: 'A', kind: 'text', seen },
    ],
    nodes: [
      {
        nodeId: 'push',
        destinationId: destination,
        fields: [{ path: 'to.name', example: 'Zoë', kind: 'text', seen }],
      },
    ],
  })
  expect((await road.api.call('GET', `/events/${newId()}/merge-fields`)).status).toBe(404)
})

test('those of an integration are learned from its latest events, and no more of them than asked', async () => {
  await received({ id: 13, customer: { name: 'Åsa' }, note: 'ring twice' })
  await received({ id: 14, customer: { name: 'Ada' }, huge: 'x'.repeat(600_000) })
  const learned = await get(`/integrations/${orders}/merge-fields`)
  expect(learned.events).toBe(2)
  expect(learned.payload.slice(0, 3)).toEqual([
    { path: 'id', example: '13', kind: 'number', seen: 2 },
    { path: 'customer.name', example: 'Åsa', kind: 'text', seen: 2 },
    { path: 'note', example: 'ring twice', kind: 'text', seen: 1 },
  ])
  expect(learned.nodes).toMatchObject([{ fields: [{ path: 'to.name', seen: 2 }] }])
  const latest = await get(`/integrations/${orders}/merge-fields?events=2`)
  expect(latest.events).toBe(1)
  expect((await road.api.call('GET', `/integrations/${orders}/merge-fields?events=51`)).status).toBe(400)
  expect((await road.api.call('GET', '/integrations/nowhere/merge-fields')).status).toBe(404)
})

test('an integration to which nothing came has none', async () => {
  const empty = await road.integration([{ id: 'map', kind: 'transform' }])
  expect(await get(`/integrations/${empty}/merge-fields`)).toEqual({ events: 0, payload: [], nodes: [] })
})
