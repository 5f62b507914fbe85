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
      ['retry', 'aborted: the worker was stopped before the answer had come'],
      ['delivered', 'success: the destination answered 200'],
    ])
    await second.close()
  },
)
