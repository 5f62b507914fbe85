/**
 * Whoever changes one bit of what a proof covers, or of the proof itself, is refused. Every bit is tried; where there
 * are more than `TRIED_MAX`, one of each of as many stretches, drawn with a fixed seed: so a gap of two stretches is
 * found wherever it is.
 */
import { describe, expect, test } from 'vitest'
import { parseExact, stringifyExact } from '../../src/payload/exact-json.ts'
import type { Coverage } from '../../src/sources/preset.ts'
import { type Message, presetOf, verify } from '../../src/sources/sources.ts'
import { flippedBytes, flippedParameters, flippedText, flippedValues } from './flips.ts'
import { proofOf, toolsOf } from './vector-proof.ts'
import { messageIn, PROVEN, type Vector } from './vectors.ts'

/** Every bit of an ordinary signature: the last ones of an encoding are the likeliest to be overlooked. */
const TRIED_MAX = { body: 100, headers: 400 }
const SEED = 20_260_101

/** Signatures that stand in the body and not in a header. */
const SIGNED_IN_BODY: Readonly<Record<string, string>> = {
  adyen: 'notificationItems[].NotificationRequestItem.additionalData.hmacSignature',
}

const named = PROVEN.map((vector) => [vector.id, vector] as const)

describe('a bit of the body', () => {
  test.each(named)('%s', async (_id, vector) => {
    for (const body of bodiesAlike(vector))
      expect(await isProven(vector, messageIn(vector, { body }))).toBe(true)
    const bodies = sample([...bodiesNear(vector)], TRIED_MAX.body)
    expect(bodies.length > 0).toBe(coverageOf(vector).body !== 'nothing' && vector.id !== 'tilby-07')
    for (const body of bodies) {
      await expectRefused(vector, messageIn(vector, { body }), body)
    }
  })
})

describe('a bit of the headers that prove it, and of those that are covered', () => {
  test.each(named)('%s', async (_id, vector) => {
    for (const headers of await everyLeanHeaders(vector)) {
      for (const name of coverageOf(vector).headers) {
        if (vector.headers[name] !== undefined) expect(Object.keys(headers)).toContain(name)
      }
      for (const changed of sample([...headersNear(headers)], TRIED_MAX.headers)) {
        await expectRefused(vector, messageIn(vector, { headers: changed }), changed)
      }
    }
  })
})

describe('a bit of the address', () => {
  const bound = named.filter(([, vector]) => coverageOf(vector).url || secretParameters(vector).length > 0)

  test.each(bound)('%s', async (_id, vector) => {
    for (const url of addressesNear(vector)) {
      const message = messageIn(vector)
      const query = new URLSearchParams(url.slice(`${url}?`.indexOf('?') + 1))
      await expectRefused(vector, { ...message, url, query }, url)
    }
  })
})

/** Written anew in the way in which those near it are written, so that this is not what is refused. */
function bodiesAlike(vector: Vector): string[] {
  const { body } = coverageOf(vector)
  if (body === 'parameters' && isForm(vector)) return [new URLSearchParams(vector.body).toString()]
  return typeof body === 'string' ? [vector.body] : [stringifyExact(parseExact(vector.body))]
}

function isForm(vector: Vector): boolean {
  return vector.headers['content-type']?.includes('form') ?? false
}

function* bodiesNear(vector: Vector): Generator<string | Buffer> {
  const { body } = coverageOf(vector)
  const signature = SIGNED_IN_BODY[vector.source]
  if (signature !== undefined) yield* flippedValues(vector.body, [signature])
  if (body === 'nothing') return
  if (body === 'bytes' || (body === 'parameters' && !isForm(vector)))
    yield* flippedBytes(Buffer.from(vector.body))
  else if (body === 'parameters') yield* flippedParameters(vector.body)
  else yield* flippedValues(vector.body, body)
}

/** What every way to the receiver may change without changing its meaning: the case of a scheme's name. */
const SCHEME = /^(?:Basic|Bearer) /i

