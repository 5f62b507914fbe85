import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { newId } from '../../src/platform/ids.ts'
import { openRoad, type Road } from '../road/world.ts'

let road: Road

beforeAll(async () => {
  road = await openRoad()
})
afterAll(() => road.close())

const tryOut = (id: string, body?: object) => road.api.call('POST', `/destinations/${id}/test`, body)
const came = (path: string) => road.receiver.requests.filter(({ url }) => url.startsWith(path))

describe('a destination', () => {
  test('gets a sample that is marked as a test, and nothing of it is kept', async () => {
    const id = await road.destination('/sample', {
      auth: { kind: 'bearer', token: 'a-token-that-nobody-sees' },
      headers: { 'x-shop': '{{ shop.name }}' },
      unknownFields: 'empty',
    })
    road.receiver.answerWith({ status: 200, body: 'thanks for a-token-that-nobody-sees' })
    const { status, body } = await tryOut(id)
    expect([status, body.delivered, body.status]).toEqual([200, true, 200])
    expect(body.reason).toBe('success: the destination answered 200')
    expect(body.request.headers).toContainEqual(['sluice-test', 'true'])
    expect(body.request.headers).toContainEqual(['authorization', '***'])
    expect(body.responseBody).toEqual({ text: 'thanks for ***' })
    expect(body.timing.totalMs).toEqual(expect.any(Number))
    const [request] = came('/sample')
    expect(request?.headers).toMatchObject({
      'sluice-test': 'true',
      authorization: 'Bearer a-token-that-nobody-sees',
    })
    expect(JSON.parse(request?.body.toString() ?? '')).toMatchObject({ test: true })
    expect(await road.api.events()).toEqual([])
    road.receiver.answerWith(200)
  })

  test('gets the item that is given, digits and all, by its own templates', async () => {
    const id = await road.destination('/orders/{{ order.id }}', { method: 'PUT' })
    expect((await tryOut(id, { item: { order: { id: 820982911946154508n } } })).body.delivered).toBe(true)
    expect(came('/orders/820982911946154508')[0]?.body.toString()).toBe('{"order":{"id":820982911946154508}}')
    const without = (await tryOut(id, { item: {} })).body
    expect(without).toMatchObject({ delivered: false, status: null })
    expect(without.reason).toMatch(/^unsendable: the URL cannot be filled in/)
  })

  test('that fails is told once, and not tried again', async () => {
    road.receiver.answerWith(503)
    const id = await road.destination('/down')
    const { body } = await tryOut(id)
    expect(body).toMatchObject({ delivered: false, status: 503, responseBody: { text: '' } })
    expect(came('/down')).toHaveLength(1)
    road.receiver.answerWith(200)
    const inside = (await road.api.destination(road.shop, 'http://169.254.169.254/')).id
    expect((await tryOut(inside)).body.reason).toMatch(/^blocked_address: /)
  })

  test('that is not there, or is asked wrongly', async () => {
    expect((await tryOut(newId())).status).toBe(404)
    expect((await tryOut(await road.destination('/x'), { thing: 1 })).status).toBe(400)
  })
})

describe('an integration', () => {
  const make = (id: string, body?: object) => road.api.call('POST', `/integrations/${id}/test`, body)

  test('gets an event that goes the whole way, and can be told from those of its sender', async () => {
    const destination = await road.destination('/tested')
    const mapping = { method: { from: '$request.method' }, id: 'order.id' }
    const orders = await road.integration([{ id: 'push', kind: 'push', destination, mapping }])
    const { status, body } = await make(orders, {
      payload: { order: { id: 820982911946154508n } },
      topic: 'orders/create',
    })
    expect(status).toBe(202)
    const event = await road.api.eventIn(orders, 'delivered')
    expect(event).toMatchObject({
      id: body.eventId,
      latestRunId: body.runId,
      source: { topic: 'orders/create' },
      request: { method: 'TEST', sourceIp: 'api', detail: 'a test event, made by an operator' },
    })
    expect(came('/tested').map(({ body }) => body.toString())).toEqual([
      '{"method":"TEST","id":820982911946154508}',
    ])
  })

  test('without a payload gets a sample; one that is switched off can be tried too', async () => {
    const orders = (
      await road.api.integration(road.shop, { nodes: [{ id: 'map', kind: 'transform' }] }, { enabled: false })
    ).id
    expect((await make(orders)).status).toBe(202)
    expect((await road.api.eventIn(orders, 'empty')).payload).toMatchObject({ test: true })
    expect((await make('nothing')).status).toBe(404)
  })
})
