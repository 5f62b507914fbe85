import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { newId } from '../../src/platform/ids.ts'
import { cameTo, openRoad, type Road } from '../road/world.ts'
import { eventually } from '../world/eventually.ts'
import { type Dying, openDying } from './dying.ts'

let road: Road
let shop: Dying
let broken: string
/** What the receiver answers, by path. */
const answers = new Map<string, number>()

beforeAll(async () => {
  road = await openRoad()
  road.receiver.answerWith(({ url }) => answers.get(url) ?? 200)
  shop = await dying('/orders')
  await road.api.rewriteFunction(road.shop, 'throws', `throw new Error('no such customer')`)
  const { destination } = shop
  broken = await road.integration([{ id: 'push', kind: 'push', function: 'throws', destination }])
})
afterAll(() => road.close())

function dying(path: string): Promise<Dying> {
  answers.set(path, 400)
  return openDying(road, path)
}

const get = async (path: string) => (await road.api.call('GET', path)).body
const replay = (id: string, body?: object) => road.api.call('POST', `/deliveries/${id}/replay`, body)
const discard = (id: string, body?: object) => road.api.call('POST', `/dead-letters/${id}/discard`, body)
const ids = (page: { items: { id: string }[] }) => page.items.map(({ id }) => id)

/** An order that the destination refused: its event and its only delivery. */
async function refused(of: Dying, body: object = { n: 1 }): Promise<{ eventId: string; id: string }> {
  const event = await of.order(body, 'dead')
  return { eventId: event.id, id: event.runs[0].deliveries[0].id }
}

async function deadRun(body: string): Promise<{ eventId: string; id: string }> {
  await road.world.send(broken, body)
  const [{ id: eventId }] = await road.api.events(`?integrationId=${broken}&limit=1`)
  return eventually(async () => {
    const { state, latestRunId } = await road.api.event(eventId)
    expect(state).toBe('dead')
    return { eventId, id: latestRunId }
  })
}

describe('the list of dead letters', () => {
  let delivery: { eventId: string; id: string }
  let run: { eventId: string; id: string }
  beforeAll(async () => {
    delivery = await refused(shop, { order: 820, to: 'Zoë' })
    run = await deadRun('{"order":821,"to":"Åsa"}')
  })

  test('holds deliveries and runs, newest first, each with why it died', async () => {
    expect((await get('/dead-letters')).items).toMatchObject([
      {
        id: run.id,
        kind: 'run',
        eventId: run.eventId,
        destinationId: null,
        reason: expect.stringContaining('no such customer'),
        lastStatus: null,
      },
      {
        id: delivery.id,
        kind: 'delivery',
        destinationId: shop.destination,
        nodeId: 'push',
        tries: 1,
        lastStatus: 400,
        diedAt: expect.any(String),
      },
    ])
  })

  test('is narrowed down, and turns pages', async () => {
    for (const [query, found] of [
      ['kind=run', [run.id]],
      ['kind=delivery', [delivery.id]],
      [`destinationId=${shop.destination}`, [delivery.id]],
      [`integrationId=${broken}`, [run.id]],
      [`applicationId=${road.shop}`, [run.id, delivery.id]],
      [`applicationId=${newId()}`, []],
      [`eventId=${delivery.eventId}`, [delivery.id]],
      ['reason=NO%20SUCH', [run.id]],
      [`text=${encodeURIComponent('ZOË')}`, [delivery.id]],
      [`text=${encodeURIComponent('åsa')}`, [run.id]],
      ['from=2099-01-01T00:00:00Z', []],
      ['to=2099-01-01T00:00:00Z', [run.id, delivery.id]],
    ] as const)
      expect([query, ids(await get(`/dead-letters?${query}`))]).toEqual([query, found])
    const first = await get('/dead-letters?limit=1')
    const second = await get(`/dead-letters?limit=1&cursor=${first.next}`)
    expect([...ids(first), ...ids(second)]).toEqual([run.id, delivery.id])
  })

  test('leads to what is known of one', async () => {
    expect(await get(`/dead-letters/${delivery.id}`)).toMatchObject({
      item: { order: 820, to: 'Zoë' },
      attempts: [{ status: 400 }],
      nodes: [{ nodeId: 'push' }],
      event: { id: delivery.eventId, payload: { order: 820, to: 'Zoë' } },
    })
    expect(await get(`/dead-letters/${run.id}`)).toMatchObject({
      item: null,
      attempts: [],
      nodes: [{ nodeId: 'push', outcome: 'failed' }],
      event: { payload: { order: 821, to: 'Åsa' } },
    })
    expect((await road.api.call('GET', `/dead-letters/${newId()}`)).status).toBe(404)
  })

  test('leaves out what a replay of the event has dealt with', async () => {
    const { eventId, id } = await refused(shop)
    answers.set('/orders', 200)
    await road.api.call('POST', `/events/${eventId}/replay`)
    await eventually(async () => expect((await road.api.event(eventId)).state).toBe('delivered'))
    answers.set('/orders', 400)
    expect(ids(await get('/dead-letters'))).not.toContain(id)
    expect(ids(await get('/deliveries?state=dead'))).toContain(id)
  })
})

