import postgres from 'postgres'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { eventually } from '../world/eventually.ts'
import type { QueueEngine } from '../world/gateway.ts'
import { startTestGateway } from '../world/gateway.ts'
import { cameTo, openRoad, type Road } from './world.ts'

type Row = Record<string, unknown>

const QUICK = { retry: { triesMax: 3, firstDelayMs: 100, factor: 1, delayMaxMs: 200 } }

describe.each<QueueEngine>(['in-process', 'bullmq'])('the road on the %s queue', (queue) => {
  let road: Road

  beforeAll(async () => {
    road = await openRoad({ queue })
  })

  afterAll(() => road.close())

  beforeEach(() => {
    road.receiver.requests.length = 0
    road.receiver.answerWith(200)
  })

  test('fans out through decisions on payload and request; each destination lives for itself', async () => {
    const [all, big, german] = await Promise.all(
      ['/all', '/big', '/german'].map((at) => road.destination(at)),
    )
    const id = await road.integration([
      {
        id: 'split',
        kind: 'decision',
        all: true,
        branches: [
          { when: { path: 'total', op: 'greater', value: 100 }, next: ['big'] },
          { when: { path: '$request.headers.x-country', op: 'equals', value: 'DE' }, next: ['german'] },
          { when: { path: 'id', op: 'exists' }, next: ['all'] },
        ],
      },
      { id: 'big', kind: 'push', destination: big },
      { id: 'german', kind: 'push', destination: german, mapping: { order: 'id' } },
      { id: 'all', kind: 'push', destination: all },
    ])
    road.receiver.answerWith(({ url }) => (url === '/big' ? 400 : 200))
    await road.world.send(id, '{"id":1,"total":"100.01"}', { 'X-Country': 'DE' })
    const event = await road.api.eventIn(id, 'dead')
    expect(cameTo(road.receiver, '/all')).toEqual(['{"id":1,"total":"100.01"}'])
    expect(cameTo(road.receiver, '/german')).toEqual(['{"order":1}'])
    expect(cameTo(road.receiver, '/big')).toHaveLength(1)
    const states = event.runs[0].deliveries.map((delivery: Row) => [delivery.nodeId, delivery.state])
    expect(Object.fromEntries(states)).toEqual({ big: 'dead', german: 'delivered', all: 'delivered' })
    expect(event.runs[0].nodes[0]).toMatchObject({ outcome: 'decided', message: 'branch 0, 1, 2' })
  })

  test('a list is mapped element by element, and as one value where the node says so', async () => {
    const [each, whole] = await Promise.all(['/each', '/whole'].map((at) => road.destination(at)))
    const id = await road.integration([
      { id: 'all', kind: 'transform', next: ['each', 'whole'] },
      { id: 'each', kind: 'push', destination: each, mapping: { no: 'id' } },
      {
        id: 'whole',
        kind: 'push',
        destination: whole,
        mapping: { 'orders[].no': '[].id', count: { from: '[].id', transforms: ['count'] } },
        each: false,
      },
    ])
    await road.world.send(id, '[{"id":1},{"id":2}]')
    await road.api.eventIn(id, 'delivered')
    expect(cameTo(road.receiver, '/each').toSorted()).toEqual(['{"no":1}', '{"no":2}'])
    expect(cameTo(road.receiver, '/whole')).toEqual(['{"count":2,"orders":[{"no":1},{"no":2}]}'])
  })

  test('what no branch takes is filtered, and what a node gives nothing for is empty', async () => {
    const destination = await road.destination('/never')
    const push = { id: 'push', kind: 'push', destination }
    const filtered = await road.integration(
      [
        {
          id: 'only paid',
          kind: 'decision',
          branches: [{ when: { path: 'paid', op: 'equals', value: true }, next: ['push'] }],
        },
        push,
      ].map((node) => ({ ...node, id: node.id.replace(' ', '-') })),
    )
    const { name } = await road.api.rewriteFunction(road.shop, `nothing-${queue}`, 'return { jobStatus: 1 }')
    const empty = await road.integration([{ ...push, function: name }])
    const list = await road.integration([push])
    const wanting = { path: '$source.topic', op: 'in', value: ['order.paid'] }
    const unwanted = await road.integration([
      { ...push, when: wanting, mapping: { no: { from: 'missing' } } },
    ])
    await road.world.send(unwanted, '{"paid":false}')
    await road.world.send(filtered, '{"paid":false}')
    await road.world.send(empty, '{"paid":false}')
    await road.world.send(list, ' [ ] ')
    expect((await road.api.eventIn(filtered, 'filtered')).runs[0].nodes).toMatchObject([
      { nodeId: 'only-paid', outcome: 'filtered', message: 'otherwise' },
    ])
    expect((await road.api.eventIn(unwanted, 'filtered')).runs[0].nodes).toMatchObject([
      { nodeId: 'push', outcome: 'filtered', message: 'its condition does not hold' },
    ])
    expect((await road.api.eventIn(empty, 'empty')).runs[0].nodes).toMatchObject([{ outcome: 'nothing' }])
    await road.api.eventIn(list, 'empty')
    expect(road.receiver.requests).toEqual([])
  })

  test('an array is one delivery for each element, or one for all where the node sends it whole', async () => {
    const [each, batch] = await Promise.all(['/each', '/batch'].map((at) => road.destination(at)))
    const id = await road.integration([
      { id: 'fan', kind: 'transform', next: ['each', 'batch'] },
      { id: 'each', kind: 'push', destination: each },
      { id: 'batch', kind: 'push', destination: batch, array: 'whole' },
    ])
    await road.world.send(id, '[{"id":90071992547409931},{"id":2}]')
    const event = await road.api.eventIn(id, 'delivered')
    expect(event.runs[0].deliveries).toHaveLength(3)
    expect(cameTo(road.receiver, '/each').toSorted()).toEqual(['{"id":2}', '{"id":90071992547409931}'])
    expect(cameTo(road.receiver, '/batch')).toEqual(['[{"id":90071992547409931},{"id":2}]'])
  })

  test('a body that is split becomes an event for each element, with a run of its own', async () => {
    const destination = await road.destination('/split')
    const id = await road.integration([{ id: 'push', kind: 'push', destination }], { split: 'orders' })
    await road.world.send(id, '{"orders":[{"id":1},{"id":2},{"id":3}]}')
    await road.receiver.received(3)
    const items = await eventually(async () => {
      const { items } = (await road.api.call('GET', `/events?integrationId=${id}&status=delivered`)).body
      expect(items).toHaveLength(3)
      return items
    })
    expect(items.map(({ position }: Row) => position).toSorted()).toEqual([0, 1, 2])
  })

  test('a destination that fails is tried again with the same id, and given up after its tries', async () => {
    const destination = await road.destination('/failing', QUICK)
    const id = await road.integration([{ id: 'push', kind: 'push', destination }])
    road.receiver.answerWith({ status: 500, body: 'out of order' })
    await road.world.send(id, '{"id":1}')
    const event = await road.api.eventIn(id, 'dead')
    const [delivery] = event.runs[0].deliveries
    expect(delivery).toMatchObject({
      state: 'dead',
      tries: 3,
      reason: expect.stringContaining('last of 3 tries'),
    })
    expect(delivery.attempts.map(({ number, verdict, status }: Row) => [number, verdict, status])).toEqual([
      [1, 'retry', 500],
      [2, 'retry', 500],
      [3, 'dead', 500],
    ])
    expect(delivery.attempts[0].responseBody).toEqual({ text: 'out of order' })
    const sent = road.receiver.requests.map(({ headers }) => [
      headers['idempotency-key'],
      headers['sluice-attempt'],
    ])
    expect(sent).toEqual(['1', '2', '3'].map((number) => [delivery.id, number]))
  })

  test('Retry-After is waited for', async () => {
    const destination = await road.destination('/busy', QUICK)
    const id = await road.integration([{ id: 'push', kind: 'push', destination }])
    const moments: number[] = []
    road.receiver.answerWith(() => {
      moments.push(performance.now())
      return moments.length === 1 ? { status: 429, headers: { 'retry-after': '1' } } : 200
    })
    await road.world.send(id, '{"id":1}')
    const event = await road.api.eventIn(id, 'delivered')
    expect(event.runs[0].deliveries[0]).toMatchObject({ state: 'delivered', tries: 2 })
    const [first = 0, second = 0] = moments
    expect(second - first).toBeGreaterThanOrEqual(990)
  })

  test('a replay is a new run with the definition of today, and brings a dead event to its end', async () => {
    const destination = await road.destination('/replay')
    const push = { id: 'push', kind: 'push', destination }
    const id = await road.integration([push])
    road.receiver.answerWith(410)
    await road.world.send(id, '{"id":7}')
    const dead = await road.api.eventIn(id, 'dead')
    road.receiver.answerWith(200)
    const changed = await road.api.call('PATCH', `/integrations/${id}`, {
      definition: { nodes: [{ ...push, mapping: { number: 'id' } }] },
    })
    expect(changed.status).toBe(200)
    const replay = await road.api.call('POST', `/events/${dead.id}/replay`)
    expect(replay.status).toBe(202)
    const event = await road.api.eventIn(id, 'delivered')
    expect(
      event.runs.map(({ id, cause, definitionVersion, state }: Row) => [id, cause, definitionVersion, state]),
    ).toEqual([
      [dead.runs[0].id, 'received', 1, 'dead'],
      [replay.body.runId, 'replay', 2, 'delivered'],
    ])
    expect(cameTo(road.receiver, '/replay')).toEqual(['{"id":7}', '{"number":7}'])
  })

  test('a run that fails is dead with a reason that names the node, and the log of its function is kept', async () => {
    const destination = await road.destination('/never')
    const { name } = await road.api.rewriteFunction(
      road.shop,
      `failing-${queue}`,
      "console.log('order', job.data.data.id)\nthrow new Error('no e-mail')",
    )
    const id = await road.integration([
      { id: 'first', kind: 'transform', mapping: { id: 'id' }, next: ['check'] },
      { id: 'check', kind: 'transform', function: name, next: ['push'] },
      { id: 'push', kind: 'push', destination },
    ])
    await road.world.send(id, '{"id":820982911946154508}')
    const [run] = (await road.api.eventIn(id, 'dead')).runs
    expect(run.reason).toMatch(/^node "check": rewrite function "failing-.*" threw: .*no e-mail/)
    expect(run.nodes).toMatchObject([
      { nodeId: 'first', outcome: 'rewritten', output: { id: 820982911946154508n } },
      { nodeId: 'check', outcome: 'failed', message: expect.stringContaining('no e-mail') },
    ])
    expect(run.nodes[1].log).toMatchObject([{ level: 'log', text: 'order 820982911946154508' }])
    expect(run.nodes[1].functionVersion).toMatch(/^[0-9a-f]{64}$/)
    expect([run.deliveries, road.receiver.requests]).toEqual([[], []])
  })

  test('a function that says no, and a mapping that does not fit, fail the run with their words', async () => {
    const destination = await road.destination('/never')
    const push = { id: 'push', kind: 'push', destination }
    const source = "return { jobStatus: 0, message: 'wrong shop' }"
    const { name } = await road.api.rewriteFunction(road.shop, `refusing-${queue}`, source)
    const refused = await road.integration([{ ...push, function: name }])
    const mapping = { total: { from: 'total', transforms: ['number'], required: true } }
    const unfit = await road.integration([{ ...push, mapping }])
    await road.world.send(refused, '{}')
    await road.world.send(unfit, '{"total":"many"}')
    expect((await road.api.eventIn(refused, 'dead')).runs[0].reason).toContain('said_no: wrong shop')
    expect((await road.api.eventIn(unfit, 'dead')).runs[0].reason).toMatch(
      /^node "push": mapping of "total" from "total"/,
    )
  })

  test('what a worker has not been told of yet is looked for before it is said not to be there', async () => {
    const destination = await road.destination('/untold')
    const { name } = await road.api.rewriteFunction(
      road.shop,
      'untold',
      'return { jobStatus: 1, data: job.data.data }',
    )
    const id = await road.integration([{ id: 'push', kind: 'push', destination, function: name }])
    const { env, gateway } = road.world
    const sql = postgres(env.DATABASE_URL ?? '', { max: 1, onnotice: () => {} })
    await sql`CREATE TABLE aside AS SELECT * FROM destinations WHERE id = ${destination}`
    await sql`CREATE TABLE aside_functions AS SELECT * FROM rewrite_functions WHERE name = ${name}`
    await sql`DELETE FROM destinations WHERE id = ${destination}`
    await sql`DELETE FROM rewrite_functions WHERE name = ${name}`
    await gateway.integrations.reload()
    expect(gateway.integrations.destination(destination)).toBeUndefined()
    // Without a notice, as one that is lost with its connection.
    await sql`INSERT INTO destinations SELECT * FROM aside`
    await sql`INSERT INTO rewrite_functions SELECT * FROM aside_functions`
    await road.world.send(id, '{"id":1}')
    await road.api.eventIn(id, 'delivered')
    expect(cameTo(road.receiver, '/untold')).toEqual(['{"id":1}'])
    await sql`DROP TABLE aside, aside_functions`
    await sql.end()
  })

  test('what is meant for a destination that a newer Sluice wrote waits for a worker that can read it', async () => {
    const destination = await road.destination('/newer')
    const id = await road.integration([{ id: 'push', kind: 'push', destination }])
    const { env, gateway } = road.world
    const sql = postgres(env.DATABASE_URL ?? '', { max: 1, onnotice: () => {} })
    const [before] = await sql`SELECT config FROM destinations WHERE id = ${destination}`
    await sql`UPDATE destinations SET config = '{"kind":"telegraph"}' WHERE id = ${destination}`
    await gateway.integrations.reload()
    await road.world.send(id, '{"id":1}')
    const { runs } = await road.api.eventIn(id, 'delivering')
    const [delivery] = runs[0].deliveries
    await eventually(async () =>
      expect((await road.api.call('GET', `/deliveries/${delivery.id}`)).body).toMatchObject({
        state: 'retrying',
        tries: 0,
        attempts: [],
        reason: 'the destination cannot be read by the worker that took it, whose log says why',
      }),
    )
    await sql`UPDATE destinations SET config = ${before?.config} WHERE id = ${destination}`
    await gateway.integrations.reload()
    expect((await road.api.call('POST', `/deliveries/${delivery.id}/try-now`)).status).toBeLessThan(300)
    await road.api.eventIn(id, 'delivered')
    expect(cameTo(road.receiver, '/newer')).toEqual(['{"id":1}'])
    await sql.end()
  })

  test('what waits for a paused destination that is deleted is dead too, and does not wait for ever', async () => {
    const [paused, other] = [await road.destination('/paused'), await road.destination('/other')]
    const push = (destination: string) => ({ id: 'push', kind: 'push', destination })
    const id = await road.integration([push(paused)])
    await road.api.call('POST', `/destinations/${paused}/pause`, { reason: 'they move house' })
    await road.world.send(id, '{"id":1}')
    await road.api.eventIn(id, 'delivering')
    await road.api.call('PATCH', `/integrations/${id}`, { definition: { nodes: [push(other)] } })
    expect((await road.api.call('DELETE', `/destinations/${paused}`)).status).toBe(204)
    const [run] = (await road.api.eventIn(id, 'dead')).runs
    expect(run.deliveries[0].reason).toBe('unsendable: the destination was deleted')
  })

  test('what is meant for a destination that was disabled or deleted is dead, and says so', async () => {
    const disabled = await road.destination('/off')
    const soonAgain = { triesMax: 50, firstDelayMs: 500, factor: 1, delayMaxMs: 500 }
    const deleted = await road.destination('/gone', { retry: soonAgain })
    road.receiver.answerWith(503)
    const push = (destination: string) => ({ id: 'push', kind: 'push', destination })
    const off = await road.integration([push(disabled)])
    const gone = await road.integration([push(deleted)])
    await road.api.call('PATCH', `/destinations/${disabled}`, { enabled: false })
    await road.world.send(gone, '{"id":1}')
    await eventually(async () => {
      const event = await road.api.eventIn(gone, 'delivering')
      expect(event.runs[0].deliveries[0]).toMatchObject({ state: 'retrying' })
    })
    await road.api.call('PATCH', `/integrations/${gone}`, { definition: { nodes: [push(disabled)] } })
    expect((await road.api.call('DELETE', `/destinations/${deleted}`)).status).toBe(204)
    await road.world.send(off, '{"id":1}')
    const [run] = (await road.api.eventIn(off, 'dead')).runs
    expect(run.deliveries[0].reason).toBe('unsendable: the destination is disabled')
    const [kept] = (await road.api.eventIn(gone, 'dead')).runs
    expect(kept.deliveries[0].reason).toBe('unsendable: the destination was deleted')
  })
})

