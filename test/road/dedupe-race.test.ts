import { afterAll, beforeAll, expect, test } from 'vitest'
import { parseExact, stringifyExact } from '../../src/payload/exact-json.ts'
import { sendAtOnce } from './at-once.ts'
import { type Fleet, startFleet } from './fleet.ts'
import { SENDERS, type Source, signedBy } from './senders.ts'
import { cameTo } from './world.ts'

const COPIES = 40
const ACCEPTED = { status: 200, body: '{"result":true,"error":""}' }

let fleet: Fleet
let shop: string

beforeAll(async () => {
  fleet = await startFleet({ worker: true })
  shop = (await fleet.edges[0].api.application('shop')).id
})

afterAll(() => fleet?.close())

/** The two edges may happen to come one after the other. */
const ROUNDS = 8

test.each(['shopify', 'woocommerce', 'standard-webhooks'] as const)(
  'many copies of a delivery of %s, at once to two edges, are one event that is delivered once, and its duplicates',
  { timeout: 120_000 },
  async (source) => {
    for (let round = 1; round <= ROUNDS; round++) await race(source, `/${source}/${round}`)
  },
)

async function race(source: Source, to: string): Promise<void> {
  const { edges, receiver, sql } = fleet
  const id = await integrationOf(source, to)
  const [one, two] = edges.map(({ url }) => `${url}/integration/${id}`)
  const delivery = signedBy(source, { url: one ?? '', event: 'the only one' })
  const copies = Array.from({ length: COPIES / 2 }, () => [delivery, { ...delivery, url: two ?? '' }]).flat()
  expect(await sendAtOnce(copies)).toEqual(copies.map(() => ACCEPTED))

  const { api } = edges[0]
  const first = await api.eventIn(id, 'delivered')
  expect(first).toMatchObject({
    duplicateOf: null,
    runs: [{ state: 'delivered', deliveries: [{ tries: 1 }] }],
  })
  const events = await api.events(`?integrationId=${id}&limit=500`)
  const others = events.filter((event: { id: string }) => event.id !== first.id)
  expect(others).toHaveLength(COPIES - 1)
  for (const event of others)
    expect(event).toMatchObject({ state: 'duplicate', duplicateOf: first.id, latestRunId: null })
  // Nothing is left that could deliver it once more.
  const [work] = await sql`
    SELECT (SELECT count(*)::int FROM runs WHERE integration_id = ${id}) AS runs,
      (SELECT count(*)::int FROM deliveries WHERE integration_id = ${id}) AS deliveries`
  expect(work).toEqual({ runs: 1, deliveries: 1 })
  expect(cameTo(receiver, to)).toEqual([stringifyExact(parseExact(delivery.body.toString()))])
}

async function integrationOf(source: Source, to: string): Promise<string> {
  const { api } = fleet.edges[0]
  const destination = await api.destination(shop, `${fleet.receiver.url}${to}`)
  const { id, version } = await api.integration(shop, {
    source,
    proof: SENDERS[source].proof,
    nodes: [{ id: 'push', kind: 'push', destination: destination.id }],
  })
  await fleet.haveVersion(id, version)
  return id
}
