import { existsSync, readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { anyText } from '../world/any-text.ts'
import { ACCEPTED, type EdgeWorld, expectHealthy, startEdge } from './world.ts'

let world: EdgeWorld

beforeAll(async () => {
  world = await startEdge()
})
afterAll(() => world.close())

const JSON_TYPE = 'application/json'
const XML_TYPE = 'application/xml'

function quadratic(): string {
  return `<!DOCTYPE x [<!ENTITY a "${'a'.repeat(10_000)}">]><x>${'&a;'.repeat(1_000)}</x>`
}

/** What each kind is answered: 200, or 400 with words that say what is wrong. */
const OWN: [name: string, type: string, body: string | Buffer, answer: RegExp | typeof ACCEPTED][] = [
  [
    'names of the prototype',
    JSON_TYPE,
    '{"__proto__":{"admin":true},"constructor":{"prototype":{"x":1}},"\\u005f_proto__":1,"then":1,"toJSON":2,"":3}',
    ACCEPTED,
  ],
  [
    '10,000 arrays in one another',
    JSON_TYPE,
    '['.repeat(10_000) + ']'.repeat(10_000),
    /nested deeper than 100/,
  ],
  ['10,000 objects in one another', JSON_TYPE, '{"a":'.repeat(10_000), /nested deeper than 100/],
  ['200,000 elements', JSON_TYPE, `[${'1,'.repeat(200_000)}1]`, /more than 100000 keys/],
  [
    'odd but legal JSON',
    JSON_TYPE,
    `{"a":1,"a":2,"n":${'9'.repeat(100)},"e":1e400,"m":-0,"s":"\\ud800\\u0000\u202e","k${'k'.repeat(2_000)}":"\\r\\nSet-Cookie: a=b"}`,
    ACCEPTED,
  ],
  ['a number of a million digits', JSON_TYPE, `[${'7'.repeat(1_000_000)}]`, ACCEPTED],
  ['bytes that are no UTF-8', JSON_TYPE, Buffer.from('7b2261223a22e922c0af7d', 'hex'), /not valid utf-8/],
  ['a NUL after the end', JSON_TYPE, Buffer.from('{"a":1}\0'), /not valid JSON/],
  ['a body that was cut', JSON_TYPE, '{"a":"b', /not valid JSON/],
  ['NaN and comments', JSON_TYPE, '{"a":NaN /* */}', /not valid JSON/],
  ['a NUL in plain text', 'text/plain', 'a\0b', ACCEPTED],
  [
    'a billion laughs',
    XML_TYPE,
    '<!DOCTYPE l [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]><l>&b;&b;</l>',
    /cannot be read/,
  ],
  ['a quadratic blow-up', XML_TYPE, quadratic(), /cannot be read/],
  [
    '10,000 elements in one another',
    XML_TYPE,
    '<a>'.repeat(10_000) + '</a>'.repeat(10_000),
    /nested deeper than 100/,
  ],
  [
    '8,000 attributes',
    XML_TYPE,
    `<a ${Array.from({ length: 8_000 }, (_, at) => `a${at}="x"`).join(' ')}/>`,
    ACCEPTED,
  ],
  ['an element named __proto__', XML_TYPE, '<a><__proto__>x</__proto__><constructor/></a>', ACCEPTED],
  ['two roots', XML_TYPE, '<a/><b/>', /cannot be read/],
  ['an unknown entity', XML_TYPE, '<a>&nbsp;</a>', /cannot be read/],
  ['a reference to a NUL', XML_TYPE, '<a>&#0;</a>', /cannot be read/],
  [
    'a form of brackets',
    'application/x-www-form-urlencoded',
    `a${'[b]'.repeat(1_000)}=1`,
    /too complex|cannot be read/,
  ],
  [
    'a form of millions of brackets',
    'application/x-www-form-urlencoded',
    `a${'[]'.repeat(3_500_000)}=1`,
    /nested deeper than 100/,
  ],
  [
    'a form that names the prototype',
    'application/x-www-form-urlencoded',
    '__proto__[a]=1&constructor[prototype][b]=2',
    ACCEPTED,
  ],
  ['a form with a NUL', 'application/x-www-form-urlencoded', 'a%00=%00', ACCEPTED],
]

/** The samples beside the repository, where they are, with the answer that their README documents. */
const SAMPLES: Record<string, RegExp | typeof ACCEPTED> = {
  'json-proto-keys.json': ACCEPTED,
  'json-depth-10000.json': /nested deeper than 100/,
  'json-odd-but-legal.json': ACCEPTED,
  'json-invalid-utf8-and-nul.json': /not valid utf-8/,
  'json-truncated.json': /cannot be read/,
  'xml-billion-laughs-small.xml': /cannot be read/,
  'xml-quadratic-blowup.xml': /cannot be read/,
  'xml-external-entity.xml': /cannot be read/,
  'xml-depth-10000.xml': /nested deeper than 100/,
  'xml-8000-attributes.xml': ACCEPTED,
}
const FOLDER = new URL('../../../shared/samples/hostile/', import.meta.url)
if (!existsSync(FOLDER)) console.warn('../shared/samples is absent: only our own hostile bodies are sent')
const samples = existsSync(FOLDER) ? Object.entries(SAMPLES) : []

async function expectAnswer(type: string, body: string | Buffer, expected: RegExp | typeof ACCEPTED) {
  const id = await world.integration()
  const started = performance.now()
  const answer = await world.send(id, body, { 'content-type': type })
  expect(performance.now() - started).toBeLessThan(2_000)
  if (expected instanceof RegExp) {
    expect(answer.status).toBe(400)
    expect(JSON.parse(answer.body)).toEqual({ result: false, error: expect.stringMatching(expected) })
  } else {
    expect(answer).toMatchObject(expected)
    const kept = await world.sql`SELECT body FROM requests WHERE integration_id = ${id}`
    // Compared as bytes: an assertion that compares one by one takes seconds for a million.
    expect(kept.map((row) => Buffer.from(body).equals(row.body))).toEqual([true])
    await world.eventOf(id)
  }
  expect(Object.keys(Object.prototype)).toEqual([])
  expect(({} as Record<string, unknown>).admin).toBeUndefined()
  await expectHealthy(world, id)
}

describe('a hostile body', () => {
  test.each(OWN)('with %s (%s) gets its answer', (_name, type, body, expected) =>
    expectAnswer(type, body, expected),
  )

  test.each(samples)('of the samples, %s, gets its answer', (name, expected) =>
    expectAnswer(name.endsWith('xml') ? XML_TYPE : JSON_TYPE, readFileSync(new URL(name, FOLDER)), expected),
  )

  test('that names a DTD makes nobody fetch it', async () => {
    let fetched = 0
    const server = createServer((_request, response) => {
      fetched += 1
      response.end('<!ENTITY x "y">')
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/x.dtd`
    const id = await world.integration()
    const send = (xml: string) => world.send(id, xml, { 'content-type': XML_TYPE })
    expect(await send(`<!DOCTYPE a SYSTEM "${url}"><a>b</a>`)).toMatchObject(ACCEPTED)
    expect((await send(`<!DOCTYPE a [<!ENTITY x SYSTEM "${url}">]><a>&x;</a>`)).status).toBe(400)
    expect((await send(`<!DOCTYPE a [<!ENTITY % x SYSTEM "${url}">%x;]><a/>`)).status).toBe(400)
    expect((await send('<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>')).status).toBe(400)
    await world.eventOf(id)
    expect(fetched).toBe(0)
    await new Promise((resolve) => server.close(resolve))
  })
})

const types = fc.oneof(
  fc.constantFrom(
    JSON_TYPE,
    'application/x+json; charset=utf-16',
    XML_TYPE,
    'text/xml; charset=iso-8859-1',
    'application/x-www-form-urlencoded',
    'text/plain; charset=windows-1252',
    '',
  ),
  fc.string({ maxLength: 30 }).map((text) => text.replace(/[^\x20-\x7e]/g, '')),
)
const bodies = fc.oneof(
  fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
  fc.json().map((text) => Buffer.from(text)),
  anyText({ maxLength: 100 }).map((text) => Buffer.from(text)),
  fc
    .array(
      fc.constantFrom(
        '<a>',
        '</a>',
        '<!--',
        '-->',
        '<![CDATA[',
        ']]>',
        '&amp;',
        '&#x',
        ';',
        '<?',
        '?>',
        ' x="1"',
        '[',
        '%',
        '=',
      ),
      {
        maxLength: 12,
      },
    )
    .map((parts) => Buffer.from(parts.join(''))),
)

test('no bytes under no content type and encoding ever get a 5xx', async () => {
  const id = await world.integration({ split: '', dedupe: { by: 'fields', fields: ['a', 'b.c'] } })
  const encodings = fc.constantFrom('', '', '', '', 'gzip', 'br', 'deflate', 'nonsense')
  await fc.assert(
    fc.asyncProperty(bodies, types, encodings, fc.boolean(), async (body, type, encoding, asXml) => {
      const headers: Record<string, string> = {}
      if (type !== '') headers['content-type'] = type
      if (encoding !== '') headers['content-encoding'] = encoding
      const answer = await world.ask(`/integration/${id}${asXml ? '/xml' : ''}`, { headers, body })
      expect([200, 400, 413, 415]).toContain(answer.status)
      expect(JSON.parse(answer.body).result).toBe(answer.status === 200)
    }),
    { numRuns: 200 },
  )
  await expectHealthy(world, id)
})

test('no id, however it is written, ever gets a 5xx or keeps its refusal from being written down', async () => {
  const paths = fc
    .oneof(
      anyText({ minLength: 1, maxLength: 120 }).map((text) => encodeURIComponent(text.toWellFormed())),
      fc.string({ minLength: 1, maxLength: 40 }).map((text) => text.replace(/[^\x21-\x7e]|[/?#\\]/g, '%')),
      fc.constantFrom(
        '%00',
        '%zz',
        '%f0%9f%98%80'.repeat(60),
        `x${'%f0%9f%98%80'.repeat(60)}`,
        '%',
        '__proto__',
        '%2e%2e%2f',
      ),
    )
    .filter((text) => text !== '.' && text !== '..')
  await fc.assert(
    fc.asyncProperty(paths, async (path) => {
      const answer = await world.ask(`/integration/${path}`, { body: '{}' })
      expect([404, 400]).toContain(answer.status)
    }),
    { numRuns: 200 },
  )
  await expectHealthy(world, await world.integration())
})