describe('a dead delivery', () => {
  test('is replayed by one of two operators as a new delivery that takes its place', async () => {
    const { destination, order } = await dying('/again')
    const { eventId, id } = await refused({ destination, order } as Dying, { n: 7 })
    answers.set('/again', 200)
    const both = await Promise.all([replay(id), replay(id)])
    expect(both.map(({ status }) => status).toSorted()).toEqual([202, 409])
    const again = both.find(({ status }) => status === 202)?.body.id
    await eventually(async () => {
      expect(await road.api.event(eventId)).toMatchObject({
        state: 'delivered',
        runs: [
          {
            cause: 'received',
            state: 'delivered',
            deliveries: [
              {
                id,
                state: 'superseded',
                reason: expect.stringContaining(`replayed as ${again}; before it was dead: bad_payload`),
              },
              { id: again, state: 'delivered', tries: 1 },
            ],
          },
        ],
      })
    })
    expect(await get(`/deliveries/${again}`)).toMatchObject({ replayOf: id, edited: false })
    expect(ids(await get('/dead-letters'))).not.toContain(id)
    expect(cameTo(road.receiver, '/again')).toEqual(['{"n":7}', '{"n":7}'])
    const [first, second] = road.receiver.requests.filter(({ url }) => url === '/again')
    expect(first?.headers['webhook-id']).not.toBe(second?.headers['webhook-id'])
  })

  test('is edited and replayed, and what was to be sent stays beside it', async () => {
    const { order } = await dying('/edited')
    const { id } = await refused({ order } as Dying, { country: 'Holland' })
    answers.set('/edited', 200)
    const item = { country: 'NL', id: 820982911946154508n }
    const { body } = await replay(id, { item })
    await eventually(async () => expect((await get(`/deliveries/${body.id}`)).state).toBe('delivered'))
    expect(await get(`/deliveries/${body.id}`)).toMatchObject({ item, edited: true, replayOf: id })
    expect((await get(`/deliveries/${id}`)).item).toEqual({ country: 'Holland' })
    expect(cameTo(road.receiver, '/edited').at(-1)).toBe('{"country":"NL","id":820982911946154508}')
  })

  test('whose replay dies too is a dead letter again, as the new one', async () => {
    const { order } = await dying('/twice')
    const { eventId, id } = await refused({ order } as Dying)
    const { body } = await replay(id)
    await eventually(async () => expect(ids(await get('/dead-letters'))).toContain(body.id))
    expect(ids(await get('/dead-letters'))).not.toContain(id)
    expect(await road.api.event(eventId)).toMatchObject({ state: 'dead', runs: [{ state: 'dead' }] })
  })

  test('of several leaves its run dead until each is dealt with', async () => {
    const { integration } = await dying('/many')
    await road.world.send(integration, '[{"n":1},{"n":2},{"n":3}]')
    const event = await road.api.eventIn(integration, 'dead')
    const [first, second, third] = event.runs[0].deliveries.map(({ id }: { id: string }) => id)
    answers.set('/many', 200)
    const stateOf = async () => (await road.api.event(event.id)).state
    const { body } = await replay(first)
    await eventually(async () => expect((await get(`/deliveries/${body.id}`)).state).toBe('delivered'))
    expect(await stateOf()).toBe('dead')
    expect((await discard(second)).status).toBe(200)
    expect(await stateOf()).toBe('dead')
    expect((await discard(third, { reason: 'the shop has closed' })).status).toBe(200)
    expect(await stateOf()).toBe('delivered')
  })

  test('is discarded by one of two operators, and why it died stays to be read', async () => {
    const { order } = await dying('/discarded')
    const { eventId, id } = await refused({ order } as Dying)
    const both = await Promise.all([
      discard(id, { reason: 'a test order' }),
      discard(id, { reason: 'a test order' }),
    ])
    expect(both.map(({ status }) => status).toSorted()).toEqual([200, 409])
    expect(both.find(({ status }) => status === 409)?.body.detail).toBe(
      'only a dead letter is discarded; this one is "discarded"',
    )
    const reason = expect.stringMatching(/^a test order; it had died: bad_payload/)
    expect(await road.api.event(eventId)).toMatchObject({
      state: 'discarded',
      reason,
      runs: [{ state: 'discarded', deliveries: [{ state: 'discarded', reason }] }],
    })
    expect(ids(await get('/dead-letters'))).not.toContain(id)
  })

  test('that one operator replays while another discards it goes out once more', async () => {
    const { order } = await dying('/torn')
    const { eventId, id } = await refused({ order } as Dying)
    answers.set('/torn', 200)
    const [replayed, discarded] = await Promise.all([replay(id), discard(id)])
    expect(replayed.status).toBe(202)
    expect([200, 409]).toContain(discarded.status)
    await eventually(async () => expect((await road.api.event(eventId)).state).toBe('delivered'))
    expect(cameTo(road.receiver, '/torn')).toHaveLength(2)
    expect((await replay(id)).body.detail).toContain('this one is "superseded"')
  })

  test('is not replayed to a destination that is disabled or was deleted', async () => {
    const { order, integration, destination } = await dying('/gone')
    const { id } = await refused({ order } as Dying)
    await road.api.call('PATCH', `/destinations/${destination}`, { enabled: false })
    expect(await replay(id)).toMatchObject({ status: 409, body: { detail: 'the destination is disabled' } })
    await road.api.call('DELETE', `/integrations/${integration}`)
    await road.api.call('DELETE', `/destinations/${destination}`)
    expect(await replay(id)).toMatchObject({ status: 409, body: { detail: 'the destination was deleted' } })
  })
})

