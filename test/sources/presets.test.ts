/** What every preset holds, whichever source it is for. */
import { readdirSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { MASKED, PRESETS, type Preset, presetOf, verify } from '../../src/sources/sources.ts'
import { anyText } from '../world/any-text.ts'
import { eventsOf } from './messages.ts'
import { proofOf, toolsOf } from './vector-proof.ts'
import { messageIn, PROVEN, VECTORS, type Vector } from './vectors.ts'

const presets = [...PRESETS]
const vectors = PROVEN.map((vector) => [vector.id, vector] as const)
const withSecrets = vectors.filter(([, vector]) => secretsIn(proofOf(vector)).length > 0)

test('a preset is known by the name of its file', () => {
  const folder = new URL('../../src/sources/presets/', import.meta.url)
  const files = readdirSync(folder).map((file) => file.replace(/\.ts$/, ''))
  expect([...PRESETS.keys()]).toEqual(files.toSorted())
  for (const [name, preset] of presets) expect(preset.name).toBe(name)
  expect(() => presetOf('nobody')).toThrow('there is no source preset "nobody"')
})

describe.each(presets)('%s', (_name, preset) => {
  test('tells the operator what to do at the source', () => {
    expect(preset.title).toMatch(/^[A-Z]/)
    expect(preset.setup).toMatch(/^[A-Z].*\.$/s)
    expect(preset.setup).toContain('webhook address')
  })

  test('accepts by 200, the one status that every source takes', () => {
    expect(preset.replies.accepted.status).toBe(200)
    expect(['sentence', 'nothing']).toContain(preset.replies.refused)
    const { retryStatus = 503 } = preset.replies
    expect(retryStatus >= 400 && retryStatus <= 599).toBe(true)
  })

  test('takes events by POST', () => {
    expect(preset.methods).toContain('POST')
    for (const method of preset.methods) expect(['POST', 'PUT', 'PATCH']).toContain(method)
  })

  test('keeps dedupe keys for an hour to 30 days', () => {
    if (preset.dedupe === null) return
    expect(preset.dedupe.windowSeconds).toBeGreaterThanOrEqual(3_600)
    expect(preset.dedupe.windowSeconds).toBeLessThanOrEqual(30 * 86_400)
    expect(preset.dedupe.keys.length).toBeGreaterThan(0)
    for (const parts of preset.dedupe.keys) expect(parts.length).toBeGreaterThan(0)
  })

  test('names domains of the vendor, and only where a proof stands for them', () => {
    for (const domain of preset.senderDomains) expect(domain).toMatch(/^[a-z0-9-]+(?:\.[a-z0-9-]+)*\.[a-z]+$/)
    if (!preset.proof) expect(preset.senderDomains).toEqual([])
  })

  test('reads a list of addresses in its own form and no other', () => {
    const { publishedAddresses } = preset
    if (!publishedAddresses) return
    expect(publishedAddresses.url).toMatch(/^https:\/\//)
    for (const text of ['', '<html>', '{}', '[]', 'null']) {
      expect(() => publishedAddresses.read(text), text).toThrow()
    }
  })

  test('names each handshake once', () => {
    const kinds = preset.handshakes.map(({ kind }) => kind)
    expect(new Set(kinds).size).toBe(kinds.length)
    for (const kind of kinds) expect(kind).toMatch(/^[a-z ]+$/)
  })
})

describe('a proof', () => {
  test.each(vectors)('is the same when it is read again: %s', (_id, vector) => {
    const proof = proofOf(vector)
    expect(schemaOf(vector).parse(proof)).toEqual(proof)
  })

  test.each(vectors)('has no settings that are not known: %s', (_id, vector) => {
    expect(isRead(vector, { ...(proofOf(vector) as object), unknown: 1 })).toBe(false)
  })

  test.each(vectors)('says in lower case where it is looked for: %s', (_id, vector) => {
    const { headers = [], parameters = [] } = rulesOf(vector).secretsIn?.(proofOf(vector)) ?? {}
    const names = [...headers, ...parameters, ...signedBy(vector), ...coverageOf(vector).headers]
    for (const name of names) expect(name).toBe(name.toLowerCase())
  })

  test.each(withSecrets)('tells which header or parameter is the secret itself: %s', (_id, vector) => {
    const told = rulesOf(vector).secretsIn?.(proofOf(vector)) ?? {}
    const secrets = secretsIn(proofOf(vector))
    const carries = (value: string) => secrets.some((secret) => value.includes(secret))
    const headers = Object.entries(vector.headers).filter(([, value]) => carries(value))
    const known = [...(told.headers ?? []), 'authorization']
    for (const [name] of headers) expect(known).toContain(name)
    const parameters = [...messageIn(vector).query].filter(([, value]) => carries(value))
    for (const [name] of parameters) expect(told.parameters).toContain(name)
  })
})

describe('secrets', () => {
  test.each(withSecrets)('may be masked, but not empty: %s', (_id, vector) => {
    expect(
      isRead(
        vector,
        withEach(proofOf(vector), () => ({ secret: MASKED })),
      ),
    ).toBe(true)
    expect(
      isRead(
        vector,
        withEach(proofOf(vector), () => ({ secret: '' })),
      ),
    ).toBe(false)
  })

  test.each(withSecrets)('come one to ten in a list: %s', (_id, vector) => {
    expect(
      isRead(
        vector,
        withLists(proofOf(vector), () => []),
      ),
    ).toBe(false)
    expect(
      isRead(
        vector,
        withLists(proofOf(vector), ([first]) => Array(10).fill(first)),
      ),
    ).toBe(true)
    expect(
      isRead(
        vector,
        withLists(proofOf(vector), ([first]) => Array(11).fill(first)),
      ),
    ).toBe(false)
  })

  test.each(withSecrets)('have each their time, and the fault that tells it: %s', async (_id, vector) => {
    const past = { retiresAt: '2020-01-01T00:00:00Z' }
    const future = { activeFrom: '2100-01-01T00:00:00+01:00' }
    expect(await faultOf(vector, past)).toBe('secret_retired')
    expect(await faultOf(vector, future)).toBe('secret_not_active')
    expect(await faultOf(vector, { ...past, activeFrom: '2019-12-31T00:00:00Z' })).toBe('secret_retired')
    expect(await faultOf(vector, { activeFrom: past.retiresAt, retiresAt: future.activeFrom })).toBe('proven')
    expect(
      isRead(
        vector,
        withEach(proofOf(vector), () => ({ ...past, ...future })),
      ),
    ).toBe(false)
  })

  test.each(withSecrets)('that proved a message are told: %s', async (_id, vector) => {
    const proof = withEach(proofOf(vector), (index) => ({ id: `secret-${index}` }))
    const verdict = await verify(presetOf(vector.source), proof, messageIn(vector), toolsOf(vector))
    expect(verdict).toMatchObject({ proven: true, secret: { id: expect.stringMatching(/^secret-\d$/) } })
  })

  test('are in no answer to a handshake', () => {
    const asking = VECTORS.filter(({ kind }) => kind === 'handshake')
    expect(asking.length).toBeGreaterThan(4)
    for (const vector of asking) {
      const message = messageIn(vector)
      const answers = presetOf(vector.source).handshakes.map((handshake) => handshake.answer(message))
      for (const secret of secretsIn(proofOf(vector))) expect(JSON.stringify(answers)).not.toContain(secret)
    }
  })
})

describe('whatever is sent, there is a verdict and no exception', () => {
  const bodies = fc.oneof(
    fc.json({ maxDepth: 4 }),
    fc.string({ maxLength: 200 }),
    fc.constantFrom(
      '',
      'null',
      '[]',
      '[null]',
      '{"events":null}',
      '{"__proto__":{"id":1}}',
      'payload=%',
      'a=1&a=2',
    ),
  )
  const anything = fc.record({ header: anyText({ maxLength: 60 }), body: bodies })

  test.each(vectors)('%s', async (_id, vector) => {
    const preset = presetOf(vector.source)
    const proof = proofOf(vector)
    const names = Object.keys(vector.headers).filter((name) => name !== 'content-type')
    await fc.assert(
      fc.asyncProperty(anything, fc.nat(), async ({ header, body }, which) => {
        const name = names[which % names.length] ?? 'x-none'
        for (const headers of [vector.headers, { ...vector.headers, [name]: header }]) {
          const message = messageIn(vector, { headers, body })
          expect(await verify(preset, proof, message, toolsOf(vector))).toHaveProperty('proven')
          for (const handshake of preset.handshakes) handshake.answer(message)
          for (const { identity } of eventsOf(preset, message)) expect(identity).toHaveProperty('topic')
        }
      }),
      { seed: 1, numRuns: 60 },
    )
  })
})

function rulesOf(vector: Vector): NonNullable<Preset['proof']> {
  const { proof } = presetOf(vector.source)
  if (!proof) throw new Error(`${vector.source} has no proof`)
  return proof
}

const schemaOf = (vector: Vector) => rulesOf(vector).schema

function isRead(vector: Vector, proof: unknown): boolean {
  return schemaOf(vector).safeParse(proof).success
}

function signedBy(vector: Vector): readonly string[] {
  const given = rulesOf(vector).signedBy
  return typeof given === 'function' ? given(proofOf(vector)) : given
}

function coverageOf(vector: Vector) {
  const { covers } = rulesOf(vector)
  return typeof covers === 'function' ? covers(proofOf(vector)) : covers
}

async function faultOf(vector: Vector, standing: object): Promise<string> {
  const proof = withEach(proofOf(vector), () => standing)
  const verdict = await verify(presetOf(vector.source), proof, messageIn(vector), toolsOf(vector))
  return verdict.proven ? 'proven' : verdict.fault
}

interface Held {
  secret: string
}

/** The proof with something about each of its secrets changed. */
function withEach(proof: unknown, change: (index: number) => object): unknown {
  return withLists(proof, (list) => list.map((held, index) => ({ ...held, ...change(index) })))
}

function withLists(proof: unknown, change: (list: Held[]) => unknown[]): unknown {
  const entries = Object.entries(proof as object).map(([key, value]) => [
    key,
    isSecretList(value) ? change(value) : value,
  ])
  return Object.fromEntries(entries)
}

function secretsIn(proof: unknown): string[] {
  return Object.values(proof as object).flatMap((value) =>
    isSecretList(value) ? value.map(({ secret }) => secret) : [],
  )
}

function isSecretList(value: unknown): value is Held[] {
  return Array.isArray(value) && value.some((held) => typeof (held as Held).secret === 'string')
}
