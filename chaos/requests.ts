/**
 * Which request has a number, and what is to become of it. The generator sends by it and the accountant judges by it,
 * so nothing that was sent has to be remembered but its number.
 */
import { createHmac } from 'node:crypto'
import { createChance } from './chance.ts'

/** What the requests of a stream have in common; each goes to an integration of its own. */
export const STREAMS = ['plain', 'xml', 'keyed', 'ordered'] as const
export type Stream = (typeof STREAMS)[number]

export interface NumberedRequest {
  number: number
  stream: Stream
  /** Below the address of the edge and the integration. */
  query: string
  headers: Record<string, string>
  body: Buffer
  /** The body with which it has to arrive at the receiver, if it is to. */
  arriving: string
  /** Events with the same one are the same to Sluice: it delivers the first. */
  dedupeKey: string | null
  /** What is sent under the same one has to arrive in the order in which it was sent. */
  orderKey: number | null
  fate: Fate
}

/** `first` may be delivered, or be a duplicate of another with its dedupe key that is. */
export type Fate = 'delivered' | 'first' | 'filtered' | 'dead'

/** Each phase has numbers of its own, from its index times this on. */
export const NUMBERS_PER_PHASE = 1_000_000
export const SECRET = 'what every sender of the chaos signs with'
export const DEDUPE_HEADER = 'x-event-key'
export const ORDER_KEYS = 6

/** Numbers so close to each other may share a dedupe key. */
const KEY_SPAN = 12
/** The streams in their shares. */
const MIX = ['plain', 'plain', 'plain', 'xml', 'xml', 'keyed', 'keyed', 'ordered', 'ordered'] as const
const WORDS = ['Zoë', 'Größe 42', '日本語', 'a & b < c', '🛒', "O'Neil", 'tab\there', '"quoted"'] as const

export function requestOf(seed: number, number: number): NumberedRequest {
  const chance = createChance(seed ^ Math.imul(number, 0x9e3779b1))
  const stream = chance.one(MIX)
  const fate = fateOf(stream, chance.next())
  const orderKey = stream === 'ordered' ? Math.floor(chance.next() * ORDER_KEYS) : null
  const dedupeKey = stream === 'keyed' ? `key ${Math.floor(number / KEY_SPAN)}` : null
  const order = {
    number,
    // Beyond 2^53, where a double would round it.
    id: 9_007_199_254_740_993n + BigInt(number) * 2n,
    text: `${chance.one(WORDS)}${'x'.repeat(Math.floor(chance.next() ** 4 * 3_000))}`,
  }
  const json = jsonOf(order, fate, orderKey)
  const body = Buffer.from(stream === 'xml' ? xmlOf(order) : json)
  return {
    number,
    stream,
    query: `?number=${number}`,
    headers: {
      'content-type': stream === 'xml' ? 'application/xml' : 'application/json',
      'x-signature': createHmac('sha256', SECRET).update(body).digest('base64'),
      ...(dedupeKey !== null && { [DEDUPE_HEADER]: dedupeKey }),
    },
    body,
    arriving: stream === 'xml' ? jsonOfXml(order) : json,
    // Of an ordered request each copy is the same, so that its sender may send it until it is acknowledged.
    dedupeKey: stream === 'ordered' ? `number ${number}` : dedupeKey,
    orderKey,
    fate,
  }
}

function fateOf(stream: Stream, drawn: number): Fate {
  if (stream === 'keyed' || stream === 'ordered') return 'first'
  if (stream === 'xml') return 'delivered'
  if (drawn < 0.05) return 'dead'
  return drawn < 0.15 ? 'filtered' : 'delivered'
}

interface Order {
  number: number
  id: bigint
  text: string
}

/** As the gateway writes JSON, so that what arrives can be held against it byte by byte. */
function jsonOf({ number, id, text }: Order, fate: Fate, orderKey: number | null): string {
  const wish = fate === 'dead' ? 'refuse' : fate === 'filtered' ? 'filter' : 'take'
  return `{"number":${number},"id":${id},"text":${JSON.stringify(text)},"wish":"${wish}","key":${orderKey}}`
}

function xmlOf({ number, id, text }: Order): string {
  const escaped = text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
  return (
    '<?xml version="1.0" encoding="UTF-8"?>' +
    `<order><number>${number}</number><id>${id}</id><text>${escaped}</text></order>`
  )
}

/** What the mapping of the integration makes of {@link xmlOf}: texts stay texts. */
function jsonOfXml({ number, id, text }: Order): string {
  return JSON.stringify({ number: String(number), id: String(id), text })
}
