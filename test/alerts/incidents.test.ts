/** One message when something begins to be wrong, one when it is over, whatever happens to processes and channels. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { openRoad, type Road } from '../road/world.ts'
import { eventually } from '../world/eventually.ts'
import { startTestGateway } from '../world/gateway.ts'
import type { Receiver } from '../world/receiver.ts'
import { created, type Looker, openLooker, openQuietRoad, webhookChannel } from './world.ts'

let road: Road
let looker: Looker
let places = 0
const mends: (() => Promise<void>)[] = []

beforeAll(async () => {
  road = await openQuietRoad()
})
afterAll(() => road.close())

beforeEach(() => {
  looker = openLooker(road)
})
afterEach(async () => {
  for (const mend of mends.splice(0)) await mend()
  for (const path of ['alert-channels', 'alert-rules'])
    for (const { id } of (await road.api.call('GET', `/${path}`)).body.items)
      await road.api.call('DELETE', `/${path}/${id}`)
  await looker.look()
  await looker.close()
  road.receiver.answerWith(200)
})

/** An integration that holds one event in quarantine, and what lets it out. */
async function trouble({ integration: make, world, api }: Road = road) {
  const integration = await make([{ id: 'map', kind: 'transform' }], {
    source: 'generic',
    proof: { scheme: 'hmac', header: 'x-signature', secrets: [{ secret: 'a secret of some length' }] },
    onUnproven: 'quarantine',
  })
  await world.send(integration, '{"order":1}', { 'x-signature': 'ab'.repeat(32) })
  await api.eventIn(integration, 'quarantined')
  const mend = async () => {
    for (const { id } of await api.events(`?integrationId=${integration}&status=quarantined`))
      await api.call('POST', `/events/${id}/discard`, {})
  }
  if (world === road.world) mends.push(mend)
  return { integration, mend }
}

interface Told {
  type: string
  id: string
  incident: { id: string; condition: string; sentence: string; integrationId: string | null }
}

/** What a channel at this path was told. */
function toldAt(path: string, receiver: Receiver = road.receiver): Told[] {
  return receiver.requests
    .filter(({ url }) => url === path)
    .map(({ headers, body }) => {
      const { type, data } = JSON.parse(body.toString())
      return { type, id: String(headers['webhook-id']), incident: data.incident }
    })
}

const typesAt = (path: string) => toldAt(path).map(({ type }) => type)
const aPath = () => `/told/${++places}`

