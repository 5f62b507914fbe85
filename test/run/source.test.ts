import { afterAll, beforeAll, expect, test } from 'vitest'
import type { EventEntry } from '../../src/ledger/ledger.ts'
import { newId } from '../../src/platform/ids.ts'
import { entryOf, UNNAMED } from '../ledger/world.ts'
import { cameTo, openRoad, type Road } from '../road/world.ts'

let road: Road

beforeAll(async () => {
  road = await openRoad()
})
afterAll(() => road.close())

const PAID = {
  topic: 'orders/paid',
  deliveryId: 'd-1',
  eventId: 'e-1',
  occurredAt: '2026-08-01T10:00:00.250Z',
  sender: 'one.myshopify.com',
}
const PROOF = { source: 'shopify', proof: { secrets: [{ secret: 'hush' }] } }

/** Records an event of this identity, and lets it be run. */
async function arrive(
  integrationId: string,
  body: string,
  identity: EventEntry['identity'] = PAID,
): Promise<void> {
  const request = { id: newId(), integrationId, applicationId: road.shop, body: Buffer.from(body) }
  const entry = entryOf(request, { identity })
  await road.world.gateway.ledger.record(entry)
  const runId = entry.events[0]?.runId ?? ''
  const job = { id: `run-${runId}-0`, kind: 'run', subject: runId, lane: 'runs' } as const
  await road.world.gateway.queue.put([{ ...job, priority: 0, delayMs: 0 }])
}

test('a function is given the sending system and what it calls the event', async () => {
  const destination = await road.destination('/given')
  const source = 'return { jobStatus: 1, data: { n: job.data.data.n, source: job.source } }'
  const { name } = await road.api.rewriteFunction(road.shop, 'given', source)
  const id = await road.integration([{ id: 'push', kind: 'push', destination, function: name }], PROOF)
  await arrive(id, '{"n":820982911946154508}')
  await road.receiver.received(1)
  expect(cameTo(road.receiver, '/given')).toEqual([
    `{"n":820982911946154508,"source":${JSON.stringify({ name: 'shopify', ...PAID })}}`,
  ])
})

test('a decision and a mapping read it as $source, and what is not said is null', async () => {
  const [paid, other] = [await road.destination('/paid'), await road.destination('/other')]
  const mapping = {
    shop: '$source.sender',
    system: '$source.name',
    at: { from: '$source.occurredAt', when: { path: '$source.occurredAt', op: 'notEquals', value: null } },
  }
  const when = {
    all: [
      { path: '$source.topic', op: 'startsWith', value: 'orders/' },
      { path: '$source.name', op: 'equals', value: 'shopify' },
    ],
  }
  const id = await road.integration(
    [
      { id: 'if', kind: 'decision', branches: [{ when, next: ['paid'] }], otherwise: ['other'] },
      { id: 'paid', kind: 'push', destination: paid, mapping },
      { id: 'other', kind: 'push', destination: other, mapping },
    ],
    PROOF,
  )
  const before = road.receiver.requests.length
  await arrive(id, '{}')
  await arrive(id, '{}', UNNAMED)
  await road.receiver.received(before + 2)
  expect(cameTo(road.receiver, '/paid')).toEqual([
    `{"shop":"one.myshopify.com","system":"shopify","at":"${PAID.occurredAt}"}`,
  ])
  expect(cameTo(road.receiver, '/other')).toEqual(['{"shop":null,"system":"shopify"}'])
})
