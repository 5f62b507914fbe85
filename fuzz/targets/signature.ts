import { stringifyExact } from '../../src/payload/exact-json.ts'
import type { Coverage } from '../../src/sources/preset.ts'
import {
  batchOf,
  dedupeKeyOf,
  identityOf,
  type Message,
  PROOF_FAULTS,
  type Preset,
  presetOf,
  verify,
} from '../../src/sources/sources.ts'
import { proofOf, toolsOf } from '../../test/sources/vector-proof.ts'
import { messageIn, VECTORS, type Vector, vector } from '../../test/sources/vectors.ts'
import { filled, HEADER_BYTES_MAX, joinParts, partsOf, promised, target } from '../target.ts'

const proofs = new Map<Vector, unknown>()

export const signature = target({
  name: 'signature',
  reads: 'a request to one of the source presets: which test vector, its method, address, headers and body',
  promise:
    'proven, or a fault of the closed list with a short note; what is proven has every byte that the source signs as ' +
    'it was; handshakes, identity and dedupe keys come out of any message',
  seeds: VECTORS.filter(({ body }) => body.length < 6_000).map(written),
  words: [
    ',',
    ';',
    '=',
    ' ',
    '.',
    ':',
    '|',
    't=',
    'v1=',
    'v1,',
    'v0=',
    'sha256=',
    'Basic ',
    'Bearer ',
    '9999999999999',
    '\n---\n',
    '"',
    '{"type":"SUBSCRIBED","environment_id":"a","client_id":"b"}',
    'challenge=',
    '{}',
    '[]',
    '\n',
  ],
  long: {
    ...longFor('JSON to', bodyReaders(), (one, bytes) => withBody(one, jsonBody(bytes))),
    ...longFor('a form to', bodyReaders(), (one, bytes) => withBody(one, formBody(bytes), FORM)),
    // A million of them, because only then it shows what URLSearchParams of Node costs.
    ...longFor('names without values to', [vector('twilio-01-form')], (one, bytes) =>
      withBody(one, '1&'.repeat(bytes * 4), FORM),
    ),
    ...longFor('headers to', oneOfEach(), (one, bytes) => withHeaders(one, Math.min(bytes, 16_000))),
    ...longFor('deep and wide JSON to', differentSchemes(), (one, bytes) => withBody(one, deepBody(bytes))),
  },
  async read(input) {
    const { vector: one, message } = messageFrom(input)
    const preset = presetOf(one.source)
    const proof = proofFor(one)
    const verdict = proof === null ? undefined : await verify(preset, proof, message, toolsOf(one))
    const handshakes = preset.handshakes.map((handshake) => handshake.answer(message))
    return { one, message, verdict, handshakes, events: eventsOf(preset, message) }
  },
  judge(_input, { one, message, verdict, handshakes, events }) {
    for (const { identity, dedupeKey } of events) {
      promised(
        Object.values(identity).every((text) => text === null || text.length <= 300),
        'an identity is short',
      )
      promised(dedupeKey === null || /^[0-9a-f]{64}$/.test(dedupeKey), 'a dedupe key is a digest')
    }
    for (const answer of handshakes)
      promised(JSON.stringify(answer ?? {}).length < 10_000, 'an answer is short')
    if (!verdict) return
    if (!verdict.proven) {
      promised(verdict.fault in PROOF_FAULTS, 'a fault is one of the list')
      promised((verdict.note ?? '').length < 20_000, 'a note is no longer than the header it tells of')
      return
    }
    promised(isAsSigned(one, message), 'what is proven is as it was signed')
  },
})

function proofFor(one: Vector): unknown {
  if (!proofs.has(one)) proofs.set(one, proofOf(one))
  return proofs.get(one)
}

function written(one: Vector): Buffer {
  const message = messageIn(one)
  const headers = Object.entries(one.headers).map(([name, value]) => `${name}: ${value}\n`)
  return joinParts(one.id, message.method, message.url, Buffer.from(headers.join(''), 'latin1'), one.body)
}

function messageFrom(input: Buffer): { vector: Vector; message: Message } {
  const [id = EMPTY, method = EMPTY, url = EMPTY, headers = EMPTY, body = EMPTY] = partsOf(input, 5)
  const one = VECTORS.find((known) => known.id === id.toString()) ?? vector('shopify-01')
  const isAddress = url.length <= HEADER_BYTES_MAX && URL.canParse(url.toString('latin1'))
  const address = isAddress ? url.toString('latin1') : messageIn(one).url
  const message = messageIn(one, { headers: headersFrom(headers), url: address, body: Buffer.from(body) })
  let value: { read: ReturnType<Message['value']> } | undefined
  // Read once, as the edge does it.
  const readOnce = () => {
    value ??= { read: message.value() }
    return value.read
  }
  return { vector: one, message: { ...message, method: method.toString('latin1'), value: readOnce } }
}

