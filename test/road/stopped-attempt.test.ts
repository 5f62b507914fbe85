import { afterAll, beforeAll, expect, test } from 'vitest'
import { freshDatabase } from '../world/database.ts'
import { eventually } from '../world/eventually.ts'
import { startTestGateway } from '../world/gateway.ts'
import { type Answering, type Receiver, startReceiver } from '../world/receiver.ts'

let receiver: Receiver
let database: Awaited<ReturnType<typeof freshDatabase>>
let answer: Answering = 200

beforeAll(async () => {
  receiver = await startReceiver()
  receiver.answerWith(() => answer)
  database = await freshDatabase()
})

afterAll(async () => {
  await receiver.close()
  await database.drop()
})

const start = (drainMs = 0) =>
  startTestGateway({
    databaseUrl: database.url,
    env: { OUTBOUND_ALLOWED: `127.0.0.1:${receiver.port}`, DRAIN_MS: String(drainMs) },
  })

const ONCE = { retry: { kind: 'schedule', delaysMs: [] } }

test.each([
  ['a delivery', 'single', {}, ['{"n":1}', '{"n":1}']],
  [
    'a batch',
    'batched',
    { batch: { itemsMax: 2, waitMs: 600_000 } },
    ['[{"n":1},{"n":2}]', '[{"n":1},{"n":2}]'],
  ],
])(
  '%s that a worker is stopped in goes on with the next worker, and has used up no try',
  async (_, slug, config, bodies) => {
    const before = receiver.requests.length
    const came = () => receiver.requests.slice(before)
    answer = { mode: 'hang' }
    const first = await start()
    const { id: application } = await first.api.application(slug)
    const destination = await first.api.destination(application, `${receiver.url}/${slug}`, {
      ...ONCE,
      ...config,
    })
    const nodes = [{ id: 'push', kind: 'push', destination: destination.id }]
    const { id } = await first.api.integration(application, { nodes })
    await first.send(id, '{"n":1}')
    if (slug === 'batched') await first.send(id, '{"n":2}')
    await eventually(() => expect(came()).toHaveLength(1))
    await first.close()
    answer = 200
    const second = await start()
    await eventually(() => expect(came()).toHaveLength(2))
    expect(came().map(({ body }) => body.toString())).toEqual(bodies)
    expect(new Set(came().map(({ headers }) => headers['webhook-id'])).size).toBe(1)
    const { deliveries } = (await second.api.eventIn(id, 'delivered')).runs[0]
    expect(deliveries[0].attempts.map(({ verdict, reason }: any) => [verdict, reason])).toEqual([
      ['interrupted', 'aborted: the worker was stopped before the answer was seen'],
      ['delivered', 'success: the destination answered 200'],
    ])
    await second.close()
  },
)

test('a delivery whose worker is stopped while it waits for a token goes on with the next worker', async () => {
  const came = (path: string) => receiver.requests.filter(({ url }) => url === path)
  const token = { access_token: 'a-token-of-the-test', token_type: 'Bearer' }
  receiver.answerWith(() => ({ mode: 'hang' }))
  const first = await start()
  const { id: application } = await first.api.application('tokens')
  const auth = { kind: 'oauth2', tokenUrl: `${receiver.url}/token`, clientId: 'sluice', secret: 'change-me' }
  const url = `${receiver.url}/with-token`
  const destination = await first.api.destination(application, url, { ...ONCE, auth })
  const nodes = [{ id: 'push', kind: 'push', destination: destination.id }]
  const { id } = await first.api.integration(application, { nodes })
  await first.send(id, '{}')
  await eventually(() => expect(came('/token')).toHaveLength(1))
  await first.close()
  receiver.answerWith(({ url: path }) =>
    path === '/token' ? { status: 200, body: JSON.stringify(token) } : 200,
  )
  const second = await start()
  await eventually(() => expect(came('/with-token')).toHaveLength(1))
  await second.close()
})

test('what becomes due while a process stops goes with its next start', async () => {
  const came = (path: string) => receiver.requests.filter(({ url }) => url === path)
  receiver.answerWith(({ url }) => (url === '/slow' ? { mode: 'hang' } : 200))
  const first = await start(3_000)
  const { id: application } = await first.api.application('stopping')
  const line = async (path: string, more: object) => {
    const destination = (await first.api.destination(application, `${receiver.url}${path}`)).id
    const nodes = [{ id: 'push', kind: 'push', destination, ...more }]
    return (await first.api.integration(application, { nodes })).id
  }
  await first.send(await line('/slow', {}), '{}')
  await eventually(() => expect(came('/slow')).toHaveLength(1))
  const later = await line('/later', { delaySeconds: 1 })
  await first.send(later, '{}')
  await first.api.eventIn(later, 'delivering')
  await first.close()
  receiver.answerWith(() => 200)
  const second = await start()
  await eventually(() => expect(came('/later')).toHaveLength(1))
  await second.close()
})
