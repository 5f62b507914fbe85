import { gzipSync } from 'node:zlib'
import postgres from 'postgres'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type Json, parseExact, stringifyExact } from '../../src/payload/exact-json.ts'
import { cameTo, openRoad, type Road } from '../road/world.ts'
import type { Answering } from '../world/receiver.ts'

let road: Road
let destination: string

beforeAll(async () => {
  road = await openRoad()
  destination = await road.destination('/out')
})
afterAll(() => road.close())
beforeEach(() => {
  road.receiver.requests.length = 0
})

/** The other system answers so; the destination takes everything. */
function otherSystem(answer: Answering): void {
  road.receiver.answerWith(({ url }) => (url.startsWith('/out') ? 200 : answer))
}

const push = () => ({ id: 'push', kind: 'push', destination })
const call = (request: object, more: object = {}) => ({
  id: 'ask',
  kind: 'call',
  request: { url: `${road.receiver.url}/customers/{{ customer }}`, ...request },
  result: 'answers.customer',
  next: ['push'],
  ...more,
})

async function sent(nodes: object[], body: string, state = 'delivered') {
  const id = await road.integration(nodes)
  expect(await road.world.send(id, body)).toMatchObject({ status: 200 })
  const event = await road.api.eventIn(id, state)
  return { id, run: event.runs[0], ask: event.runs[0].nodes.find(({ nodeId }: any) => nodeId === 'ask') }
}

const JSON_TYPE = { 'content-type': 'application/json' }

