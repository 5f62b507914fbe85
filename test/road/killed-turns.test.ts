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
/** Where the batch is gathered that is not full. */
let gathered: string
/** Whether some of what comes to the receiver is not answered, or refused. */
let slow = true

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
      // As many as are answered slowly, and a batch: one more has been released and lies in the queue.
      DELIVERY_CONCURRENCY: '4',
      // As many as wait for an answer in the middle of their run: others lie in the queue.
      RUN_CONCURRENCY: '2',
    },
  })
  ;[edge, worker] = await Promise.all([startProcess('edge', env), startProcess('worker', env)])
  api = apiAt(edge.url)
  shop = (await api.application('shop')).id
  receiver.answerWith(async ({ url }) => {
    if (!slow) return 200
    if (url === '/failing' || url === '/unwell') return 503
    await new Promise((resolve) => setTimeout(resolve, 60_000).unref())
    return 200
  })
  gathered = await sendDeliveries()
  await sendRuns()
  await worker.kill9()
  slow = false
  // The leases of what was being sent go on for most of a minute, and so does the delay: neither is waited for here.
  await sql`UPDATE deliveries SET lease_until = now() WHERE state = 'sending'`
  await sql`UPDATE deliveries SET due_at = now() + interval '2 seconds' WHERE state IN ('delayed', 'retrying')`
  worker = await startProcess('worker', env)
}, 180_000)

afterAll(async () => {
  await Promise.all([edge?.kill9(), worker?.kill9()])
  await sql.end({ timeout: 1 })
  await receiver.close()
  await database.drop()
})

/** Sends events to a destination of their own, and gives their address. */
async function send(path: string, count: number, config: object, push: object): Promise<string> {
  const { id: destination } = await api.destination(shop, `${receiver.url}${path}`, config)
  const { id } = await api.integration(shop, {
    nodes: [{ id: 'push', kind: 'push', destination, ...push }],
  })
  const address = `${edge.url}/integration/${id}`
  for (let n = 0; n < count; n++) await post(address, `{"n":${n}}`, {})
  return address
}

/** Makes deliveries that are in each state, and gives the address whose batch is not full. */
async function sendDeliveries(): Promise<string> {
  await send('/failing', 1, { retry: { kind: 'fixed', delayMs: 3_600_000 } }, {})
  await eventually(async () => expect(await states()).toEqual({ retrying: 1 }))
  await send('/delayed', 1, {}, { delaySeconds: 60 })
  await send('/batched', 3, { batch: { itemsMax: 3, waitMs: 600_000, idField: 'delivery' } }, {})
  await eventually(() => expect(cameTo('/batched')).toHaveLength(1))
  await send('/slow', 6, { concurrencyMax: 4 }, { orderKey: '{{ n }}' })
  await eventually(() => expect(cameTo('/slow')).toHaveLength(3))
  const address = await send('/gathered', 2, { batch: { itemsMax: 3, waitMs: 600_000 } }, {})
  await eventually(async () =>
    expect(await states()).toEqual({ delayed: 1, sending: 3 + 3, queued: 1, waiting: 2 + 2, retrying: 1 }),
  )
  return address
}