test('a delivery that arrived is sent again, and stays what it is', async () => {
  const { order } = await dying('/arrived')
  answers.set('/arrived', 200)
  const event = await order({ n: 1 }, 'delivered')
  const [{ id }] = event.runs[0].deliveries
  const { body } = await replay(id)
  await eventually(async () => {
    expect((await road.api.event(event.id)).runs[0]).toMatchObject({
      state: 'delivered',
      deliveries: [
        { id, state: 'delivered' },
        { id: body.id, state: 'delivered' },
      ],
    })
  })
})

test('a dead run is discarded, and may be replayed all the same', async () => {
  const { eventId, id } = await deadRun('{"n":1}')
  expect((await discard(id, { reason: 'not ours' })).status).toBe(200)
  expect(await road.api.event(eventId)).toMatchObject({
    state: 'discarded',
    reason: expect.stringMatching(/^not ours; it had died: /),
    runs: [{ state: 'discarded' }],
  })
  expect((await discard(id)).status).toBe(409)
  expect((await road.api.call('POST', `/events/${eventId}/replay`)).status).toBe(202)
  await eventually(async () => expect((await road.api.event(eventId)).state).toBe('dead'))
  expect((await road.api.event(eventId)).reason).toBeNull()
})

test('of those who replay an event at the same moment, each is told the truth', async () => {
  for (const round of [1, 2, 3, 4]) {
    const { eventId, id } = await deadRun(`{"round":${round}}`)
    expect((await discard(id)).status).toBe(200)
    const many = Array.from({ length: 5 }, () => road.api.call('POST', `/events/${eventId}/replay`))
    for (const { status, body } of await Promise.all(many)) {
      if (status === 202) continue
      expect(status).toBe(409)
      expect(body.detail).toMatch(
        /^(?:somebody else replayed this event at the same time|an event in state "queued" is not replayed)$/,
      )
    }
  }
})

