import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { cameTo, openRoad, type Road } from '../road/world.ts'
import { eventually } from '../world/eventually.ts'
import type { QueueEngine } from '../world/gateway.ts'
import type { Answering } from '../world/receiver.ts'

const SOON = { kind: 'fixed', delayMs: 100, triesMax: 3 }

describe.each<QueueEngine>(['in-process', 'bullmq'])('a run on the %s queue', (queue) => {
  let road: Road
  let destination: string
  let answers: Answering[]

  beforeAll(async () => {
    road = await openRoad({
      queue,
      env: { FUNCTION_CPU_MS: '300', FUNCTION_WALL_MS: '2000', SANDBOX_PROCESSES: '1' },
    })
    destination = await road.destination('/out')
    // The other system gives these answers, one after the other, and then 200.
    road.receiver.answerWith(({ url }) => (url === '/out' ? 200 : (answers.shift() ?? 200)))
  })
  afterAll(() => road.close())
  beforeEach(() => {
    road.receiver.requests.length = 0
    answers = []
  })

  const push = () => ({ id: 'push', kind: 'push', destination })
  const call = () => ({
    id: 'ask',
    kind: 'call',
    request: { method: 'POST', url: `${road.receiver.url}/ask` },
    result: 'answer',
    next: ['push'],
  })

  async function received(nodes: object[], more: object): Promise<string> {
    const id = await road.integration(nodes, more)
    await road.world.send(id, '{"n":1}')
    return id
  }

  test('whose call failed for the moment is made again after a while, and then goes its way', async () => {
    answers = [503, { mode: 'reset' }]
    const id = await received([call(), push()], { retry: SOON })
    const { runs } = await road.api.eventIn(id, 'delivered')
    expect(runs).toMatchObject([
      { state: 'delivered', reason: null, takes: 3, retries: 2, dueAt: null, definitionVersion: 1 },
    ])
    expect(runs[0].nodes).toMatchObject([{ outcome: 'answered' }, { nodeId: 'push' }])
    expect(cameTo(road.receiver, '/out')).toEqual(['{"n":1,"answer":null}'])
    const asked = road.receiver.requests.filter(({ url }) => url === '/ask')
    expect(new Set(asked.map(({ headers }) => headers['idempotency-key'])).size).toBe(1)
    expect(asked).toHaveLength(3)
  })

  test('shows while it waits why and until when, and what its nodes did', async () => {
    answers = [{ status: 503, headers: { 'retry-after': '3600' } }]
    const id = await received([{ id: 'first', kind: 'transform', next: ['ask'] }, call(), push()], {
      retry: SOON,
    })
    const run = await eventually(async () => {
      const [event] = await road.api.events(`?integrationId=${id}`)
      expect(event.state).toBe('queued')
      const { runs } = await road.api.event(event.id)
      expect(runs[0]).toMatchObject({
        state: 'retrying',
        retries: 1,
        reason: 'node "ask": the called system answered 503',
        nodes: [{ nodeId: 'first' }, { nodeId: 'ask', outcome: 'failed', call: { status: 503 } }],
      })
      return runs[0]
    })
    expect(Date.parse(run.dueAt) - Date.parse(run.startedAt)).toBeGreaterThanOrEqual(3_600_000)
  })

  test('keeps the definition and the functions of its beginning', async () => {
    answers = [503]
    const { id: functionId } = await road.api.rewriteFunction(
      road.shop,
      `kept-${queue}`,
      'return { jobStatus: 1, data: { version: "old" } }',
    )
    const nodes = [
      { id: 'f', kind: 'transform', function: `kept-${queue}`, next: ['ask'] },
      { ...call(), onFailure: 'fail' },
      push(),
    ]
    const id = await received(nodes, { retry: { ...SOON, delayMs: 1_500 } })
    await road.receiver.received(1)
    await road.api.call('PATCH', `/functions/${functionId}`, {
      applicationId: road.shop,
      name: `kept-${queue}`,
      source: 'return { jobStatus: 1, data: { version: "new" } }',
    })
    await road.api.eventIn(id, 'delivered')
    expect(cameTo(road.receiver, '/out')).toEqual(['{"version":"old","answer":null}'])
  })

  test('is given up after its tries, with the last reason', async () => {
    answers = [500, 500, 500]
    const id = await received([call(), push()], { retry: SOON })
    const { runs } = await road.api.eventIn(id, 'dead')
    expect(runs).toMatchObject([
      {
        state: 'dead',
        takes: 3,
        retries: 2,
        reason: 'node "ask": the called system answered 500; that was the last of 3 tries',
      },
    ])
    expect(cameTo(road.receiver, '/out')).toEqual([])
  })

  test.each([
    ['timed out', 'while (true);', 'timed_out'],
    ['waited too long', "await fetchUrl(HOST + '/slow')\nreturn { jobStatus: 1 }", '(timed_out|call_failed)'],
    [
      'was not answered',
      "(await fetchUrl(HOST + '/ask')).requireOk()\nreturn { jobStatus: 1 }",
      'call_failed',
    ],
  ])('whose function %s is made again', async (name, source, reason) => {
    answers = name === 'waited too long' ? [{ mode: 'hang' }, { mode: 'hang' }] : [503, 503]
    const run = await runOf('again', source, { ...SOON, triesMax: 2 })
    expect(run).toMatchObject({ state: 'dead', takes: 2, retries: 1 })
    expect(run.reason).toMatch(new RegExp(`" ${reason}: .*; that was the last of 2 tries$`))
  })

  test.each([
    ['says no', "return { jobStatus: 0, message: 'no' }", 'said_no'],
    ['throws', "throw new Error('mine')", 'threw'],
    [
      'asks what is not there',
      "(await fetchUrl(HOST + '/ask')).requireOk()\nreturn { jobStatus: 1 }",
      'threw',
    ],
    ['asks whom it may not', "await fetchUrl('https://example.com/')\nreturn { jobStatus: 1 }", 'threw'],
  ])('whose function %s is not', async (_name, source, reason) => {
    answers = [404]
    const run = await runOf('never', source, SOON)
    expect(run).toMatchObject({ state: 'dead', takes: 1, retries: 0 })
    expect(run.reason).toMatch(new RegExp(`" ${reason}: `))
  })

  test('whose call was refused is not, and without a policy no run is', async () => {
    answers = [404]
    const refused = await received([call(), push()], { retry: SOON })
    expect((await road.api.eventIn(refused, 'dead')).runs).toMatchObject([{ takes: 1, retries: 0 }])
    answers = [503]
    const plain = await received([call(), push()], {})
    expect((await road.api.eventIn(plain, 'dead')).runs).toMatchObject([
      { takes: 1, retries: 0, reason: 'node "ask": the called system answered 503' },
    ])
  })

  let functions = 0

  async function runOf(prefix: string, source: string, retry: object) {
    const name = `${prefix}-${functions++}`
    const host = `const HOST = '${road.receiver.url}';\n`
    await road.api.rewriteFunction(road.shop, name, host + source)
    const allowedHosts = [`127.0.0.1:${road.receiver.port}`]
    const id = await received([{ id: 'f', kind: 'transform', function: name }], { retry, allowedHosts })
    return (await road.api.eventIn(id, 'dead')).runs[0]
  }
})
