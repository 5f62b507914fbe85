import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openRoad, type Road } from '../road/world.ts'

const MIB = 1024 * 1024

let road: Road
let destination: string
let names = 0

beforeAll(async () => {
  road = await openRoad({ env: { RUN_DELIVERIES_MAX: '10', RUN_BYTES_MAX: String(32 * MIB) } })
  destination = await road.destination('/out')
  await road.api.call('POST', `/destinations/${destination}/pause`, { reason: 'nothing is to be sent here' })
})
afterAll(() => road.close())

/** A transform whose function gives this, and so many push nodes behind it. */
async function graph(gives: string, pushes: number, more: object = {}): Promise<object[]> {
  const name = `gives-${names++}`
  await road.api.rewriteFunction(road.shop, name, `return { jobStatus: 1, data: ${gives} }`)
  const ids = Array.from({ length: pushes }, (_, at) => `push-${at}`)
  return [
    { id: 'make', kind: 'transform', function: name, next: ids },
    ...ids.map((id) => ({ id, kind: 'push', destination, ...more })),
  ]
}

async function runOf(nodes: object[], more: object = {}, body = '{}', state = 'dead') {
  const id = await road.integration(nodes, more)
  await road.world.send(id, body)
  const { runs } = await road.api.eventIn(id, state)
  return runs[0]
}

describe('a run makes no more deliveries than its limit', () => {
  test('at one push node: it fails, is not made again, and nothing is sent', async () => {
    const retry = { kind: 'fixed', delayMs: 100, triesMax: 3 }
    const run = await runOf(await graph('new Array(1_100).fill(0)', 1), { retry })
    expect(run).toMatchObject({
      state: 'dead',
      takes: 1,
      retries: 0,
      reason: 'node "push-0": made 1,100 items; a run makes at most 10 deliveries',
      deliveries: [],
    })
  })

  test('over all its push nodes', async () => {
    const run = await runOf(await graph('[1, 2, 3, 4, 5, 6]', 3))
    expect(run).toMatchObject({
      reason: 'node "push-1": made 6 items beside 6 that were made before; a run makes at most 10 deliveries',
      deliveries: [],
    })
  })

  test('of elements alone: what stands in them or in texts counts nothing', async () => {
    const element = '{ a: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11], "b,\\"[,": ",,,,,,,,,,,,]", c: {}, d: [] }'
    const run = await runOf(await graph(`new Array(5).fill(${element})`, 2), {}, '{}', 'delivering')
    expect(run.deliveries).toHaveLength(10)
  })

  test('a list that is sent whole is one', async () => {
    const run = await runOf(
      await graph('new Array(50).fill(0)', 1, { array: 'whole' }),
      {},
      '{}',
      'delivering',
    )
    expect(run.deliveries).toHaveLength(1)
  })

  test('also where the sender names them', async () => {
    const run = await runOf(
      [{ id: 'push', kind: 'push', destination }],
      {},
      JSON.stringify(Array(11).fill(0)),
    )
    expect(run.reason).toBe('node "push": made 11 items; a run makes at most 10 deliveries')
  })
})

describe('a run holds no more than its limit', () => {
  const large = `{ text: 'x'.repeat(${5 * MIB}) }`

  test('where many push nodes send one large item', async () => {
    const run = await runOf(await graph(large, 9))
    expect(run.reason).toMatch(
      /^node "push-5": what the nodes gave and the deliveries hold comes to 36,7..,... bytes; a run holds at most 33,554,432$/,
    )
    expect(run.deliveries).toEqual([])
  })

  test('where many nodes make one', async () => {
    const [make] = await graph(large, 0)
    const nodes = Array.from({ length: 9 }, (_, at) => ({
      ...make,
      id: `make-${at}`,
      next: at < 8 ? [`make-${at + 1}`] : [],
    }))
    const run = await runOf(nodes)
    expect(run.reason).toMatch(/^node "make-6": what the nodes gave/)
    expect(run.nodes).toHaveLength(7)
  })

  test('where what is hidden stands beside each delivery', async () => {
    const nodes = await graph(`'x'.repeat(3_050_000)`, 10)
    const body = JSON.stringify({ secret: 's'.repeat(32_000) })
    const run = await runOf(nodes, { redact: { fields: ['secret'] } }, body)
    expect(run.reason).toMatch(
      /^what the nodes gave and the deliveries hold comes to 33,870,... bytes; a run holds at most 33,554,432$/,
    )
    expect(run.deliveries).toEqual([])
    expect((await runOf(nodes, {}, body, 'delivering')).deliveries).toHaveLength(10)
  })

  test('and what stays below it goes', async () => {
    const run = await runOf(await graph(large, 4), {}, '{}', 'delivering')
    expect(run.deliveries).toHaveLength(4)
  })
})
