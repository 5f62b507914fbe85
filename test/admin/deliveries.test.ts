import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { newId } from '../../src/platform/ids.ts'
import { cameTo, openRoad, type Road } from '../road/world.ts'
import { eventually } from '../world/eventually.ts'
import { type Dying, LATER, openDying } from './dying.ts'

let road: Road
/** What the receiver answers, by path. */
const answers = new Map<string, number | { mode: 'hang' }>()

beforeAll(async () => {
  road = await openRoad()
  road.receiver.answerWith(({ url }) => answers.get(url) ?? 200)
})
afterAll(() => road.close())

const get = async (path: string) => (await road.api.call('GET', path)).body
const post = (id: string, verb: string, body?: object) =>
  road.api.call('POST', `/deliveries/${id}/${verb}`, body)
const ids = (page: { items: { id: string }[] }) => page.items.map(({ id }) => id)

async function opened(path: string, answer: number | { mode: 'hang' }, config: object = {}): Promise<Dying> {
  answers.set(path, answer)
  return openDying(road, path, config)
}

describe('the list of deliveries', () => {
  let busy: Dying
  let refusing: Dying
  let waiting: any
  let dead: any

  beforeAll(async () => {
    busy = await opened('/busy', 503)
    refusing = await opened('/refusing', 400)
    waiting = (await busy.order({ n: 1 }, 'retrying')).runs[0].deliveries[0]
    dead = (await refusing.order({ n: 2, note: 'Grüße' }, 'dead')).runs[0].deliveries[0]
  })

  test('shows what waits with its next try, and what came back last', async () => {
    const { items } = await get(`/deliveries?destinationId=${busy.destination}`)
    expect(items).toMatchObject([
      {
        id: waiting.id,
        integrationId: busy.integration,
        state: 'retrying',
        tries: 1,
        priority: 5,
        lastStatus: 503,
        lastReason: expect.stringMatching(/^server_error|^busy/),
        endedAt: null,
        replayOf: null,
      },
    ])
    const [{ dueAt, madeAt, ageSeconds, lastAttemptAt }] = items
    expect(Date.parse(dueAt)).toBeGreaterThan(Date.parse(lastAttemptAt))
    expect(Date.parse(lastAttemptAt)).toBeGreaterThanOrEqual(Date.parse(madeAt) - 1_000)
    expect(ageSeconds).toBeGreaterThanOrEqual(0)
  })

  test('shows what has ended without a next try', async () => {
    const { items } = await get(`/deliveries?destinationId=${refusing.destination}`)
    expect(items).toMatchObject([{ id: dead.id, state: 'dead', dueAt: null, lastStatus: 400 }])
    expect(items[0].endedAt).toEqual(expect.any(String))
  })

  test('goes across integrations, newest first, and is narrowed down', async () => {
    const all = ids(await get('/deliveries'))
    expect(all).toEqual([dead.id, waiting.id])
    const [event] = await road.api.events(`?integrationId=${refusing.integration}`)
    const only = [dead.id]
    for (const query of [
      'state=dead',
      `integrationId=${refusing.integration}`,
      `eventId=${event.id}`,
      'reason=BAD_PAYLOAD',
      `text=${encodeURIComponent('grüße')}`,
    ])
      expect([query, ids(await get(`/deliveries?${query}`))]).toEqual([query, only])
    expect(ids(await get(`/deliveries?applicationId=${road.shop}`))).toEqual(all)
    expect(ids(await get(`/deliveries?applicationId=${newId()}`))).toEqual([])
    expect(ids(await get('/deliveries?reason=%25'))).toEqual([])
    const { madeAt } = await get(`/deliveries/${dead.id}`)
    expect(ids(await get(`/deliveries?from=${madeAt}`))).toEqual(only)
    expect(ids(await get(`/deliveries?to=${madeAt}`))).toEqual([waiting.id])
    expect(ids(await get('/deliveries?from=1960-01-01T00:00:00Z'))).toEqual(all)
    expect((await road.api.call('GET', '/deliveries?state=lost')).status).toBe(400)
  })

  test('turns pages', async () => {
    const first = await get('/deliveries?limit=1')
    const second = await get(`/deliveries?limit=1&cursor=${first.next}`)
    expect([...ids(first), ...ids(second)]).toEqual([dead.id, waiting.id])
    expect(await get(`/deliveries?limit=1&cursor=${second.next}`)).toEqual({ items: [], next: null })
  })

  test('leads to one delivery with what is sent and each attempt', async () => {
    const delivery = await get(`/deliveries/${dead.id}`)
    expect(delivery).toMatchObject({
      id: dead.id,
      item: { n: 2, note: 'Grüße' },
      edited: false,
      attempts: [{ number: 1, status: 400, verdict: 'dead' }],
    })
    expect((await road.api.call('GET', `/deliveries/${newId()}`)).status).toBe(404)
  })
})

