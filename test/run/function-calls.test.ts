import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { parseExact } from '../../src/payload/exact-json.ts'
import { openRoad, type Road } from '../road/world.ts'
import { eventually } from '../world/eventually.ts'
import { type Receiver, startReceiver } from '../world/receiver.ts'

let road: Road
/** Its functions may not take long. */
let hasty: Road
/** On no list of an integration. */
let other: Receiver
let hosts: string[]
let count = 0

beforeAll(async () => {
  other = await startReceiver()
  road = await openRoad({ env: { FUNCTION_WALL_MS: '8000' } })
  hosts = [`127.0.0.1:${road.receiver.port}`]
  hasty = await openRoad({ env: { FUNCTION_WALL_MS: '1500' }, alsoAllowed: hosts })
})
afterAll(async () => {
  await road.close()
  await hasty.close()
  await other.close()
})
beforeEach(() => {
  road.receiver.requests.length = 0
  other.requests.length = 0
})

/** Runs a function on an event of these hosts, and gives the run with what the function gave. */
async function ran(source: string, allowedHosts: string[] = hosts, on = road) {
  const name = `calls-${count++}`
  await on.api.rewriteFunction(on.shop, name, source)
  const id = await on.integration([{ id: 'f', kind: 'transform', function: name, next: [] }], {
    allowedHosts,
  })
  await on.world.send(id, '{"n":820982911946154508}')
  const { id: eventId } = await eventually(async () => {
    const [event] = await on.api.events(`?integrationId=${id}`)
    if (event?.state === 'queued') throw new Error('the event is not done')
    return event
  })
  const [run] = (await on.api.event(eventId)).runs
  return { run, node: run.nodes[0], log: run.nodes[0].log.map(({ text }: { text: string }) => text) }
}

const fetching = (path: string, options = '') =>
  `const answer = await fetchUrl('${road.receiver.url}${path}'${options && `, ${options}`})`

describe('a function that asks a host of its list', () => {
  test('gets the answer, and each call stands in its log with status and time, secrets masked', async () => {
    road.receiver.answerWith({
      status: 200,
      headers: { 'content-type': 'application/json; charset=utf-8', 'set-cookie': ['a=1', 'b=2'] },
      body: '{"id":820982911946154509,"name":"ä"}',
    })
    const { node, log } = await ran(`
      console.log('before')
      ${fetching('/x?api_key=hush', "{ method: 'post', headers: { 'X-A': 'b' }, body: { n: job.data.data.n } }")}
      return { jobStatus: 1, data: { ...answer.json(), cookie: answer.headers['set-cookie'] } }`)
    expect(node.output).toEqual(parseExact('{"id":820982911946154509,"name":"ä","cookie":"a=1, b=2"}'))
    expect(road.receiver.requests).toMatchObject([
      { method: 'POST', url: '/x?api_key=hush', headers: { 'x-a': 'b', 'content-type': 'application/json' } },
    ])
    expect(road.receiver.requests[0]?.body.toString()).toBe('{"n":820982911946154508}')
    expect(log).toEqual([
      'before',
      expect.stringMatching(/^fetchUrl POST http:\/\/127\.0\.0\.1:\d+\/x\?api_key=\*\*\*: 200 in \d+ ms$/),
    ])
  })

  test('reads compressed answers and other charsets as text', async () => {
    road.receiver.answerWith({
      status: 200,
      headers: { 'content-type': 'text/plain; charset=iso-8859-1', 'content-encoding': 'gzip' },
      body: gzipSync(Buffer.from('caf\xe9', 'latin1')),
    })
    const { node } = await ran(`${fetching('/')}\nreturn { jobStatus: 1, data: [answer.text()] }`)
    expect(node.output).toEqual(['café'])
  })

  test('sees statuses as they are, and follows no redirect', async () => {
    road.receiver.answerWith({ mode: 'redirect', location: other.url })
    const { node } = await ran(
      `${fetching('/')}\nreturn { jobStatus: 1, data: [answer.status, answer.ok, answer.headers.location] }`,
    )
    expect(node.output).toEqual([302, false, other.url])
    expect(other.requests).toEqual([])
  })

  test.each<[string, object, string, string]>([
    ['a host that resets', { mode: 'reset' }, '', 'call_failed'],
    [
      'a status that may pass and is required to be good',
      { status: 503 },
      'answer.requireOk()',
      'call_failed',
    ],
    ['a status that stays and is required to be good', { status: 404 }, 'answer.requireOk()', 'threw'],
    ['an answer beyond the limit', { mode: 'flood', bytes: 3_000_000 }, '', 'threw'],
  ])('is ended by %s', async (_name, answer, then, reason) => {
    road.receiver.answerWith(answer as never)
    const { run, log } = await ran(`${fetching('/')}\n${then}\nreturn { jobStatus: 1 }`)
    expect(run.reason).toMatch(
      new RegExp(`^node "f": rewrite function "calls-\\d+" ${reason}: Error: fetchUrl: `),
    )
    expect(log).toHaveLength(1)
  })

  test('is ended by a host that hangs for longer than the function may', async () => {
    road.receiver.answerWith({ mode: 'hang' })
    // On a busy machine the moment that is left to say so may be too short.
    await eventually(async () => {
      const { run, log } = await ran(`${fetching('/')}\nreturn { jobStatus: 1 }`, hosts, hasty)
      expect(run.reason).toMatch(/^node "f": rewrite function "calls-\d+" call_failed: Error: fetchUrl: /)
      expect(log).toHaveLength(1)
    })
  })

  test('may ask twenty times', async () => {
    road.receiver.answerWith(204)
    const { run } = await ran(
      `for (let n = 0; n < 25; n += 1) await fetchUrl('${road.receiver.url}/' + n)\nreturn { jobStatus: 1 }`,
    )
    expect(run.reason).toContain('a call may ask 20 times')
    expect(road.receiver.requests).toHaveLength(20)
  })
})

