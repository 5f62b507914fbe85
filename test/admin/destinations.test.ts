import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openRoad, type Road } from '../road/world.ts'

let road: Road
beforeAll(async () => {
  road = await openRoad()
})
afterAll(() => road.close())

function make(config: object, more: object = {}) {
  return road.api.call('POST', '/destinations', {
    applicationId: road.shop,
    name: 'receiver',
    config: { kind: 'http', url: `${road.receiver.url}/orders`, ...config },
    ...more,
  })
}

const names = async () => (await road.api.call('GET', `/destinations?applicationId=${road.shop}`)).body.items

test('a destination shows what is hardly wanted of it, and how it stands', async () => {
  const { body } = await make({})
  expect(body).toMatchObject({
    warnings: [{ path: 'url', message: expect.stringContaining('an http:// address') }],
    standing: { circuit: 'closed', pausedAt: null },
  })
  expect(await names()).toContainEqual(body)
  expect((await make({ url: 'https://example.com/' })).body.warnings).toEqual([])
})

describe('a destination that is to be verified', () => {
  test('gets a test request with the sample, and is made when it takes that', async () => {
    road.receiver.answerWith(200)
    const seen = road.receiver.requests.length
    const made = await make(
      { url: `${road.receiver.url}/{{ order.id }}` },
      { verify: true, sample: { order: { id: 7 } } },
    )
    expect(made).toMatchObject({ status: 201, body: { name: 'receiver' } })
    expect(made.body).not.toHaveProperty('verify')
    const [request] = road.receiver.requests.slice(seen)
    expect(request).toMatchObject({ url: '/7', headers: { 'sluice-test': 'true' } })
    expect(JSON.parse(request?.body.toString() ?? '')).toEqual({ order: { id: 7 } })
  })

  test('is not made when it does not, and the answer tells what came back', async () => {
    const before = await names()
    road.receiver.answerWith({ status: 403, body: 'who are you?' })
    expect(await make({}, { verify: true })).toMatchObject({
      status: 422,
      body: {
        detail: expect.stringMatching(/^the destination did not take the test request: unauthorized/),
        errors: [
          { path: 'verify.status', message: '403' },
          { path: 'verify.answer', message: 'who are you?' },
        ],
      },
    })
    expect(await make({ url: 'http://127.0.0.1:9/' }, { verify: true })).toMatchObject({
      status: 422,
      body: { detail: expect.stringContaining('blocked_address') },
    })
    expect(await make({ url: `${road.receiver.url}/{{ nothing }}` }, { verify: true })).toMatchObject({
      status: 422,
      body: { detail: expect.stringContaining('unsendable') },
    })
    expect(await names()).toEqual(before)
  })

  test('is so at its creation only', async () => {
    const { body } = await make({})
    const changed = await road.api.call('PATCH', `/destinations/${body.id}`, { verify: true })
    expect(changed.status).toBe(400)
  })
})
