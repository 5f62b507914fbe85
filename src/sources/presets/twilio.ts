import { createHash } from 'node:crypto'
import { z } from 'zod'
import { parseContentType } from '../../payload/content-type.ts'
import { sameText } from '../compare.ts'
import { inEvent, inHeader } from '../identity.ts'
import type { Message } from '../message.ts'
import { definePreset } from '../preset.ts'
import { type SignedText, verifyHmac } from '../schemes/hmac.ts'
import { type Secret, secretsSchema } from '../secrets.ts'
import { unproven, type Verdict } from '../verdict.ts'

const SIGNATURE = 'x-twilio-signature'
const BODY_HASH = 'bodySHA256'

/** Source of the signature: twilio/twilio-node, src/webhooks/webhooks.ts. */
export const preset = definePreset({
  name: 'twilio',
  title: 'Twilio',
  setup:
    'Enter the webhook address, with HTTP POST, where Twilio asks for a webhook or status callback URL. The secret is ' +
    'the auth token of the account.',
  proof: {
    schema: z.strictObject({ secrets: secretsSchema.describe('the auth token of the account') }),
    // Of a body that is no form every byte is covered, through its hash in the address.
    covers: { body: 'parameters', headers: [], url: true },
    signedBy: [SIGNATURE],
    verify({ secrets }, message) {
      const signature = message.header(SIGNATURE)
      if (signature === undefined) return unproven('header_missing', SIGNATURE)
      // From the address that is signed, which may be another than the one that was called.
      const hashes = URL.parse(message.url)?.searchParams.getAll(BODY_HASH) ?? []
      if (hashes.length > 0) return verifyHashed(signature, hashes, secrets, message)
      if (!isForm(message)) return unproven('header_missing', `${BODY_HASH} of a body that is no form`)
      if (hasMoreThan(PARAMETERS_MAX, message.body))
        return unproven('malformed', `more than ${PARAMETERS_MAX} parameters`)
      return verifyAddresses(signature, parametersOf, secrets, message)
    },
  },
  // A body would be read as TwiML, as what to do next with the call or message.
  replies: { accepted: { status: 200, body: '' }, refused: 'nothing' },
  identity: {
    topic: [inEvent('MessageStatus'), inEvent('CallStatus'), inEvent('SmsStatus')],
    deliveryId: [inHeader('i-twilio-idempotency-token')],
    eventId: [inEvent('MessageSid'), inEvent('CallSid'), inEvent('SmsSid')],
    sender: [inEvent('AccountSid')],
  },
  // The token is not signed, so it alone must not decide that an event is known.
  dedupe: { keys: [['deliveryId', 'bytes']], windowSeconds: 86_400 },
  senderDomains: ['twilio.com'],
})

function isForm(message: Message): boolean {
  const type = parseContentType(message.header('content-type') ?? '')?.type
  return type === 'application/x-www-form-urlencoded'
}

function verifyHashed(
  signature: string,
  hashes: readonly string[],
  secrets: readonly Secret[],
  message: Message,
): Verdict {
  const verdict = verifyAddresses(signature, () => '', secrets, message)
  if (!verdict.proven) return verdict
  const [given, ...others] = hashes
  const expected = createHash('sha256').update(message.body).digest('hex')
  const isSame = given !== undefined && others.length === 0 && sameText(given, expected)
  return isSame ? verdict : unproven('body_changed', `the signed ${BODY_HASH} is not that of the body`)
}

/** Twilio signs an address with or without its port, it does not say when. */
function verifyAddresses(
  signature: string,
  textOf: (body: Buffer) => string,
  secrets: readonly Secret[],
  message: Message,
): Verdict {
  const verdicts = addressesOf(message.url).map((address) => {
    const signed: SignedText = (body) => [address, textOf(body)]
    return verifyHmac({
      secrets,
      signatures: [signature],
      body: message.body,
      signed,
      at: message.receivedAt,
      form: { algorithm: 'sha1', encoding: 'base64' },
    })
  })
  const isTelling = (verdict: Verdict) => verdict.proven || verdict.fault !== 'wrong_secret'
  const proven = verdicts.find((verdict) => verdict.proven)
  return proven ?? verdicts.find(isTelling) ?? unproven('wrong_secret')
}

function addressesOf(url: string): string[] {
  const parts = /^(https?):\/\/([^/?#:]+)(:[0-9]+)?(.*)$/s.exec(url)
  if (!parts) return [url]
  const [, scheme = '', host = '', port = '', rest = ''] = parts
  const standard = scheme === 'https' ? ':443' : ':80'
  return [`${scheme}://${host}${rest}`, `${scheme}://${host}${port || standard}${rest}`]
}

/**
 * Twilio sends some dozens. The form is taken apart before anybody has proven anything, and `URLSearchParams` of Node
 * takes time that grows with the square of the parameters that have no value: seconds for a body of one megabyte.
 */
const PARAMETERS_MAX = 1_000

function hasMoreThan(most: number, body: Buffer): boolean {
  let count = 1
  for (let at = body.indexOf('&'); at !== -1 && count <= most; at = body.indexOf('&', at + 1)) count++
  return count > most
}

/** Each name with its different values, all in order and with nothing in between. */
function parametersOf(body: Buffer): string {
  const values = new Map<string, Set<string>>()
  // The first & keeps a ? at the beginning from being dropped. One pass, because `getAll` goes through all of them.
  for (const [name, value] of new URLSearchParams(`&${body.toString()}`)) {
    const known = values.get(name)
    if (known) known.add(value)
    else values.set(name, new Set([value]))
  }
  return [...values.keys()]
    .toSorted()
    .flatMap((name) => [...(values.get(name) ?? [])].toSorted().map((value) => `${name}${value}`))
    .join('')
}
