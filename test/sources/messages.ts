import { normalise } from '../../src/payload/normalise.ts'
import { batchOf, dedupeKeyOf, identityOf, type Message, type Preset } from '../../src/sources/sources.ts'

export interface GivenMessage {
  method?: string
  url?: string
  headers?: Record<string, string>
  body?: string | Buffer
  /** Unix seconds; 2026-01-01 unless given. */
  now?: number
}

/** A message as the edge would build it from a request. */
export function messageOf({
  method = 'POST',
  url,
  headers = {},
  body = '',
  now = 1767225600,
}: GivenMessage): Message {
  const address = url ?? 'https://hooks.example.com/integration/abc'
  const named = new Map(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]))
  const bytes = Buffer.from(body)
  return {
    method,
    url: address,
    query: new URL(address).searchParams,
    header: (name) => named.get(name.toLowerCase()),
    body: bytes,
    value() {
      const limits = { depthMax: 100, keysMax: 100_000 }
      const read = normalise(bytes, named.get('content-type'), { forceXml: false, alwaysList: [], limits })
      return read.ok ? read.value() : undefined
    },
    receivedAt: new Date(now * 1000),
  }
}

/** How a preset names the events of a message, and by which keys it tells them apart. */
export function eventsOf(preset: Preset, message: Message) {
  const body = message.value()
  const elements = body === undefined ? undefined : batchOf(preset, body)
  const values = elements ?? [body]
  return values.map((value) => {
    const bytes = elements === undefined ? message.body : Buffer.from(JSON.stringify(value))
    const subject = { message, bytes, value: () => value }
    const identity = identityOf(preset.identity, subject)
    return { value, identity, dedupeKey: preset.dedupe && dedupeKeyOf(preset.dedupe, identity, subject) }
  })
}
