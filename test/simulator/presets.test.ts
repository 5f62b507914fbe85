/** The simulator against the verifiers: two programs that were written apart, and have to agree. */
import { expect, test } from 'vitest'
import { IMITATIONS, signedRequest, type WrongKind, wrongKindsOf } from '../../src/simulator/simulator.ts'
import { PRESETS, presetOf, verify } from '../../src/sources/sources.ts'
import { messageOf } from '../sources/messages.ts'
import { givenFor } from './given.ts'
import { FAULTS, proofFor, TOOLS } from './proofs.ts'

const PROVABLE = [...IMITATIONS.keys()].filter((source) => presetOf(source).proof)

test('there is an imitation of every source', () => {
  expect([...IMITATIONS.keys()].toSorted()).toEqual([...PRESETS.keys()].toSorted())
})

test.each(PROVABLE)('a right request of %s is proven', async (source) => {
  expect(await verdictOn(source, undefined)).toBe('proven')
})

const WRONG_REQUESTS = PROVABLE.flatMap((source) =>
  wrongKindsOf(source, givenFor(source)).map((wrong) => ({ source, wrong })),
)

test.each(WRONG_REQUESTS)(
  'a request of $source that is wrong by its $wrong is not',
  async ({ source, wrong }) => {
    expect(FAULTS[wrong]).toContain(await verdictOn(source, wrong))
  },
)

test.each(
  [...IMITATIONS.values()].flatMap(({ name, handshakes }) =>
    handshakes.map(({ kind }) => ({ source: name, kind })),
  ),
)('the handshake $kind of $source is known for one', async ({ source, kind }) => {
  const given = givenFor(source)
  const { method, url, headers, body } = signedRequest(source, { ...given, handshake: kind })
  const message = messageOf({ method, url, headers, body })
  const answers = presetOf(source).handshakes.filter(
    (handshake) => handshake.method === method && handshake.answer(message) !== undefined,
  )
  expect(answers).toHaveLength(1)
})

async function verdictOn(source: string, wrong: WrongKind | undefined): Promise<string> {
  const given = givenFor(source)
  const { method, url, headers, body } = signedRequest(source, { ...given, wrong })
  const preset = presetOf(source)
  const proof = preset.proof?.schema.parse(proofFor(source))
  const verdict = await verify(preset, proof, messageOf({ method, url, headers, body }), TOOLS)
  return verdict.proven ? 'proven' : verdict.fault
}
