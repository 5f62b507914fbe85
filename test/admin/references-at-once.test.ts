/** An integration is saved in the moment in which what it names goes, at one process and at two. */
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

const ROUNDS = [0, 1, 2, 3]
let names = 0

interface Named {
  /** A definition that names it. */
  definition: object
  /** Takes it away: method, path and body. */
  take: [method: string, path: string, body?: unknown]
  /** Where an integration that names it comes too late. */
  path: string
}

const newDestination = async () => (await worlds[0].api.destination(shop, 'https://erp.example/')).id
const pushesTo = (destination: string) => ({ nodes: [{ id: 'push', kind: 'push', destination }] })

async function newFunction() {
  const name = `function-${names++}`
  const { id } = await worlds[0].api.rewriteFunction(shop, name, 'return 1')
  return { id, definition: { nodes: [{ id: 'call', kind: 'transform', function: name }] } }
}

const KINDS: [what: string, make: () => Promise<Named>, refusal: [status: number, text: string]][] = [
  [
    'a destination that is deleted',
    async () => {
      const id = await newDestination()
      return {
        definition: pushesTo(id),
        take: ['DELETE', `/destinations/${id}`],
        path: 'definition.nodes.0.destination',
      }
    },
    [409, 'still pushes to this destination'],
  ],
  [
    'a function that is deleted',
    async () => {
      const { id, definition } = await newFunction()
      return { definition, take: ['DELETE', `/functions/${id}`], path: 'definition.nodes.0.function' }
    },
    [409, 'still uses this function'],
  ],
  [
    'a function that gets another name',
    async () => {
      const { id, definition } = await newFunction()
      const name = `function-${names++}`
      return {
        definition,
        take: ['PATCH', `/functions/${id}`, { name }],
        path: 'definition.nodes.0.function',
      }
    },
    [409, 'still uses this function'],
  ],
  [
    'a destination that is to send original bodies, and splits them',
    async () => {
      const id = await newDestination()
      const config = { kind: 'http', url: 'https://erp.example/', format: 'original' }
      return {
        definition: { ...pushesTo(id), split: 'orders' },
        take: ['PATCH', `/destinations/${id}`, { config }],
        path: 'definition.nodes.0.destination',
      }
    },
    [400, 'its events have no original body'],
  ],
]

describe.each(KINDS)('an integration never names %s', (_what, make, [status, text]) => {
  test.each([
    ['is made', 0],
    ['is made at another process', 1],
    ['is changed', 0],
    ['is changed at another process', 1],
  ] as const)('when it %s', async (how, which) => {
    const { call } = worlds[which].api
    for (const _ of ROUNDS) {
      const { definition, take, path } = await make()
      const old = await worlds[0].api.integration(shop, { nodes: [{ id: 'first', kind: 'transform' }] })
      await Promise.all(worlds.map(({ gateway }) => gateway.integrations.reload()))
      const save = how.startsWith('is made')
        ? call('POST', '/integrations', { applicationId: shop, name: 'orders', definition })
        : call('PATCH', `/integrations/${old.id}`, { definition })
      const [saved, taken] = await Promise.all([save, worlds[0].api.call(...take)])
      if (taken.status < 300) {
        expect(saved.status).toBe(400)
        expect(saved.body.errors).toMatchObject([{ path }])
      } else {
        expect(saved.status).toBeLessThan(300)
        expect(taken.status).toBe(status)
        expect(JSON.stringify(taken.body)).toContain(text)
      }
    }
  })
})

test('many who save and take away at the same moment wait for each other and all get an answer', async () => {
  const all = await Promise.all(ROUNDS.flatMap(() => KINDS.map(([, make]) => make())))
  await Promise.all(worlds.map(({ gateway }) => gateway.integrations.reload()))
  const nodes = all.flatMap(({ definition }, at) =>
    (definition as { nodes: object[] }).nodes.map((node) => ({ ...node, id: `node-${at}`, next: undefined })),
  )
  const answers = await Promise.all(
    all.flatMap(({ take }, at) => {
      const { call } = worlds[at % 2]?.api ?? worlds[0].api
      const turned = [...nodes.slice(at), ...nodes.slice(0, at)]
      const body = { applicationId: shop, name: 'all', definition: { nodes: turned } }
      return [call('POST', '/integrations', body), worlds[0].api.call(...take)]
    }),
  )
  for (const { status } of answers) expect([200, 201, 204, 400, 409]).toContain(status)
})