describe('an incident', () => {
  test('is told once when it begins and once when it is over, however often it is looked at', async () => {
    const path = aPath()
    await webhookChannel(road, path)
    const { integration, mend } = await trouble()
    for (let time = 0; time < 3; time++) {
      await looker.look()
      await looker.send()
    }
    expect(typesAt(path)).toEqual(['incident.opened'])
    await mend()
    for (let time = 0; time < 3; time++) {
      await looker.look()
      await looker.send()
    }
    expect(typesAt(path)).toEqual(['incident.opened', 'incident.recovered'])
    const [opened, over] = toldAt(path)
    expect(opened?.incident).toMatchObject({
      condition: 'quarantine',
      integrationId: integration,
      sentence: 'integration "orders" holds 1 event in quarantine',
      recoveredAt: null,
    })
    expect(over?.incident).toMatchObject({ id: opened?.incident.id, recoveredAt: expect.any(String) })
    expect(over?.id).not.toBe(opened?.id)
  })

  test('is told once when many processes look at the same moment, and send at the same moment', async () => {
    const path = aPath()
    await webhookChannel(road, path)
    const troubles = [await trouble(), await trouble(), await trouble()]
    const others = Array.from({ length: 3 }, () => openLooker(road))
    const all = [looker, ...others]
    const together = async () => {
      await Promise.all(all.map((one) => one.look()))
      await Promise.all(all.map((one) => one.send()))
    }
    for (let time = 0; time < 5; time++) await together()
    await eventually(() => expect(toldAt(path)).toHaveLength(3))
    const integrations = toldAt(path).map(({ incident }) => incident.integrationId)
    expect(new Set(integrations)).toEqual(new Set(troubles.map(({ integration }) => integration)))
    for (const { mend } of troubles) await mend()
    for (let time = 0; time < 5; time++) await together()
    await eventually(() => expect(toldAt(path)).toHaveLength(6))
    expect(new Set(toldAt(path).map(({ id }) => id)).size).toBe(6)
    for (const one of others) await one.close()
  })

  test('is looked for by one process at a time: another has nothing to do meanwhile', async () => {
    const held = Promise.withResolvers<Map<string, number>>()
    let asked = 0
    const ledger = {
      countAllQuarantined: () => {
        asked += 1
        return held.promise
      },
    }
    const [one, other] = [openLooker(road, { ledger }), openLooker(road, { ledger })]
    const first = one.look()
    await eventually(() => expect(asked).toBe(1))
    await other.look()
    expect(asked).toBe(1)
    held.resolve(new Map())
    await first
    await other.look()
    expect(asked).toBe(2)
    await one.close()
    await other.close()
  })

  test('that comes back soon is the same one, and nobody hears of it again', async () => {
    const path = aPath()
    await webhookChannel(road, path)
    const calm = openLooker(road, { calmMs: 3_600_000 })
    const first = await trouble()
    await calm.look()
    await first.mend()
    await calm.look()
    expect(await calm.open('quarantine')).toHaveLength(1)
    await road.world.send(first.integration, '{"order":2}', { 'x-signature': 'ab'.repeat(32) })
    await road.api.eventIn(first.integration, 'quarantined')
    await calm.look()
    await calm.send()
    expect(typesAt(path)).toEqual(['incident.opened'])
    await calm.close()
  })

  test('that begins anew after it was over is another one', async () => {
    const path = aPath()
    await webhookChannel(road, path)
    const { integration, mend } = await trouble()
    await looker.look()
    await mend()
    await looker.look()
    await road.world.send(integration, '{"order":2}', { 'x-signature': 'ab'.repeat(32) })
    await road.api.eventIn(integration, 'quarantined')
    await looker.look()
    await looker.send()
    expect(typesAt(path)).toEqual(['incident.opened', 'incident.recovered', 'incident.opened'])
    expect(new Set(toldAt(path).map(({ incident }) => incident.id)).size).toBe(2)
  })

  test('stays as it is while its condition cannot be looked at, and the others are looked at', async () => {
    const path = aPath()
    await webhookChannel(road, path)
    const { mend } = await trouble()
    await looker.look()
    const blind = openLooker(road, {
      ledger: { countAllQuarantined: () => Promise.reject(new Error('the database is away')) },
    })
    await mend()
    const silent = await road.integration([{ id: 'map', kind: 'transform' }])
    await created(road, '/alert-rules', {
      integrationId: silent,
      when: { condition: 'silence', silentAfterMinutes: 1 },
    })
    await blind.look(120_000)
    expect(await blind.open('quarantine')).toHaveLength(1)
    expect(await blind.open('silence')).toHaveLength(1)
    await looker.look()
    expect(await looker.open()).toEqual([])
    await blind.close()
  })

  test('of an integration that was deleted is over', async () => {
    const { integration } = await trouble()
    await looker.look()
    expect(await looker.open('quarantine')).toHaveLength(1)
    await road.api.call('DELETE', `/integrations/${integration}`)
    await looker.look()
    expect(await looker.open('quarantine')).toEqual([])
  })

  test('is not opened where a rule switches its condition off, and over when one does so later', async () => {
    const { integration } = await trouble()
    await looker.look()
    expect(await looker.open('quarantine')).toHaveLength(1)
    await created(road, '/alert-rules', {
      applicationId: road.shop,
      enabled: false,
      when: { condition: 'quarantine' },
    })
    await looker.look()
    expect(await looker.open('quarantine')).toEqual([])
    // The narrower rule holds.
    await created(road, '/alert-rules', { integrationId: integration, when: { condition: 'quarantine' } })
    await looker.look()
    expect(await looker.open('quarantine')).toHaveLength(1)
  })
})