describe('a call', () => {
  test('asks another system, and the nodes after it find the answer in the data, digit for digit', async () => {
    otherSystem({ status: 200, headers: JSON_TYPE, body: '{"id":820982911946154508,"vip":true}' })
    const nodes = [
      call({}, { next: ['if'] }),
      {
        id: 'if',
        kind: 'decision',
        branches: [{ when: { path: 'answers.customer.vip', op: 'equals', value: true }, next: ['push'] }],
      },
      { ...push(), mapping: { order: 'id', who: 'answers.customer.id' } },
    ]
    const { run, ask } = await sent(nodes, '{"id":1,"customer":"a b/c"}')
    expect(cameTo(road.receiver, '/out')).toEqual(['{"order":1,"who":820982911946154508}'])
    expect(road.receiver.requests[0]).toMatchObject({
      method: 'GET',
      url: '/customers/a%20b%2Fc',
      headers: {
        'user-agent': expect.stringMatching(/^Sluice\//),
        'idempotency-key': `${run.id}-ask`,
      },
    })
    expect(ask).toMatchObject({
      outcome: 'answered',
      message: 'the called system answered 200',
      output: parseExact(
        '{"id":1,"customer":"a b/c","answers":{"customer":{"id":820982911946154508,"vip":true}}}',
      ),
      call: {
        method: 'GET',
        url: `${road.receiver.url}/customers/a%20b%2Fc`,
        status: 200,
        reason: 'success',
        timing: { totalMs: expect.any(Number) },
      },
    })
  })

  test.each<[string, Answering, Json]>([
    ['JSON', { status: 200, headers: JSON_TYPE, body: '[1,1e400]' }, parseExact('[1,1e400]')],
    [
      'XML',
      { status: 200, headers: { 'content-type': 'text/xml' }, body: '<a><b>1</b></a>' },
      { a: { b: '1' } },
    ],
    [
      'a form',
      { status: 200, headers: { 'content-type': 'application/x-www-form-urlencoded' }, body: 'a=1&b=x+y' },
      { a: '1', b: 'x y' },
    ],
    ['text', { status: 200, headers: { 'content-type': 'text/plain' }, body: 'hello' }, 'hello'],
    ['text without a type', { status: 200, body: 'hello' }, 'hello'],
    ['nothing', 204, null],
    [
      'compressed JSON',
      {
        status: 200,
        headers: { ...JSON_TYPE, 'content-encoding': 'gzip' },
        body: gzipSync('{"a":1}'),
      },
      { a: 1 },
    ],
  ])('reads %s by its content type', async (_name, answer, expected) => {
    otherSystem(answer)
    const { ask } = await sent([call({}), push()], '{"customer":1}')
    expect(stringifyExact(ask.output)).toBe(stringifyExact({ customer: 1, answers: { customer: expected } }))
  })

  test('sends the data in the format or template it is given, and may put the answer in its place', async () => {
    otherSystem({ status: 200, headers: JSON_TYPE, body: '{"taken":true}' })
    const url = `${road.receiver.url}/lookup`
    const body = { template: '{"q":{{ customer }}}', contentType: 'application/json' }
    const replace = { result: 'replace' }
    const { ask } = await sent([call({ url, method: 'POST', body }, replace), push()], '{"customer":9}')
    expect(ask.output).toEqual({ taken: true })
    await sent([call({ url, method: 'PUT', format: 'form' }, replace), push()], '{"customer":9}')
    expect(cameTo(road.receiver, '/lookup')).toEqual(['{"q":9}', 'customer=9'])
    expect(cameTo(road.receiver, '/out')).toEqual(['{"taken":true}', '{"taken":true}'])
  })

  test.each<[string, Answering, object, string]>([
    ['says no', 404, {}, 'the called system answered 404: nothing is at this address'],
    ['hangs', { mode: 'hang' }, { timeoutMs: 200 }, 'no answer'],
    ['resets', { mode: 'reset' }, {}, ''],
    ['says too much', { mode: 'flood', bytes: 3_000 }, { responseBytesMax: 2_000 }, 'larger than 2000 bytes'],
    ['says what is no JSON', { status: 200, headers: JSON_TYPE, body: '{' }, {}, 'the answer cannot be read'],
    ['redirects', { mode: 'redirect', location: '/elsewhere' }, {}, 'redirects are not followed'],
  ])('that %s ends the run with its reason, or lets the data go on', async (_name, answer, more, message) => {
    otherSystem(answer)
    const failed = await sent([call(more), push()], '{"customer":1}', 'dead')
    expect(failed.run.reason).toMatch(/^node "ask": ./)
    expect(failed.run.reason).toContain(message === 'no answer' ? '' : message)
    expect(failed.ask).toMatchObject({ outcome: 'failed', output: null, call: { method: 'GET' } })
    expect(cameTo(road.receiver, '/out')).toEqual([])
    const went = await sent([call(more, { onFailure: 'continue' }), push()], '{"customer":1}')
    expect(went.ask).toMatchObject({ outcome: 'unanswered', output: null })
    expect(cameTo(road.receiver, '/out')).toEqual(['{"customer":1}'])
  })

  test('goes nowhere inside that the operator has not allowed, and a field never changes where it goes', async () => {
    otherSystem(200)
    const inside = await sent([call({ url: 'http://127.0.0.1:1/x' }), push()], '{}', 'dead')
    expect(inside.ask).toMatchObject({ call: { reason: 'blocked_address' } })
    const field = await sent([call({}), push()], '{"customer":".."}', 'dead')
    expect(field.run.reason).toContain('a field makes . or .. a part of the path')
    const missing = await sent([call({}), push()], '{}', 'dead')
    expect(missing.run.reason).toContain('unknown field customer')
    expect(road.receiver.requests).toEqual([])
  })

  test.each([
    ['of a list', '[{"customer":1}]', 'an answer can be added to an object only'],
    ['where there is something else', '{"customer":1,"answers":[1]}', '"answers" is there already'],
  ])('cannot be added to the data %s', async (_name, body, message) => {
    otherSystem({ status: 200, headers: JSON_TYPE, body: '1' })
    const { run } = await sent([call({ url: `${road.receiver.url}/x` }), push()], body, 'dead')
    expect(run.reason).toContain(message)
  })

  test('keys such as __proto__ are keys like any other', async () => {
    otherSystem({ status: 200, headers: JSON_TYPE, body: '1' })
    const { ask } = await sent([call({}, { result: '__proto__.polluted' }), push()], '{"customer":1}')
    expect(stringifyExact(ask.output)).toBe('{"customer":1,"__proto__":{"polluted":1}}')
    expect(({} as Record<string, unknown>).polluted).toBeUndefined()
  })
})

describe('the credentials of a call', () => {
  const auth = { kind: 'bearer', token: 'a-token-of-ours' }

  test('are sent, sealed in the database, shown to nobody, and kept when a change gives them masked', async () => {
    otherSystem({ status: 200, headers: JSON_TYPE, body: '{}' })
    const { id, ask } = await sent([call({ auth }), push()], '{"customer":1}')
    expect(road.receiver.requests[0]?.headers.authorization).toBe('Bearer a-token-of-ours')
    expect(ask.call.headers).toContainEqual(['authorization', '***'])
    const shown = (await road.api.call('GET', `/integrations/${id}`)).body
    expect(shown.definition.nodes[0].request.auth).toEqual({ kind: 'bearer', token: '***' })
    const event = JSON.stringify(await road.api.eventIn(id, 'delivered'))
    expect(event).not.toContain('a-token-of-ours')

    const sql = postgres(road.world.env.DATABASE_URL ?? '', { max: 1 })
    const stored = await sql`SELECT definition FROM integration_versions WHERE integration_id = ${id}`
    await sql.end()
    expect(stored).toHaveLength(1)
    expect(JSON.stringify(stored)).not.toContain('a-token-of-ours')

    const { applicationId, name, definition } = shown
    // By its node's id: its place in the list is another one.
    const nodes = [{ id: 'first', kind: 'transform', next: ['ask'] }, ...definition.nodes]
    const change = { applicationId, name, definition: { ...definition, nodes } }
    expect(await road.api.call('PATCH', `/integrations/${id}`, change)).toMatchObject({ status: 200 })
    await road.world.send(id, '{"customer":2}')
    await road.receiver.received(4)
    expect(road.receiver.requests[2]?.headers.authorization).toBe('Bearer a-token-of-ours')
  })

  test('that are given masked where there are none to keep are a fault at their place', async () => {
    const masked = call({ auth: { kind: 'bearer', token: '***' } })
    const definition = { nodes: [masked, push()] }
    const answer = await road.api.call('POST', '/integrations', {
      applicationId: road.shop,
      name: 'masked',
      definition,
    })
    expect(answer).toMatchObject({
      status: 400,
      body: { errors: [{ path: 'definition.nodes.0.request.auth.token' }] },
    })
  })
})

describe('a call node is refused', () => {
  test.each<[string, object, object, string]>([
    ['with a field as its host', { url: 'https://{{ host }}/x' }, {}, 'request.url'],
    ['with a header that is set by the connection', { headers: { Host: 'x' } }, {}, 'request.headers.Host'],
    ['with a header of ours', { headers: { 'Idempotency-Key': 'x' } }, {}, 'request.headers.Idempotency-Key'],
    [
      'with a body where none is sent',
      { body: { template: 'x', contentType: 'text/plain' } },
      {},
      'request.body',
    ],
    ['with a place that is no path of keys', {}, { result: 'a[0]' }, 'result'],
    ['with a next node that is not there', {}, { next: ['nowhere'] }, ''],
  ])('%s', async (_name, request, more, path) => {
    const definition = { nodes: [call(request, more), push()] }
    const answer = await road.api.call('POST', '/integrations', {
      applicationId: road.shop,
      name: 'x',
      definition,
    })
    expect(answer.status).toBe(400)
    expect(answer.body.errors[0].path).toBe(path === '' ? 'definition.nodes' : `definition.nodes.0.${path}`)
  })
})