const EVENTS_MAX = 1_000

/** As the edge makes them: what is no batch is one event. */
function eventsOf(preset: Preset, message: Message) {
  const body = message.value()
  const elements = body === undefined ? undefined : batchOf(preset, body)
  if (elements && elements.length > EVENTS_MAX) return []
  return (elements ?? [body]).map((value) => {
    const bytes = elements && value !== undefined ? Buffer.from(stringifyExact(value)) : message.body
    const subject = { message, bytes, value: () => value }
    const identity = identityOf(preset.identity, subject)
    return { identity, dedupeKey: preset.dedupe && dedupeKeyOf(preset.dedupe, identity, subject) }
  })
}

const EMPTY = Buffer.alloc(0)

/** As Node gives them: names in lower case, values that come twice joined, no blanks around, no control characters. */
function headersFrom(bytes: Buffer): Record<string, string> {
  const headers: Record<string, string> = {}
  for (const line of bytes.toString('latin1').split('\n')) {
    const [, name = '', value = ''] = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+): *(.*?) *$/.exec(line) ?? []
    const key = name.toLowerCase()
    if (key === '' || key === '__proto__') continue
    headers[key] = key in headers ? `${headers[key]}, ${value}` : value
  }
  return headers
}

function isAsSigned(one: Vector, message: Message): boolean {
  const signed = messageIn(one)
  const { body, headers, url } = coverageOf(one)
  // An invalid vector may be proven by a change that makes it right; then there is nothing to hold it against.
  if (!one.valid) return true
  if (body === 'bytes' && !message.body.equals(signed.body)) return false
  if (headers.some((name) => message.header(name) !== signed.header(name))) return false
  return !url || withoutPort(message.url) === withoutPort(signed.url) || one.source === 'hubspot'
}

/** Twilio signs an address with or without its port, and that is configured here, never taken from a request. */
function withoutPort(url: string): string {
  return url.replace(/^(https?:\/\/[^/:]+):[^/]*/, '$1')
}

function coverageOf(one: Vector): Coverage {
  const covers = presetOf(one.source).proof?.covers ?? { body: 'nothing', headers: [], url: false }
  return typeof covers === 'function' ? covers(proofFor(one)) : covers
}

/** The first valid vector of each source. */
function oneOfEach(): Vector[] {
  const valid = VECTORS.filter((one) => one.valid && one.kind !== 'handshake')
  return [...Map.groupBy(valid, ({ source }) => source).values()].flatMap((list) => list.slice(0, 1))
}

/** Those that look into a body before it is proven, or take it apart. */
function bodyReaders(): Vector[] {
  return oneOfEach().filter(
    (one) => presetOf(one.source).batch !== undefined || coverageOf(one).body !== 'bytes',
  )
}

function differentSchemes(): Vector[] {
  return ['shopify-01', 'standard-webhooks-01', 'adobe-commerce-01'].map(vector)
}

function longFor(
  what: string,
  vectors: readonly Vector[],
  make: (one: Vector, bytes: number) => Buffer,
): Record<string, (bytes: number) => Buffer> {
  return Object.fromEntries(vectors.map((one) => [`${what} ${one.source}`, (bytes) => make(one, bytes)]))
}

const FORM = 'application/x-www-form-urlencoded'

function withBody(one: Vector, body: string, type?: string): Buffer {
  return written({
    ...one,
    body,
    headers: { ...one.headers, ...(type !== undefined && { 'content-type': type }) },
  })
}

/** Each header that a proof may lie in, with its separators many times over. */
function withHeaders(one: Vector, bytes: number): Buffer {
  const longer = Object.entries(one.headers).map(([name, value]) => {
    if (name === 'content-type') return [name, value]
    const [piece = 'v1=a,'] = /[A-Za-z0-9]*[=,]?[A-Za-z0-9]{0,4}[ ,;]/.exec(`${value},`) ?? []
    return [name, filled(bytes, piece, `${value},`).toString('latin1')]
  })
  return written({ ...one, headers: Object.fromEntries(longer) })
}

function jsonBody(bytes: number): string {
  return `[${'{"a":[1,{}]},'.repeat(bytes / 13)}1]`
}

/** A larger body is not looked at when its proof is wrong. */
function deepBody(bytes: number): string {
  const length = bytes * 0.6
  const depth = Math.min(4_000, length / 8)
  return `${'['.repeat(depth)}${'1,'.repeat((length - 2 * depth) / 2)}1${']'.repeat(depth)}`
}

function formBody(bytes: number): string {
  return Array.from({ length: Math.floor(bytes / 7) }, (_, at) => `${at.toString(36)}=1`).join('&')
}
