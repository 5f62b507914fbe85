import { describe, expect, test } from 'vitest'
import { PROOF_FAULTS, type ProofFault, presetOf, verify } from '../../src/sources/sources.ts'
import { proofOf, toolsOf } from './vector-proof.ts'
import { messageIn, vector } from './vectors.ts'

/** A message that fails in this way, and what the operator reads then. */
const GOLDEN: Record<ProofFault, [vector: string, sentence: string]> = {
  header_missing: ['retino-03', 'what proves the sender is missing from the request'],
  malformed: ['stripe-07', 'the signature is not written the way this source writes it'],
  wrong_encoding: ['shopify-03', 'the signature is right but written in another encoding'],
  wrong_secret: ['woocommerce-02', 'signed with another secret, or the body was changed on the way'],
  body_changed: ['magento-aligent-02', 'the secret is right, but the body was changed on the way'],
  too_old: ['standard-webhooks-02', 'the timestamp is older than the tolerance allows'],
  too_new: ['standard-webhooks-10', 'the timestamp lies further ahead than the tolerance allows'],
  unknown_key: ['klarna-04-keys', 'the request names a key that this integration does not have'],
  secret_retired: ['github-05-retired', 'signed with a secret that is retired'],
  secret_not_active: ['shopify-09-not-active', 'signed with a secret that is not active yet'],
  no_active_secret: ['shopify-10-none-active', 'no secret of this integration is active at this time'],
  wrong_algorithm: ['lightspeed-x-02', 'the request names an algorithm that this source does not use'],
  wrong_recipient: ['adobe-io-03', 'the event is addressed to another client'],
  wrong_certificate: ['paypal-03', 'the certificate that the request names does not prove the sender'],
  key_unavailable: ['adobe-io-08', 'the key to check with could not be fetched'],
  not_pinned: ['tilby-05', 'no handshake has pinned the sender of this integration yet'],
}

describe('each way in which a proof fails has a sentence of its own', () => {
  test('and all of them are here', () => {
    expect(Object.keys(GOLDEN)).toEqual(Object.keys(PROOF_FAULTS))
    expect(new Set(Object.values(PROOF_FAULTS)).size).toBe(Object.keys(PROOF_FAULTS).length)
  })

  test.each(Object.entries(GOLDEN))('%s', async (fault, [id, sentence]) => {
    const failing = vector(id)
    const tools = toolsOf(failing)
    const verdict = await verify(presetOf(failing.source), proofOf(failing), messageIn(failing), tools)
    if (verdict.proven) expect.fail(`${id} is proven`)
    expect(verdict.fault).toBe(fault)
    expect(PROOF_FAULTS[verdict.fault]).toBe(sentence)
  })
})

test.each([
  ['stripe-01', 'stripe-signature', ',', 'v1='],
  ['mollie-01', 'x-mollie-signature', ', ', 'sha256='],
])(
  '%s: a header of hundreds of signatures is refused as it stands, and none of them is compared',
  async (id, header, separator, prefix) => {
    const signed = vector(id)
    const more = Array(200).fill(`${prefix}${'0'.repeat(64)}`)
    const headers = { ...signed.headers, [header]: [signed.headers[header], ...more].join(separator) }
    const verdict = await verify(
      presetOf(signed.source),
      proofOf(signed),
      messageIn(signed, { headers }),
      toolsOf(signed),
    )
    expect(verdict).toEqual({ proven: false, fault: 'malformed', note: 'more than 20 signatures' })
  },
)
