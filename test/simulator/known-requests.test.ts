/** The simulator against what is known from elsewhere: it computes proofs that others computed too. */
import { createPublicKey, generateKeyPairSync, verify } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { IMITATIONS, signedRequest } from '../../src/simulator/simulator.ts'
import { KNOWN_REQUESTS } from './known-requests.ts'
import { RSA_SIGNED } from './rsa-signed.ts'

const ADDRESS = 'https://hooks.example.com/integration/abc'

describe('a request that is known comes out the same', () => {
  test.each(KNOWN_REQUESTS)('$name', ({ source, given, body, headers, url }) => {
    const { now = '2026-01-01T00:00:00Z', handshake, ...rest } = given
    const request = signedRequest(source, {
      url: ADDRESS,
      event: 'one',
      now: new Date(now),
      // A handshake has a body of its own, which is compared below.
      ...(handshake === undefined ? { body: withoutProof(source, body) } : { handshake }),
      ...rest,
    })
    expect(inLowerCase(request.headers)).toMatchObject(inLowerCase(headers))
    expect(request.body.toString()).toBe(body)
    if (url !== undefined) expect(request.url).toBe(url)
  })
})

describe('a private key signs the text of which a signature is known', () => {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })

  test.each(RSA_SIGNED)('$name', (known) => {
    const text = Buffer.from(known.signedText)
    const isSigned = (signature: string, key: typeof publicKey) =>
      verify('sha256', text, key, Buffer.from(signature, 'base64'))
    expect(isSigned(known.signature, createPublicKey(known.publicKey))).toBe(true)
    const request = signedRequest(known.source, {
      url: ADDRESS,
      event: 'one',
      now: new Date('2026-01-01T00:00:01Z'),
      key: privateKey,
      body: known.body,
      deliveryId: '69cd13f0-d67a-11e5-baa3-778b53f4ae55',
      ...(known.source === 'paypal' && { options: { webhookId: '1JE4291016473214C' } }),
    })
    const signatures = Object.entries(request.headers).filter(([name]) => /sig/i.test(name))
    expect(signatures.length).toBeGreaterThan(0)
    for (const [name, signature] of signatures)
      expect([name, isSigned(signature, publicKey)]).toEqual([name, true])
  })
})

test('every source is known from elsewhere, but for those whose proof is chosen at will', () => {
  const known = new Set([...KNOWN_REQUESTS, ...RSA_SIGNED].map(({ source }) => source))
  const others = [...IMITATIONS.keys()].filter((source) => !known.has(source))
  expect(others).toEqual(['magento-mageplaza', 'generic'])
})

/** What Adyen signs carries its proof inside; to be seen is that the simulator puts it back. */
function withoutProof(source: string, body: string): string {
  if (source !== 'adyen') return body
  const bare = body.replace(/"hmacSignature":"[^"]*"/, '')
  expect(bare).not.toBe(body)
  return bare
}

function inLowerCase(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]))
}