describe('a delivery that waits', () => {
  test('is cancelled by one of two operators, with the reason, and its run and event with it', async () => {
    const shop = await opened('/cancelled', 503)
    const { id: eventId, runs } = await shop.order({ n: 1 }, 'retrying')
    const [{ id }] = runs[0].deliveries
    const both = await Promise.all([
      post(id, 'cancel', { reason: 'sent by hand' }),
      post(id, 'cancel', { reason: 'sent by hand' }),
    ])
    expect(both.map(({ status }) => status).toSorted()).toEqual([200, 409])
    expect(both.find(({ status }) => status === 409)?.body.detail).toBe(
      'only what waits can be cancelled; this one is "discarded"',
    )
    expect(await road.api.event(eventId)).toMatchObject({
      state: 'discarded',
      reason: 'sent by hand',
      runs: [{ state: 'discarded', deliveries: [{ state: 'discarded', reason: 'sent by hand' }] }],
    })
  })

  test('of several leaves the others to say what becomes of the run', async () => {
    answers.set('/one', 200)
    answers.set('/two', 503)
    const [one, two] = await Promise.all([
      road.destination('/one'),
      road.destination('/two', { retry: LATER }),
    ])
    const integration = await road.integration([
      { id: 'fan', kind: 'transform', next: ['a', 'b'] },
      { id: 'a', kind: 'push', destination: one },
      { id: 'b', kind: 'push', destination: two },
    ])
    await road.world.send(integration, '{"n":1}')
    const retrying = await eventually(async () => {
      const [found] = (await get(`/deliveries?integrationId=${integration}&state=retrying`)).items
      const [arrived] = (await get(`/deliveries?integrationId=${integration}&state=delivered`)).items
      expect([found, arrived]).toEqual([expect.anything(), expect.anything()])
      return found
    })
    await post(retrying.id, 'cancel')
    expect(await road.api.eventIn(integration, 'delivered')).toMatchObject({
      runs: [{ state: 'delivered' }],
    })
    expect(await get(`/deliveries/${retrying.id}`)).toMatchObject({ reason: 'cancelled by an operator' })
  })

  test('is tried now instead of in an hour', async () => {
    const shop = await opened('/now', 503)
    const { runs } = await shop.order({ n: 1 }, 'retrying')
    const [{ id }] = runs[0].deliveries
    answers.set('/now', 200)
    expect((await post(id, 'try-now')).status).toBe(202)
    expect(await road.api.eventIn(shop.integration, 'delivered')).toMatchObject({
      runs: [{ deliveries: [{ id, state: 'delivered', tries: 2 }] }],
    })
    expect((await post(id, 'try-now')).body.detail).toBe(
      'only what waits can be tried now; this one is "delivered"',
    )
    expect((await post(newId(), 'try-now')).status).toBe(404)
  })

  test('changes its priority until it has ended', async () => {
    const shop = await opened('/priority', 503)
    const { runs } = await shop.order({ n: 1 }, 'retrying')
    const [{ id }] = runs[0].deliveries
    const patch = (priority: unknown, of = id) => road.api.call('PATCH', `/deliveries/${of}`, { priority })
    expect(await patch(0)).toMatchObject({ status: 200, body: { id, priority: 0 } })
    expect((await patch(10)).status).toBe(400)
    expect((await patch(1, newId())).status).toBe(404)
    await post(id, 'cancel')
    expect((await patch(1)).body.detail).toBe(
      'only what has not ended can change its priority; this one is "discarded"',
    )
  })
})

test('a delivery that is being sent is not cancelled: it may have arrived', async () => {
  const shop = await opened('/hanging', { mode: 'hang' })
  const { runs } = await shop.order({ n: 1 }, 'sending')
  const [{ id }] = runs[0].deliveries
  for (const [verb, rule] of [
    ['cancel', 'only what waits can be cancelled'],
    ['try-now', 'only what waits can be tried now'],
    ['replay', 'only what has ended, and was neither replaced nor erased, is replayed'],
  ] as const) {
    const answer = await post(id, verb)
    expect(answer).toMatchObject({
      status: 409,
      body: { detail: `${rule}; this one is being sent at this moment` },
    })
  }
})

describe('a paused destination', () => {
  test('gets nothing, not even what an operator wants tried now, until it is resumed', async () => {
    const shop = await opened('/paused', 200)
    const at = `/destinations/${shop.destination}`
    const paused = await road.api.call('POST', `${at}/pause`, { reason: 'they move house' })
    expect(paused).toMatchObject({ status: 200, body: { pauseReason: 'they move house', circuit: 'closed' } })
    expect((await get(at)).standing).toEqual(paused.body)
    const { runs } = await shop.order({ n: 1 }, 'waiting')
    const [{ id }] = runs[0].deliveries
    expect(await post(id, 'try-now')).toMatchObject({ status: 202, body: { state: 'waiting' } })
    const other = await opened('/not-paused', 200)
    await other.order({ n: 1 }, 'delivered')
    expect(cameTo(road.receiver, '/paused')).toEqual([])

    const resumed = await road.api.call('POST', `${at}/resume`)
    expect(resumed).toMatchObject({ status: 200, body: { pausedAt: null, pauseReason: null } })
    await road.api.eventIn(shop.integration, 'delivered')
    expect(cameTo(road.receiver, '/paused')).toEqual(['{"n":1}'])
    expect((await road.api.call('POST', `${at}/resume`)).body.detail).toBe('this destination is not paused')
  })

  test('must be there', async () => {
    expect((await road.api.call('POST', `/destinations/${newId()}/pause`)).status).toBe(404)
    expect((await road.api.call('POST', `/destinations/${newId()}/resume`)).status).toBe(404)
  })
})
