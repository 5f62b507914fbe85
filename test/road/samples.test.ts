import { existsSync, readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Json, stringifyExact } from '../../src/payload/exact-json.ts'
import { eventually } from '../world/eventually.ts'
import { charactersIn, charactersOfJson, charactersOfXml } from './characters.ts'
import { type HandshakeSample, OWN, type Sample, SHARED, SHARED_HANDSHAKES } from './sample-table.ts'
import { PROOFS, SENDERS, type Source, send, signedBy } from './senders.ts'
import { cameTo, openRoad, type Road } from './world.ts'

const BODIES = path.join(import.meta.dirname, '../bodies')
const SAMPLES = path.join(import.meta.dirname, '../../../shared/samples')
const ACCEPTED = { status: 200, body: '{"result":true,"error":""}' }

let road: Road
let mapped: string
let whole: string

beforeAll(async () => {
  road = await openRoad({ proofs: PROOFS })
  mapped = await road.destination('/{{ file }}/mapped')
  whole = await road.destination('/{{ file }}/whole')
})

afterAll(() => road.close())

/** The function wraps what came; one push maps it, the other sends it as it is. */
async function passThrough(
  folder: string,
  { file, contentType, picks, source: from }: Sample,
): Promise<Json> {
  const name = file.replaceAll(/[^a-z0-9]/gi, '-')
  const source = `return { jobStatus: 1, data: { file: '${name}', got: jobData.job.data.data } }`
  await road.api.rewriteFunction(road.shop, name, source)
  const mapping = Object.fromEntries(
    Object.entries(picks).map(([field, [from]]) => [field, joined('got', from)]),
  )
  const nodes = [
    { id: 'wrap', kind: 'transform', function: name, next: ['mapped', 'whole'] },
    { id: 'mapped', kind: 'push', destination: mapped, mapping: { file: 'file', ...mapping } },
    { id: 'whole', kind: 'push', destination: whole },
  ]
  const id = await road.integration(nodes, from && presetFor(from))
  const body = readFileSync(path.join(folder, file))
  const answer = from
    ? await sendProven(from, id, { body, contentType })
    : await road.world.send(id, body, { 'content-type': contentType })
  expect(answer).toMatchObject(ACCEPTED)
  await road.api.eventIn(id, 'delivered')
  const values = Object.entries(picks).map(([field, [, value]]) => [field, value] as const)
  expect(cameTo(road.receiver, `/${name}/mapped`)).toEqual([
    stringifyExact({ file: name, ...Object.fromEntries(values) }),
  ])
  const [arrived = ''] = cameTo(road.receiver, `/${name}/whole`)
  return withDigits(arrived).got ?? null
}

function presetFor(source: Source): object {
  return { source, proof: SENDERS[source].proof }
}

/** Signed by its source; with another secret or key the same bytes are refused. */
async function sendProven(source: Source, id: string, content: { body: Buffer; contentType: string }) {
  const options = { url: addressOf(id), event: id, ...content }
  expect((await send(signedBy(source, { ...options, wrong: 'secret' }))).status).toBe(401)
  return send(signedBy(source, options))
}

function addressOf(id: string): string {
  return `${road.world.url}/integration/${id}`
}

function joined(first: string, rest: string): string {
  return rest.startsWith('[') ? `${first}${rest}` : `${first}.${rest}`
}

/** Parsed by the platform itself, with the digits of each number: an oracle that shares nothing with our own reader. */
function withDigits(text: string): Record<string, Json> {
  return JSON.parse(text, (_key, value, context?: { source?: string }) => {
    const source = context?.source ?? ''
    if (typeof value !== 'number') return value
    return /^-?\d+$/.test(source) ? `digits ${source}` : `double ${value}`
  }) as Record<string, Json>
}

function expectNothingLost(file: string, sent: Buffer, arrived: Json): void {
  if (file.endsWith('.xml')) {
    expect(charactersOfJson(arrived)).toBe(charactersOfXml(sent))
    return
  }
  const text = sent.toString().replace(/^\ufeff/, '')
  const form = new URLSearchParams(text)
  const json = file.endsWith('.form') ? form.get('payload') : text
  if (json === null) expect(charactersOfJson(arrived)).toBe(charactersIn([...form.values()].join('')))
  else expect(arrived).toEqual(withDigits(json))
}

