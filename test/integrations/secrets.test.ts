import { afterAll, beforeAll, expect, test } from 'vitest'
import { openRoad, type Road } from '../road/world.ts'

let road: Road

beforeAll(async () => {
  road = await openRoad()
})

afterAll(() => road.close())

const SECRETS = ['bearer-secret', 'basic-secret', 'query-secret', 'proof-secret']

test('secrets never come back through the API, and given back masked they stay what they are', async () => {
  const { api } = road
  const bearer = await road.destination('/bearer', { auth: { kind: 'bearer', token: 'bearer-secret' } })
  const basic = await road.destination('/basic', {
    auth: { kind: 'basic', username: 'u', password: 'basic-secret' },
  })
  const key = await road.destination('/key', {
    auth: { kind: 'apiKey', in: 'query', name: 'k', value: 'query-secret' },
  })
  const nodes = [bearer, basic, key].map((destination, index) => ({
    id: `n${index}`,
    kind: 'push',
    destination,
  }))
  const fan = { id: 'fan', kind: 'transform', next: nodes.map(({ id }) => id) }
  const proof = { scheme: 'header', header: 'x-secret', secrets: [{ secret: 'proof-secret' }] }
  const id = await road.integration([fan, ...nodes], { proof })

  const shown = await Promise.all(
    [`/integrations/${id}`, '/integrations', '/destinations', `/destinations/${bearer}`].map((at) =>
      api.call('GET', at),
    ),
  )
  const text = JSON.stringify(shown.map(({ body }) => body))
  expect(SECRETS.filter((secret) => text.includes(secret))).toEqual([])
  expect(text).toContain('***')

  for (const destination of [bearer, basic, key]) {
    const { name, config } = (await api.call('GET', `/destinations/${destination}`)).body
    const changed = await api.call('PATCH', `/destinations/${destination}`, { name: `${name} 2`, config })
    expect(changed.status).toBe(200)
  }
  const { definition } = (await api.call('GET', `/integrations/${id}`)).body
  expect(definition.proof.secrets).toEqual([{ id: expect.any(String), secret: '***' }])
  expect((await api.call('PATCH', `/integrations/${id}`, { definition })).status).toBe(200)

  expect((await road.world.send(id, '{"n":1}', { 'x-secret': '***' })).status).toBe(401)
  expect((await road.world.send(id, '{"n":1}', { 'x-secret': 'proof-secret' })).status).toBe(200)
  const event = await api.eventIn(id, 'delivered')
  const sent = road.receiver.requests.map(({ url, headers }) => [url, headers.authorization])
  expect(sent.toSorted()).toEqual([
    ['/basic', `Basic ${Buffer.from('u:basic-secret').toString('base64')}`],
    ['/bearer', 'Bearer bearer-secret'],
    ['/key?k=query-secret', undefined],
  ])
  const detail = JSON.stringify((await api.call('GET', `/events/${event.id}`)).body)
  expect(SECRETS.filter((secret) => detail.includes(secret))).toEqual([])
})
