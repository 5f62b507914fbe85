import postgres from 'postgres'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { eventually } from '../world/eventually.ts'
import { cameTo, openRoad, type Road } from './world.ts'

let road: Road
let sql: postgres.Sql
let status = 503

beforeAll(async () => {
  road = await openRoad()
  sql = postgres(road.world.env.DATABASE_URL ?? '', { max: 1 })
  road.receiver.answerWith(() => status)
})

afterAll(async () => {
  await sql.end()
  await road.close()
})

const HOUR_MS = 3_600_000
const RETRY = { kind: 'fixed', delayMs: 600_000, ageMaxMs: HOUR_MS }

const deliveriesOf = async (destination: string) =>
  (await road.api.call('GET', `/deliveries?destinationId=${destination}`)).body.items as any[]

/** Deliveries whose first attempt has failed, to a destination that is paused then. */
async function failedOnce(path: string, count: number, config: object): Promise<string> {
  status = 503
  const destination = await road.destination(path, { retry: RETRY, circuit: false, ...config })
  const id = await road.integration([{ id: 'push', kind: 'push', destination }])
  for (let n = 0; n < count; n++) await road.world.send(id, `{"n":${n}}`)
  await eventually(async () =>
    expect((await deliveriesOf(destination)).map(({ state }) => state)).toEqual(
      Array(count).fill('retrying'),
    ),
  )
  await road.world.gateway.ledger.pauseDestination(destination, 'away')
  return destination
}

/** The time of their next try comes while it is paused, and the oldest event has become two hours old. */
async function resumedLate(destination: string): Promise<void> {
  status = 200
  await sql`
    UPDATE events SET received_at = received_at - interval '2 hours'
    WHERE id = (SELECT event_id FROM deliveries WHERE destination_id = ${destination} ORDER BY event_id LIMIT 1)`
  await sql`UPDATE deliveries SET due_at = now() WHERE destination_id = ${destination}`
  await road.world.gateway.ledger.resumeDestination(destination)
}

const LATE = 'too_late: it is not tried again: its event came more than 3600 seconds ago'

test('what waited for a paused destination until it was older than ageMaxMs is not tried again, and says so', async () => {
  const destination = await failedOnce('/one', 1, {})
  await resumedLate(destination)
  await eventually(async () =>
    expect(await deliveriesOf(destination)).toMatchObject([{ state: 'dead', reason: LATE }]),
  )
  expect(cameTo(road.receiver, '/one')).toHaveLength(1)
  const [{ id }] = await deliveriesOf(destination)
  const replay = await road.api.call('POST', `/deliveries/${id}/replay`)
  expect(replay.status).toBeLessThan(300)
  await eventually(() => expect(cameTo(road.receiver, '/one')).toHaveLength(2))
})

test('of a batch that waited so long what is not too old goes without the rest', async () => {
  const destination = await failedOnce('/batch', 2, { batch: { itemsMax: 2, waitMs: 600_000 } })
  await resumedLate(destination)
  await eventually(async () => {
    const states = (await deliveriesOf(destination)).map(({ state, reason }) => [state, reason])
    expect(states.toSorted()).toEqual([
      ['dead', LATE],
      ['delivered', 'success: the destination answered 200'],
    ])
  })
  expect(cameTo(road.receiver, '/batch')).toEqual(['[{"n":0},{"n":1}]', '[{"n":1}]'])
})