describe.each([
  { set: 'own bodies', folder: BODIES, samples: OWN },
  { set: 'shared samples', folder: SAMPLES, samples: existsSync(SAMPLES) ? SHARED : [] },
])('$set go through function and mapping, and arrive exactly', ({ folder, samples }) => {
  if (samples.length === 0) {
    console.warn('The shared samples are not here; the bodies under test/bodies stand for them.')
    test('the own bodies stand for them', () => expect(OWN.length).toBeGreaterThan(5))
    return
  }
  test.each(samples)('$file', async (sample) => {
    const arrived = await passThrough(folder, sample)
    expectNothingLost(sample.file, readFileSync(path.join(folder, sample.file)), arrived)
  })
})

describe.runIf(existsSync(SAMPLES))('shared samples of handshakes are answered, and queue nothing', () => {
  test.each(SHARED_HANDSHAKES)('$file', async (sample) => {
    const { source, kind } = sample
    const id = await road.integration([{ id: 'push', kind: 'push', destination: whole }], presetFor(source))
    expect(await sendHandshake(id, sample)).toMatchObject(ACCEPTED)
    expect(await road.api.events(`?integrationId=${id}`)).toEqual([])
    await eventually(async () => {
      const { items } = (await road.api.call('GET', `/requests?integrationId=${id}`)).body
      expect(items).toMatchObject([{ outcome: 'handshake', detail: kind }])
    })
  })

  function sendHandshake(id: string, { file, contentType, source, topic }: HandshakeSample) {
    const body = readFileSync(path.join(SAMPLES, file))
    return topic === undefined
      ? road.world.send(id, body, { 'content-type': contentType })
      : send(signedBy(source, { url: addressOf(id), event: id, topic, body, contentType }))
  }
})

test.runIf(existsSync(SAMPLES))('every shared sample but the hostile ones is in the table', () => {
  const files = readdirSync(SAMPLES, { recursive: true, encoding: 'utf8' })
  const bodies = files.filter((file) => /\.(json|xml|form)$/.test(file) && !file.startsWith('hostile'))
  const known = [...SHARED, ...SHARED_HANDSHAKES].map(({ file }) => file)
  expect(known.toSorted()).toEqual(bodies.toSorted())
})

describe('the function of the Retrieve seed, word for word', () => {
  const ORDER = {
    id: 820982911946154508n,
    order_number: 1001,
    email: 'customer@example.com',
    total_price: '99.99',
    currency: 'EUR',
  }
  const REWRITTEN =
    '{"order_id":820982911946154508,"order_number":1001,"customer_email":"customer@example.com","total":99.99,' +
    '"currency":"EUR","webhook_received_at":"<now>","source":"webhook"}'

  async function sendTo(at: string, body: Json): Promise<{ id: string; event: Record<string, any> }> {
    const destination = await road.destination(at)
    const id = await road.integration([
      { id: 'rewrite', kind: 'transform', function: 'retrieve-webhook', next: ['push'] },
      { id: 'push', kind: 'push', destination },
    ])
    await road.world.send(id, stringifyExact(body))
    return { id, event: await road.api.eventIn(id, 'delivered') }
  }

  const arrivedAt = (at: string) =>
    cameTo(road.receiver, at).map((text) => text.replace(/\d{4}-\d\d-\d\dT[\d:.]+Z/, '<now>'))

  test('rewrites a flat order', async () => {
    const { event } = await sendTo('/flat', ORDER)
    expect(arrivedAt('/flat')).toEqual([REWRITTEN])
    expect(event.runs[0].nodes[0]).toMatchObject({ message: 'Processed 1 orders from webhook', log: [] })
  })

  test('rewrites an array of orders into a delivery each, and logs those it leaves out', async () => {
    const { event } = await sendTo('/list', [ORDER, { id: 5 }, { ...ORDER, id: 2, currency: '' }])
    const second = REWRITTEN.replace('820982911946154508', '2').replace('EUR', 'USD')
    expect(arrivedAt('/list').toSorted()).toEqual([second, REWRITTEN].toSorted())
    expect(event.runs[0].nodes[0].log).toMatchObject([{ text: 'Invalid order data: {"id":5}' }])
    await eventually(() => expect(event.runs[0].deliveries).toHaveLength(2))
  })
})
