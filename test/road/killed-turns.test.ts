import postgres from 'postgres'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { freshDatabase } from '../world/database.ts'
import { eventually } from '../world/eventually.ts'
import { type Api, apiAt, post, testSettings } from '../world/gateway.ts'
import { type Receiver, startReceiver } from '../world/receiver.ts'
import { type SluiceProcess, startProcess } from './processes.ts'

let receiver: Receiver
let database: { url: string; drop(): Promise<void> }
let sql: postgres.Sql
let env: Record<string, string>
let edge: SluiceProcess
let worker: SluiceProcess
let api: Api
let shop: string

beforeAll(async () => {
  receiver = await startReceiver()
  database = await freshDatabase()
  sql = postgres(database.url, { max: 1 })
  env = testSettings(database.url, {
    queue: 'bullmq',
    env: {
      OUTBOUND_ALLOWED: `127.0.0.1:${receiver.port}`,
      SWEEP_SECONDS: '1',
      LOST_SECONDS: '2',
      // As many as are answered slowly: one more has been released and lies in the queue.
      DELIVERY_CONCURRENCY: '3',
    },
  })
  ;[edge, worker] = await Promise.all([startProcess('edge', env), startProcess('worker', env)])
  api = apiAt(edge.url)
  shop = (await api.application('shop')).id
})

afterAll(async () => {
  await Promise.all([edge?.kill9(), worker?.kill9()])
  await sql.end({ timeout: 1 })
  await receiver.close()
  await database.drop()
})

/** Sends events to a destination of their own, and gives its id. */
async function send(path: string, count: number, config: object, push: object): Promise<string> {
  const { id: destination } = await api.destination(shop, `${receiver.url}${path}`, config)
  const { id } = await api.integration(shop, {
    nodes: [{ id: 'push', kind: 'push', destination, ...push }],
  })
  for (let n = 0; n < count; n++) await post(`${edge.url}/integration/${id}`, `{"n":${n}}`, {})
  return destination
}

test('a worker that is killed loses nothing, in whatever state a delivery is', {
  timeout: 120_000,
}, async () => {
  let slow = true
  receiver.answerWith(async ({ url }) => {
    if (!slow) return 200
    if (url === '/failing') return 503
    if (url === '/slow') await new Promise((resolve) => setTimeout(resolve, 60_000))
    return 200
  })
  await send('/failing', 1, { retry: { kind: 'fixed', delayMs: 3_000 } }, {})
  await eventually(async () => expect(await states()).toEqual({ retrying: 1 }))
  await send('/delayed', 1, {}, { delaySeconds: 20 })
  await send('/slow', 6, { concurrencyMax: 4 }, { orderKey: '{{ n }}' })
  await eventually(async () =>
    expect(await states()).toEqual({ delayed: 1, sending: 3, queued: 1, waiting: 2, retrying: 1 }),
  )
  await worker.kill9()
  slow = false
  // The leases of what was being sent go on for most of a minute, which is not waited for here.
  await sql`UPDATE deliveries SET lease_until = now() WHERE state = 'sending'`
  worker = await startProcess('worker', env)
  await eventually(async () => expect(await states()).toEqual({ delivered: 8 }), 90_000)
})

/** How many deliveries are in which state. */
async function states(): Promise<Record<string, number>> {
  const rows = await sql<{ state: string; count: number }[]>`
    SELECT state, count(*)::int AS count FROM deliveries GROUP BY state`
  return Object.fromEntries(rows.map(({ state, count }) => [state, count]))
}

test('a batch whose worker is killed comes again as the same, and what was still gathered comes together', {
  timeout: 120_000,
}, async () => {
  let slow = true
  receiver.answerWith(async () => {
    if (slow) await new Promise((resolve) => setTimeout(resolve, 60_000))
    return 200
  })
  const cameTo = (path: string) => receiver.requests.filter(({ url }) => url === path)
  await send('/batched', 3, { batch: { itemsMax: 3, waitMs: 600_000, idField: 'delivery' } }, {})
  await eventually(() => expect(cameTo('/batched')).toHaveLength(1))
  await send('/gathered', 2, { batch: { waitMs: 12_000 } }, {})
  await eventually(async () => expect(await states()).toMatchObject({ sending: 3, waiting: 2 }))
  await worker.kill9()
  slow = false
  await sql`UPDATE deliveries SET lease_until = now() WHERE state = 'sending'`
  worker = await startProcess('worker', env)
  await eventually(async () => expect(await states()).not.toMatchObject({ sending: 3 }), 60_000)
  await eventually(() => expect(cameTo('/gathered').length).toBeGreaterThan(0), 60_000)
  const [first, again] = cameTo('/batched')
  expect(again?.body).toEqual(first?.body)
  expect(again?.headers['webhook-id']).toBe(first?.headers['webhook-id'])
  expect([first, again].map((push) => push?.headers['sluice-attempt'])).toEqual(['1', '2'])
  expect(cameTo('/gathered').map(({ body }) => body.toString())).toEqual(['[{"n":0},{"n":1}]'])
})
