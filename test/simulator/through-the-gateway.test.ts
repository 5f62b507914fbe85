/** What the simulator sends over HTTP, and what a running gateway makes of it. */
import { generateKeyPairSync } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  type Answer,
  exchange,
  IMITATIONS,
  openConnections,
  type RequestOptions,
  signedRequest,
  takenBy,
  wrongKindsOf,
} from '../../src/simulator/simulator.ts'
import { PROOF_FAULTS } from '../../src/sources/sources.ts'
import { type EdgeWorld, startEdge } from '../edge/world.ts'
import { eventually } from '../world/eventually.ts'
import { givenFor } from './given.ts'
import { FAULTS, proofFor, TOOLS } from './proofs.ts'

const WITHIN_MS = 20_000
const connections = openConnections(4)
let world: EdgeWorld

beforeAll(async () => {
  const { fetchText, rootCertificates } = TOOLS
  world = await startEdge({ REFUSALS_LOGGED_PER_MINUTE: '1000' }, undefined, { fetchText, rootCertificates })
})
afterAll(async () => {
  connections.close()
  await world.close()
})

interface Way {
  name: string
  source: string
  given: Partial<RequestOptions>
  proof: object | null
}

const SECRET = 'a-secret-of-some-length'
const secrets = [{ secret: SECRET }]
const users = [{ username: 'shop', secret: SECRET }]

const WAYS: Way[] = [
  ...[...IMITATIONS.keys()].map((source) => ({
    name: source,
    source,
    given: givenFor(source),
    proof: proofFor(source),
  })),
  ...other('woocommerce', { algorithm: 'sha512' }, { secrets, algorithm: 'sha512' }),
  ...other(
    'magento-mageplaza',
    { scheme: 'header' },
    { scheme: 'header', header: 'X-Webhook-Secret', secrets },
  ),
  ...other('shopctrl', { scheme: 'basic' }, { scheme: 'basic', users }),
  ...other(
    'shopctrl',
    { scheme: 'hmac', header: 'X-Hmac', algorithm: 'sha512', encoding: 'hex' },
    { scheme: 'hmac', header: 'X-Hmac', algorithm: 'sha512', encoding: 'hex', secrets },
  ),
  ...other(
    'standard-webhooks',
    { secretIs: 'text', headerPrefix: 'svix-' },
    { secrets, secretIs: 'text', headerPrefix: 'svix-' },
  ),
  ed25519(),
  ...other('github', { format: 'form' }, { secrets }),
  ...other('hubspot', { signature: 'v2' }, { secrets, versions: ['v2'] }),
  ...other('hubspot', { signature: 'v1' }, { secrets, versions: ['v1'] }),
  ...other(
    'generic',
    { scheme: 'header', header: 'X-Token' },
    { scheme: 'header', header: 'X-Token', secrets },
  ),
  ...other('generic', { scheme: 'basic' }, { scheme: 'basic', users }),
  ...other('generic', { scheme: 'bearer' }, { scheme: 'bearer', secrets }),
  ...other('generic', { scheme: 'query', parameter: 'key' }, { scheme: 'query', parameter: 'key', secrets }),
]

describe.each(WAYS)('$name', ({ source, given, proof }) => {
  let refusing: string | undefined
  let refused = 0

  test('is accepted with an answer that the source takes for success, each event once', async () => {
    const id = await integrationOf(source, proof)
    for (const event of ['one', 'two']) {
      const request = signedRequest(source, optionsFor(id, given, { event }))
      const answer = answered(await exchange(request, connections, WITHIN_MS))
      expect(takenBy(source, undefined)(answer, request)).toBeUndefined()
    }
    const events: { state: string }[] = await world.api.events(`?integrationId=${id}`)
    expect(events.length).toBeGreaterThanOrEqual(2)
    expect(events.map(({ state }) => state)).toEqual(events.map(() => 'queued'))
  })

  test.each(wrongKindsOf(source, optionsFor('abc', given)))(
    'is refused when it is wrong by its %s, and the operator reads why',
    async (wrong) => {
      // One for all that is refused, of which nothing is left but what is logged.
      refusing ??= await integrationOf(source, proof)
      const id = refusing
      refused += 1
      const request = signedRequest(source, optionsFor(id, given, { wrong }))
      const answer = answered(await exchange(request, connections, WITHIN_MS))
      expect([401, 503]).toContain(answer.status)
      expect(takenBy(source, undefined)(answer, request)).toBeDefined()
      const logged = await loggedOf(id, source === 'tilby' ? refused + 1 : refused)
      const sentences = FAULTS[wrong].map((fault) => PROOF_FAULTS[fault])
      expect(sentences.filter((sentence) => logged.detail.startsWith(sentence))).toEqual([expect.any(String)])
      expect(logged.outcome).toBe(answer.status === 503 ? 'key_unavailable' : 'unproven')
      expect(await world.api.events(`?integrationId=${id}`)).toEqual([])
    },
  )
})

