/** Two operators, or two scripts, change the same thing at the same moment, at one process and at two. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startTestGateway, type TestGateway } from '../world/gateway.ts'

let worlds: [TestGateway, TestGateway]
let shop: string

beforeAll(async () => {
  const one = await startTestGateway()
  worlds = [one, await startTestGateway({ databaseUrl: one.env.DATABASE_URL ?? '' })]
  shop = (await one.api.application('shop')).id
})
afterAll(async () => {
  await worlds[1].close()
  await worlds[0].close()
})

const call = (method: string, path: string, body?: unknown) => worlds[0].api.call(method, path, body)
const ROUNDS = [0, 1, 2]

/** What is made, and two changes of different fields of it. */
const THINGS: [path: string, create: (n: number) => object, one: object, other: object][] = [
  [
    'applications',
    (n) => ({ slug: `slug-${n}`, name: 'old' }),
    { name: 'new' },
    { allowedList: ['10.0.0.0/8'] },
  ],
  [
    'integrations',
    () => ({ applicationId: shop, name: 'old', definition: { nodes: [{ id: 'map', kind: 'transform' }] } }),
    { name: 'new' },
    { enabled: false },
  ],
  [
    'destinations',
    () => ({ applicationId: shop, name: 'old', config: { kind: 'http', url: 'https://erp.example/' } }),
    { name: 'new' },
    { enabled: false },
  ],
  [
    'functions',
    (n) => ({ applicationId: shop, name: `function-${n}`, source: 'return 1' }),
    { source: 'return 2' },
    { enabled: false },
  ],
  [
    'alert-channels',
    () => ({ name: 'old', config: { kind: 'slack', url: 'https://hooks.example/T0/B0/x' } }),
    { name: 'new' },
    { enabled: false },
  ],
]

describe.each(THINGS)('of %s', (path, create, one, other) => {
  let made = 0
  async function newThing(): Promise<string> {
    const { status, body } = await call('POST', `/${path}`, create(made++))
    if (status !== 201) throw new Error(`POST /${path}: ${status} ${JSON.stringify(body)}`)
    return `/${path}/${body.id}`
  }
  /** Until the other process has seen it. */
  async function seenByBoth(at: string): Promise<void> {
    await Promise.all(worlds.map(({ gateway }) => gateway.integrations.reload()))
    for (const { api } of worlds) expect((await api.call('GET', at)).status).toBe(200)
  }

  test('two changes of different fields both stay', async () => {
    for (const _ of ROUNDS) {
      const at = await newThing()
      await seenByBoth(at)
      for (const [first, second] of [
        [worlds[0], worlds[0]],
        [worlds[0], worlds[1]],
      ] as const) {
        const answers = await Promise.all([
          first.api.call('PATCH', at, one),
          second.api.call('PATCH', at, other),
        ])
        expect(answers.map(({ status }) => status)).toEqual([200, 200])
        await worlds[0].gateway.integrations.reload()
        expect((await call('GET', at)).body).toMatchObject({ ...one, ...other })
      }
    }
  })

  test('a change never brings back what is deleted', async () => {
    for (const _ of ROUNDS) {
      for (const { api } of worlds) {
        const at = await newThing()
        await seenByBoth(at)
        const [changed, deleted] = await Promise.all([api.call('PATCH', at, one), call('DELETE', at)])
        expect(deleted.status).toBe(204)
        expect([200, 404]).toContain(changed.status)
        await worlds[0].gateway.integrations.reload()
        expect((await call('GET', at)).status).toBe(404)
      }
    }
  })
})

test('a rule of alerts keeps both changes, and stays deleted', async () => {
  const rule = { when: { condition: 'silence', silentAfterMinutes: 5 }, applicationId: shop }
  const { body } = await call('POST', '/alert-rules', rule)
  const at = `/alert-rules/${body.id}`
  const when = { condition: 'silence', silentAfterMinutes: 7 }
  const answers = await Promise.all([
    call('PATCH', at, { when }),
    worlds[1].api.call('PATCH', at, { enabled: false }),
  ])
  expect(answers.map(({ status }) => status)).toEqual([200, 200])
  expect((await call('GET', at)).body).toMatchObject({ when, enabled: false })
  await Promise.all([call('DELETE', at), worlds[1].api.call('PATCH', at, { enabled: true })])
  expect((await call('GET', at)).status).toBe(404)
})

test('many changes of one thing at the same moment each get through', async () => {
  const { id } = await worlds[0].api.destination(shop, 'https://erp.example/')
  const changes = Array.from({ length: 16 }, (_, at) =>
    worlds[0].api.call('PATCH', `/destinations/${id}`, { name: `change ${at}` }),
  )
  expect((await Promise.all(changes)).map(({ status }) => status)).toEqual(changes.map(() => 200))
})
