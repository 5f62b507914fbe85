import { describe, expect, test } from 'vitest'
import {
  type HandshakeAnswer,
  type Message,
  PRESETS,
  type Preset,
  presetOf,
  type Reply,
  type Verdict,
  verify,
} from '../../src/sources/sources.ts'
import { eventsOf } from './messages.ts'
import { proofOf, toolsOf } from './vector-proof.ts'
import { messageIn, VECTORS, type Vector } from './vectors.ts'

const events = VECTORS.filter(({ kind }) => kind === undefined)
const handshakes = VECTORS.filter(({ kind }) => kind === 'handshake')
const unsigned = VECTORS.filter(({ kind }) => kind === 'unsigned')

/** With the names that a reader of the tests sees. */
function named(vectors: readonly Vector[]): [name: string, vector: Vector][] {
  return vectors.map((vector) => [
    [vector.id, vector.fault, vector.reason].filter((text) => text !== undefined).join(': '),
    vector,
  ])
}

test('every source that has a vector has a preset, and every preset a vector', () => {
  const sources = new Set(VECTORS.map(({ source }) => source))
  expect([...sources].toSorted()).toEqual([...PRESETS.keys()].toSorted())
  expect(new Set(VECTORS.map(({ id }) => id)).size).toBe(VECTORS.length)
})

describe('what is rightly signed is proven', () => {
  test.each(named(events.filter(({ valid }) => valid)))('%s', async (_name, vector) => {
    expect(await verdictOn(vector)).toMatchObject({ proven: true })
    expectAsAnnounced(vector)
    expectAnswer(vector, presetOf(vector.source).replies.accepted)
    expectDedupe(vector)
  })
})

describe('what is not is refused, and the operator is told why', () => {
  test.each(named(events.filter(({ valid }) => !valid)))('%s', async (_name, vector) => {
    const verdict = await verdictOn(vector)
    expect(verdict.proven ? 'proven' : verdict.fault).toBe(vector.fault)
    const note = verdict.proven ? '' : (verdict.note ?? '')
    for (const secret of secretsIn(proofOf(vector))) expect(note).not.toContain(secret)
  })
})

describe('handshakes are answered as the source wants it', () => {
  test.each(named(handshakes.filter(({ valid }) => valid)))('%s', async (_name, vector) => {
    const { preset, answer, asked } = handshakeOf(vector)
    if (asked === 'after proof') expect(await verdictOn(vector)).toMatchObject({ proven: true })
    expectAnswer(vector, answer.reply ?? preset.replies.accepted)
  })

  test.each(named(handshakes.filter(({ valid }) => !valid)))('%s', async (_name, vector) => {
    const { preset, asked } = handshakeOf(vector)
    expect(asked).toBe('after proof')
    expect(await verdictOn(vector)).toMatchObject({ proven: false, fault: vector.fault })
    if (vector.expect?.body === '') expect(preset.replies.refused).toBe('nothing')
  })
})

test('an ordinary event is no handshake', () => {
  const taken = events.filter((vector) => vector.valid && questionIn(vector) !== undefined)
  // A ping in a form is an event of its own vector, and a handshake all the same.
  expect(taken.map(({ id }) => id)).toEqual(['github-03-form'])
})

describe('what nobody signs is accepted as it is', () => {
  test.each(named(unsigned))('%s', (_name, vector) => {
    const preset = presetOf(vector.source)
    expect(preset.proof).toBeUndefined()
    expectAnswer(vector, preset.replies.accepted)
    expectDedupe(vector)
  })
})

/** Where keys and certificates are. Their addresses stand in headers, which anyone can write. */
const KEY_HOSTS = /^(?:static\.)?adobeioevents\.com$|^[a-z.]+\.paypal\.com$/

async function verdictOn(vector: Vector): Promise<Verdict> {
  const tools = toolsOf(vector)
  const verdict = await verify(presetOf(vector.source), proofOf(vector), messageIn(vector), tools)
  for (const url of tools.asked) expect(new URL(url).hostname).toMatch(KEY_HOSTS)
  return verdict
}

function handshakeOf(vector: Vector) {
  const found = questionIn(vector)
  if (!found) throw new Error(`${vector.id} is no handshake of ${vector.source}`)
  return found
}

function questionIn(vector: Vector): { preset: Preset; answer: HandshakeAnswer; asked: string } | undefined {
  const preset = presetOf(vector.source)
  const message: Message = messageIn(vector)
  for (const handshake of preset.handshakes) {
    const answer = handshake.method === message.method ? handshake.answer(message) : undefined
    if (answer) return { preset, answer, asked: handshake.asked }
  }
  return undefined
}

/** Requests without any of these headers are refused with their body unread. */
function expectAsAnnounced(vector: Vector): void {
  const proof = presetOf(vector.source).proof
  const signedBy = typeof proof?.signedBy === 'function' ? proof.signedBy(proofOf(vector)) : proof?.signedBy
  if (signedBy === undefined || signedBy.length === 0) return
  const message = messageIn(vector)
  expect(signedBy.filter((name) => message.header(name) !== undefined)).not.toEqual([])
}

function expectAnswer({ expect: wanted }: Vector, reply: Reply): void {
  if (wanted?.status !== undefined) expect(reply.status).toBe(wanted.status)
  if (wanted?.contentType !== undefined) expect(reply.contentType).toBe(wanted.contentType)
  if (typeof wanted?.body === 'string') expect(reply.body).toBe(wanted.body)
  else if (wanted?.body !== undefined) expect(JSON.parse(reply.body)).toEqual(wanted.body)
}

function expectDedupe(vector: Vector): void {
  const { dedupeKey, dedupeByBodyHash } = vector.expect ?? {}
  const [event] = eventsOf(presetOf(vector.source), messageIn(vector))
  if (dedupeKey !== undefined) {
    expect(Object.values(event?.identity ?? {})).toContain(dedupeKey)
    expect(event?.dedupeKey).toMatch(/^[0-9a-f]{64}$/)
  }
  if (dedupeByBodyHash === false) expect(event?.dedupeKey ?? null).toBeNull()
}

function secretsIn(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, held]) =>
    key === 'secret' && typeof held === 'string' ? [held] : secretsIn(held),
  )
}