test('a destination with a concurrency of its own never sees more at once, over two workers', async () => {
  const road = await openRoad({ queue: 'bullmq' })
  const { DATABASE_URL = '', ...env } = road.world.env
  const second = await startTestGateway({ role: 'worker', databaseUrl: DATABASE_URL, env })
  try {
    let now = 0
    let most = 0
    road.receiver.answerWith(async () => {
      now += 1
      most = Math.max(most, now)
      await new Promise((resolve) => setTimeout(resolve, 15))
      now -= 1
      return 200
    })
    const destination = await road.destination('/narrow', { concurrencyMax: 3 })
    const id = await road.integration([{ id: 'push', kind: 'push', destination }])
    await road.world.send(id, JSON.stringify(Array.from({ length: 60 }, (_, index) => ({ index }))))
    await road.receiver.received(60)
    await road.api.eventIn(id, 'delivered')
    expect(most).toBe(3)
    expect(road.receiver.requests).toHaveLength(60)
  } finally {
    await second.close()
    await road.close()
  }
})

test('a run keeps the definition it was received under, and the functions of its first take', async () => {
  const edge = await openRoad({ queue: 'bullmq', role: 'edge' })
  try {
    const destination = await edge.destination('/kept')
    const source = (word: string) =>
      `return { jobStatus: 1, data: { word: '${word}', id: job.data.data.id, job: job.id } }`
    const made = await edge.api.rewriteFunction(edge.shop, 'word', source('first'))
    const push = { id: 'push', kind: 'push', destination, function: 'word' }
    const id = await edge.integration([push])
    await edge.world.send(id, '{"id":1}')
    const { items } = (await edge.api.call('GET', `/events?integrationId=${id}`)).body
    const { latestRunId: runId, id: eventId } = items[0]
    const { ledger } = edge.world.gateway
    // A worker that died after its first take.
    await ledger.takeRun(runId)
    await ledger.fixFunctionVersions(runId, { word: made.version })
    expect((await edge.api.call('PATCH', `/functions/${made.id}`, { source: source('second') })).status).toBe(
      200,
    )
    await edge.api.call('PATCH', `/integrations/${id}`, {
      definition: { nodes: [{ ...push, mapping: { no: 'id' } }] },
    })
    const { DATABASE_URL = '', ...env } = edge.world.env
    const sweeping = { ...env, SWEEP_SECONDS: '1', LOST_SECONDS: '1' }
    const worker = await startTestGateway({ role: 'worker', databaseUrl: DATABASE_URL, env: sweeping })
    await edge.api.eventIn(id, 'delivered')
    expect(cameTo(edge.receiver, '/kept')).toEqual([`{"word":"first","id":1,"job":"${eventId}"}`])
    await edge.api.call('POST', `/events/${eventId}/replay`)
    await edge.receiver.received(2)
    expect(cameTo(edge.receiver, '/kept')[1]).toBe('{"no":1}')
    await worker.close()
  } finally {
    await edge.close()
  }
})