/** Makes runs that are in each state. */
async function sendRuns(): Promise<void> {
  const { id: destination } = await api.destination(shop, `${receiver.url}/after/{{ n }}`, {})
  const push = { id: 'push', kind: 'push', destination }
  const call = (path: string) => {
    const request = { url: `${receiver.url}${path}`, method: 'POST', timeoutMs: 60_000 }
    return { id: 'ask', kind: 'call', request, result: 'answer', next: ['push'] }
  }
  const fetching = await api.rewriteFunction(
    shop,
    'fetching',
    `await fetchUrl('${receiver.url}/fetched'); return { jobStatus: 1, data: job.data.data }`,
  )
  const integrations = await Promise.all([
    api.integration(shop, {
      nodes: [call('/unwell'), push],
      retry: { kind: 'fixed', delayMs: 4_000 },
    }),
    api.integration(shop, { nodes: [call('/asked'), push] }),
    api.integration(shop, {
      nodes: [{ id: 'fetch', kind: 'transform', function: fetching.name, next: ['push'] }, push],
      allowedHosts: [`127.0.0.1:${receiver.port}`],
    }),
    api.integration(shop, { nodes: [push] }),
  ])
  const [unwell, asked, fetched, plain] = integrations.map(({ id }) => `${edge.url}/integration/${id}`)
  const sent = (url: string | undefined, n: number) => post(url ?? '', `{"n":${n}}`, {})
  await sent(unwell, 1)
  await eventually(async () => expect(await runStates()).toMatchObject({ retrying: 1 }))
  await sent(asked, 2)
  await eventually(() => expect(cameTo('/asked')).toHaveLength(1))
  await sent(fetched, 3)
  await eventually(() => expect(cameTo('/fetched')).toHaveLength(1))
  await Promise.all([4, 5, 6].map((n) => sent(plain, n)))
  expect(await runStates()).toMatchObject({ retrying: 1, running: 2, queued: 3 })
}

test('a worker that is killed loses no delivery, in whatever state it is', { timeout: 120_000 }, async () => {
  // Those of the runs and of the full batch too; the other batch is still gathered.
  await eventually(async () => expect(await states()).toEqual({ delivered: 8 + 6 + 3, waiting: 2 }), 90_000)
  // What may have arrived comes again as the same.
  const again = Map.groupBy(cameTo('/slow'), ({ body }) => body.toString())
  expect([...again.values()].filter((pushes) => pushes.length > 1)).toHaveLength(3)
  for (const pushes of again.values())
    expect(new Set(pushes.map(({ headers }) => headers['webhook-id'])).size).toBe(1)
})

test('a worker that is killed loses no run, in whatever state it is', { timeout: 120_000 }, async () => {
  await eventually(() => {
    const after = receiver.requests.flatMap(({ url }) => /^\/after\/(\d+)$/.exec(url)?.[1] ?? [])
    expect(after.toSorted()).toEqual(['1', '2', '3', '4', '5', '6'])
  }, 90_000)
  // Both times it is the same to the system that is asked.
  const keys = cameTo('/asked').map(({ headers }) => headers['idempotency-key'])
  expect(keys).toHaveLength(2)
  expect(new Set(keys).size).toBe(1)
})

test('a batch whose worker is killed comes again as the same, and what was still gathered comes together', {
  timeout: 120_000,
}, async () => {
  await eventually(() => expect(cameTo('/batched')).toHaveLength(2), 60_000)
  await post(gathered, '{"n":2}', {})
  await eventually(() => expect(cameTo('/gathered').length).toBeGreaterThan(0), 60_000)
  const [first, again] = cameTo('/batched')
  expect(again?.body).toEqual(first?.body)
  expect(again?.headers['webhook-id']).toBe(first?.headers['webhook-id'])
  expect([first, again].map((push) => push?.headers['sluice-attempt'])).toEqual(['1', '2'])
  expect(cameTo('/gathered').map(({ body }) => body.toString())).toEqual(['[{"n":0},{"n":1},{"n":2}]'])
})

function cameTo(path: string) {
  return receiver.requests.filter(({ url }) => url === path)
}

/** How many runs that have not ended are in which state. */
async function runStates(): Promise<Record<string, number>> {
  const rows = await sql<{ state: string; count: number }[]>`
    SELECT state, count(*)::int AS count FROM runs WHERE state IN ('queued', 'running', 'retrying') GROUP BY state`
  return Object.fromEntries(rows.map(({ state, count }) => [state, count]))
}

/** How many deliveries are in which state. */
async function states(): Promise<Record<string, number>> {
  const rows = await sql<{ state: string; count: number }[]>`
    SELECT state, count(*)::int AS count FROM deliveries GROUP BY state`
  return Object.fromEntries(rows.map(({ state, count }) => [state, count]))
}