const HANDSHAKES = [...IMITATIONS.values()].flatMap(({ name, handshakes }) =>
  handshakes.map(({ kind, isProven }) => ({ source: name, kind, isProven })),
)

describe('a handshake', () => {
  test.each(HANDSHAKES)(
    '$kind of $source is answered as the source wants it, and is no event',
    async (given) => {
      const { id, answer, taken } = await ask(given)
      expect(taken(answer)).toBeUndefined()
      expect((await loggedOf(id)).outcome).toBe('handshake')
      expect(await world.api.events(`?integrationId=${id}`)).toEqual([])
    },
  )

  const proven = HANDSHAKES.filter(({ isProven }) => isProven)
  test.each(proven)('$kind of $source is refused when another secret signed it', async (given) => {
    const { id, answer, taken } = await ask(given, { wrong: 'secret' })
    expect(answer.status).toBe(401)
    expect(taken(answer)).toBeDefined()
    expect((await loggedOf(id)).detail).toContain(PROOF_FAULTS.wrong_secret)
  })

  async function ask({ source, kind }: { source: string; kind: string }, more: Partial<RequestOptions> = {}) {
    const id = await world.integration({ source, proof: proofFor(source) })
    const options = optionsFor(id, givenFor(source), { handshake: kind, ...more })
    const request = signedRequest(source, options)
    const answer = answered(await exchange(request, connections, WITHIN_MS))
    return { id, answer, taken: (given: Answer) => takenBy(source, kind)(given, request) }
  }
})

/** A source by another of its ways to prove itself. */
function other(source: string, options: Record<string, string>, proof: object): Way[] {
  const name = `${source} with ${Object.values(options).join(', ')}`
  return [{ name, source, given: { secret: SECRET, user: 'shop', options }, proof }]
}

function ed25519(): Way {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519')
  const { x = '' } = publicKey.export({ format: 'jwk' })
  const secret = `whpk_${Buffer.from(x, 'base64url').toString('base64')}`
  return {
    name: 'standard-webhooks with a pair of keys',
    source: 'standard-webhooks',
    given: { key: privateKey },
    proof: { secrets: [{ secret }] },
  }
}

/** By the time it is: the gateway has no other. */
function optionsFor(
  id: string,
  given: Partial<RequestOptions>,
  more: Partial<RequestOptions> = {},
): RequestOptions {
  const url = `${world?.gateway.url ?? 'http://127.0.0.1'}/integration/${id}`
  return { event: 'one', ...given, url, now: new Date(), ...more }
}

/** Ready for events: where a handshake pins the sender, it has come. */
async function integrationOf(source: string, proof: object | null): Promise<string> {
  const id = await world.integration({ source, proof })
  if (source !== 'tilby') return id
  const introduction = signedRequest(source, optionsFor(id, givenFor(source), { handshake: 'subscribed' }))
  expect(answered(await exchange(introduction, connections, WITHIN_MS)).status).toBe(200)
  return id
}

function answered(outcome: Awaited<ReturnType<typeof exchange>>): Answer {
  if ('failure' in outcome) throw new Error(outcome.failure)
  return outcome
}

/** What the requests log says of the last of so many requests. */
async function loggedOf(id: string, sent = 1): Promise<{ outcome: string; detail: string }> {
  return eventually(async () => {
    const requests = await world.requests(`integrationId=${id}`)
    expect(requests).toHaveLength(sent)
    return { outcome: String(requests[0]?.outcome), detail: String(requests[0]?.detail) }
  })
}