describe('a function that asks another host', () => {
  test('without a list gets a sentence, and nothing leaves', async () => {
    const { run } = await ran(`${fetching('/')}\nreturn { jobStatus: 1 }`, [])
    expect(run.reason).toContain('threw: Error: fetchUrl is off: the integration has no allowedHosts')
    expect(road.receiver.requests).toEqual([])
  })

  test('gets a sentence that names the host', async () => {
    const { run } = await ran(`await fetchUrl('${other.url}/')\nreturn { jobStatus: 1 }`)
    expect(run.reason).toContain(`127.0.0.1:${other.port} is not among the allowedHosts of the integration`)
    expect(other.requests).toEqual([])
  })

  test('that is listed and lies inside meets the guard', async () => {
    const { run } = await ran("await fetchUrl('http://127.0.0.1:1/')\nreturn { jobStatus: 1 }", [
      '127.0.0.1:1',
    ])
    expect(run.reason).toContain('threw: Error: fetchUrl: ')
    expect(run.reason).toContain('which is not a public address')
  })

  test.each([
    ['a method of its own', "fetchUrl(U, { method: 'CONNECT' })", 'the method is one of'],
    ['a header that splits', "fetchUrl(U, { headers: { a: 'b\\r\\nc: d' } })", 'a header cannot be sent'],
    ['a header of the connection', "fetchUrl(U, { headers: { Host: 'evil' } })", 'set by the connection'],
    ['a body with GET', "fetchUrl(U, { body: 'x' })", 'a GET request has no body'],
    ['another scheme', "fetchUrl('ftp://127.0.0.1/')", 'begins with https:// or http://'],
    ['user and password', "fetchUrl(U.replace('//', '//u:p@'))", 'user name or password'],
    ['no URL', 'fetchUrl(undefined)', 'the URL cannot be read'],
  ])('with %s gets a sentence', async (_name, call, message) => {
    const { run } = await ran(`const U = '${road.receiver.url}/'; await ${call}; return { jobStatus: 1 }`)
    expect(run.reason).toContain(message)
    expect(road.receiver.requests).toEqual([])
  })
})