function* headersNear(headers: Record<string, string>): Generator<Record<string, string>> {
  for (const [name, value] of Object.entries(headers)) {
    if (name === 'content-type') continue
    for (const changed of flippedText(value)) {
      const isSame = changed.replace(SCHEME, '') === value.replace(SCHEME, '') && SCHEME.test(changed)
      if (!isSame) yield { ...headers, [name]: changed }
    }
  }
}

function* addressesNear(vector: Vector): Generator<string> {
  const { url } = messageIn(vector)
  if (coverageOf(vector).url) {
    for (const changed of flippedText(url)) {
      if (vector.source !== 'twilio' || withoutPort(changed) !== withoutPort(url)) yield changed
    }
  }
  for (const name of secretParameters(vector)) {
    const address = new URL(url)
    for (const value of flippedText(address.searchParams.get(name) ?? '')) {
      address.searchParams.set(name, value)
      yield address.href
    }
  }
}

/** Twilio signs an address with or without its port, and that is configured here, never taken from a request. */
function withoutPort(url: string): string {
  return url.replace(/^(https?:\/\/[^/:]+):[^/]*/, '$1')
}

/** With two signatures of which one is enough, each is left alone once. */
async function everyLeanHeaders(vector: Vector): Promise<Record<string, string>[]> {
  const names = Object.keys(vector.headers)
  const first = await leanHeaders(vector, names)
  const second = await leanHeaders(vector, names.toReversed())
  return Object.keys(first).join() === Object.keys(second).join() ? [first] : [first, second]
}

/**
 * The headers without every one, and without every item of a list in one, that the proof does not need. Where one of
 * two signatures is enough, the other would hide what is changed.
 */
async function leanHeaders(vector: Vector, names: readonly string[]): Promise<Record<string, string>> {
  let headers = vector.headers
  for (const name of names.filter((name) => name !== 'content-type')) {
    const { [name]: value = '', ...others } = headers
    if (await isProven(vector, messageIn(vector, { headers: others }))) headers = others
    else headers = { ...headers, [name]: await leanList(vector, headers, name, value) }
  }
  expect(await isProven(vector, messageIn(vector, { headers }))).toBe(true)
  return headers
}

async function leanList(
  vector: Vector,
  headers: Record<string, string>,
  name: string,
  value: string,
): Promise<string> {
  let lean = value
  for (const separator of [', ', ',', ' ']) {
    for (const item of lean.split(separator)) {
      const items = lean.split(separator)
      const without = items.toSpliced(items.indexOf(item), 1).join(separator)
      if (await isProven(vector, messageIn(vector, { headers: { ...headers, [name]: without } })))
        lean = without
    }
  }
  return lean
}

function coverageOf(vector: Vector): Coverage {
  const covers = presetOf(vector.source).proof?.covers
  if (covers === undefined) throw new Error(`${vector.source} has no proof`)
  return typeof covers === 'function' ? covers(proofOf(vector)) : covers
}

function secretParameters(vector: Vector): readonly string[] {
  return presetOf(vector.source).proof?.secretsIn?.(proofOf(vector)).parameters ?? []
}

async function expectRefused(vector: Vector, message: Message, changed: unknown): Promise<void> {
  const isTaken = await isProven(vector, message)
  if (isTaken) expect.fail(`proven all the same: ${JSON.stringify(changed)}`)
}

const proofs = new Map<Vector, unknown>()

async function isProven(vector: Vector, message: Message): Promise<boolean> {
  const proof = proofs.get(vector) ?? proofOf(vector)
  proofs.set(vector, proof)
  return (await verify(presetOf(vector.source), proof, message, toolsOf(vector))).proven
}

/** Mulberry32: small, and the same everywhere. */
function sample<T>(all: readonly T[], triedMax: number): readonly T[] {
  if (all.length <= triedMax) return all
  let state = SEED
  function next(): number {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
  const stretch = all.length / triedMax
  return Array.from({ length: triedMax }, (_, at) => all[Math.floor((at + next()) * stretch)] as T)
}