describe('a channel', () => {
  test('hears only of what it asks for', async () => {
    const { integration, mend } = await trouble()
    const other = await road.integration([{ id: 'map', kind: 'transform' }])
    const destination = await road.destination('/of-nothing')
    const { id: otherShop } = await road.api.application(`other-${++places}`)
    const wishes: [boolean, object][] = [
      [true, {}],
      [true, { conditions: ['silence', 'quarantine'] }],
      [true, { applications: [road.shop] }],
      [true, { integrations: [other, integration], destinations: [destination] }],
      [false, { conditions: ['silence'] }],
      [false, { applications: [otherShop] }],
      [false, { integrations: [other] }],
      [false, { destinations: [destination] }],
      [false, { applications: [otherShop], integrations: [integration] }],
      [false, { enabled: false }],
    ]
    const paths: [boolean, string][] = []
    for (const [heard, wish] of wishes) {
      const path = aPath()
      await webhookChannel(road, path, wish)
      paths.push([heard, path])
    }
    await looker.look()
    await looker.send()
    for (const [heard, path] of paths) expect([path, toldAt(path).length]).toEqual([path, heard ? 1 : 0])
    await mend()
    await looker.look()
    await looker.send()
    for (const [heard, path] of paths) expect([path, toldAt(path).length]).toEqual([path, heard ? 2 : 0])
  })

  test('that is down hears of everything in order when it is back, and holds up no other', async () => {
    const [path, otherPath] = [aPath(), aPath()]
    const id = await webhookChannel(road, path)
    await webhookChannel(road, otherPath)
    let down = true
    road.receiver.answerWith(({ url }) => (down && url === path ? 503 : 200))
    const first = await trouble()
    await looker.look()
    await looker.send()
    await first.mend()
    await trouble()
    await looker.look()
    await looker.send()
    expect(typesAt(otherPath)).toEqual(['incident.opened', 'incident.opened', 'incident.recovered'])
    const shown = (await road.api.call('GET', `/alert-channels/${id}`)).body
    expect(shown.standing).toMatchObject({ waiting: 3, lastSentAt: null, problem: 'answered 503' })
    down = false
    const before = toldAt(path).length
    await eventually(async () => {
      await looker.send()
      expect(toldAt(path).length).toBe(before + 3)
    })
    const after = toldAt(path).slice(before)
    expect(after.map(({ type }) => type)).toEqual([
      'incident.opened',
      'incident.opened',
      'incident.recovered',
    ])
    // What failed is told under the same id again.
    expect(after[0]?.id).toBe(toldAt(path)[0]?.id)
    expect((await road.api.call('GET', `/alert-channels/${id}`)).body.standing).toMatchObject({
      waiting: 0,
      lastSentAt: expect.any(String),
      problem: null,
    })
    const told = toldAt(path).find(({ type }) => type === 'incident.opened')
    const { messages } = (await road.api.call('GET', `/incidents/${told?.incident.id}`)).body
    expect(messages.find(({ channelId }: { channelId: string }) => channelId === id)).toMatchObject({
      kind: 'opened',
      sentAt: expect.any(String),
      givenUpAt: null,
    })
  })

  test('is told again after a process ended between sending and writing it down, under the same id', async () => {
    const path = aPath()
    await webhookChannel(road, path)
    await trouble()
    await looker.look()
    await looker.send()
    expect(toldAt(path)).toHaveLength(1)
    // As a process leaves it that was killed in the middle: taken, its lease over.
    await looker.sql`UPDATE alert_messages SET sent_at = NULL, due_at = now()`
    await looker.send()
    expect(toldAt(path)).toHaveLength(2)
    expect(new Set(toldAt(path).map(({ id }) => id)).size).toBe(1)
  })

  test('what could not be told for three days is given up, and the next is told', async () => {
    const path = aPath()
    await webhookChannel(road, path)
    road.receiver.answerWith(({ url }) => (url === path ? 500 : 200))
    const { mend } = await trouble()
    await looker.look()
    await looker.send()
    await looker.sql`UPDATE alert_messages SET created_at = now() - interval '4 days', due_at = now()`
    await looker.send()
    road.receiver.answerWith(200)
    const before = toldAt(path).length
    await mend()
    await looker.look()
    await looker.send()
    expect(
      toldAt(path)
        .slice(before)
        .map(({ type }) => type),
    ).toEqual(['incident.recovered'])
  })
})

test('gateways look and tell by their clock, once together, and nothing again after a restart', async () => {
  const env = { ALERT_SECONDS: '1', ALERT_CALM_SECONDS: '1' }
  const told = await openRoad({ env })
  const { DATABASE_URL: databaseUrl = '', OUTBOUND_ALLOWED = '' } = told.world.env
  const like = { databaseUrl, env: { ...env, OUTBOUND_ALLOWED } }
  const second = await startTestGateway(like)
  const looking = openLooker(told)
  await webhookChannel(told, '/clock')
  const { integration, mend } = await trouble(told)
  const types = () => toldAt('/clock', told.receiver).map(({ type }) => type)

  await told.receiver.received(1)
  await eventually(async () => {
    const metrics = await (await fetch(`${second.url}/metrics`)).text()
    expect(metrics).toContain('sluice_incidents_open{condition="quarantine"} 1')
    expect(metrics).toContain('sluice_incidents_open{condition="silence"} 0')
  })
  await second.close()
  const seenAt = (await looking.open('quarantine'))[0]?.lastSeenAt.getTime() ?? 0
  const restarted = await startTestGateway(like)
  await eventually(async () =>
    expect((await looking.open('quarantine'))[0]?.lastSeenAt.getTime()).toBeGreaterThan(seenAt + 2_000),
  )
  expect(types()).toEqual(['incident.opened'])
  expect(await looking.open('quarantine')).toMatchObject([{ integrationId: integration }])
  await mend()
  await told.receiver.received(2)
  expect(types()).toEqual(['incident.opened', 'incident.recovered'])
  expect(await looking.open('quarantine')).toEqual([])
  await looking.close()
  await restarted.close()
  await told.close()
})