test('an event is replayed with the functions of today, or with those of its latest run', async () => {
  answers.set('/functions', 200)
  const destination = await road.destination('/functions')
  const gives = (text: string) => `return { jobStatus: 1, data: "${text}" }`
  const { id: functionId } = await road.api.rewriteFunction(road.shop, 'of-its-time', gives('then'))
  const nodes = [{ id: 'push', kind: 'push', destination, function: 'of-its-time' }]
  const integration = await road.integration(nodes)
  await road.world.send(integration, '{}')
  const { id } = await road.api.eventIn(integration, 'delivered')
  await road.api.call('PATCH', `/functions/${functionId}`, { source: gives('now') })
  const one = (definition: string) => road.api.call('POST', `/events/${id}/replay`, { definition })
  const many = (definition: string) => {
    const filter = { integrationId: integration, state: 'delivered' }
    return road.api.call('POST', '/replays', { of: 'events', filter, definition })
  }
  const came = ['then']
  for (const [replay, definition] of [
    [one, 'then'],
    [many, 'then'],
    [one, 'current'],
    // The latest run is that of today by now.
    [one, 'then'],
    [many, 'current'],
  ] as const) {
    expect((await replay(definition)).status).toBe(202)
    came.push(came.length < 3 ? 'then' : 'now')
    await eventually(() => expect(cameTo(road.receiver, '/functions')).toHaveLength(came.length))
    await eventually(async () => expect((await road.api.event(id)).state).toBe('delivered'))
  }
  expect(cameTo(road.receiver, '/functions')).toEqual(came.map((text) => JSON.stringify(text)))
})

test('an event is replayed with the definition of today, or with that of its latest run', async () => {
  answers.set('/versions', 200)
  const destination = await road.destination('/versions')
  const nodes = (field: string) => [{ id: 'push', kind: 'push', destination, mapping: { [field]: 'n' } }]
  const integration = await road.integration(nodes('then'))
  await road.world.send(integration, '{"n":1}')
  const { id } = await road.api.eventIn(integration, 'delivered')
  await road.api.call('PATCH', `/integrations/${integration}`, { definition: { nodes: nodes('now') } })
  for (const [body, count] of [
    [{ definition: 'then' }, 2],
    [{ definition: 'current' }, 3],
    [undefined, 4],
  ] as const) {
    expect((await road.api.call('POST', `/events/${id}/replay`, body)).status).toBe(202)
    await eventually(() => expect(cameTo(road.receiver, '/versions')).toHaveLength(count))
    await eventually(async () => expect((await road.api.event(id)).state).toBe('delivered'))
  }
  expect(cameTo(road.receiver, '/versions')).toEqual(['{"then":1}', '{"then":1}', '{"now":1}', '{"now":1}'])
  expect((await road.api.call('POST', `/events/${id}/replay`, { definition: 'next' })).status).toBe(400)
})
