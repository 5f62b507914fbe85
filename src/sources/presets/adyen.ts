import { z } from 'zod'
import { isNumeric, isObject, type Json } from '../../payload/exact-json.ts'
import { parsePath, valueAt } from '../../payload/path.ts'
import { inEvent } from '../identity.ts'
import { definePreset } from '../preset.ts'
import { usersSchema, verifyBasic } from '../schemes/basic.ts'
import { verifyHmac } from '../schemes/hmac.ts'
import { type Secret, secretLike, secretsOf } from '../secrets.ts'
import { unproven, type Verdict } from '../verdict.ts'

const ITEMS = 'notificationItems'
const ITEM = 'NotificationRequestItem'
const SIGNATURE = 'additionalData.hmacSignature'

/** In the order in which they are signed. Source: Adyen/adyen-node-api-library, src/utils/hmacValidator.ts. */
const SIGNED = [
  'pspReference',
  'originalReference',
  'merchantAccountCode',
  'merchantReference',
  'amount.value',
  'amount.currency',
  'eventCode',
  'success',
]

/** The one signed field that the merchant writes, so that anything may stand in it. */
const FREE = 'merchantReference'

export const preset = definePreset({
  name: 'adyen',
  title: 'Adyen',
  setup:
    'Customer Area → Developers → Webhooks → Standard webhook: enter the webhook address, method JSON, and generate an ' +
    'HMAC key, which is the secret. A user name and password for Basic authentication are optional.',
  proof: {
    schema: z.strictObject({
      secrets: secretsOf(
        secretLike((text) => /^(?:[0-9A-Fa-f]{2})+$/.test(text), 'an HMAC key of Adyen is hexadecimal'),
      ),
      users: usersSchema.optional().describe('Basic authentication, asked for in addition'),
      escaped: z
        .boolean()
        .default(false)
        .describe(
          "whether \\ and : in values are signed with a \\ before them; Adyen's own libraries do not do so",
        ),
    }),
    covers: {
      body: [...SIGNED, SIGNATURE].map((path) => `${ITEMS}[].${ITEM}.${path}`),
      headers: [],
      url: false,
    },
    signedBy: ({ users }) => (users ? ['authorization'] : []),
    verify({ secrets, users, escaped }, message) {
      const at = message.receivedAt
      const welcome = users && verifyBasic(message.header('authorization'), users, at)
      if (welcome && !welcome.proven) return welcome
      const items = itemsOf(message.value())
      // What holds nothing that is signed is proven by nothing.
      if (items.length === 0) return unproven('malformed', `no ${ITEMS} in the body`)
      return verifyItems(items, secrets, escaped, at)
    },
  },
  // Older documents ask for this very text, newer ones for any 2xx: Adyen, "Accept webhooks".
  replies: { accepted: { status: 200, contentType: 'text/plain', body: '[accepted]' } },
  identity: {
    topic: [inEvent(`${ITEM}.eventCode`)],
    eventId: [inEvent(`${ITEM}.pspReference`)],
    occurredAt: [inEvent(`${ITEM}.eventDate`)],
    sender: [inEvent(`${ITEM}.merchantAccountCode`)],
  },
  dedupe: { keys: [['eventId', 'topic', inEvent(`${ITEM}.success`)]], windowSeconds: 7 * 86_400 },
  batch: ITEMS,
  senderDomains: ['adyen.com'],
})

function itemsOf(body: Json | undefined): Json[] {
  const items = isObject(body) ? body[ITEMS] : undefined
  return Array.isArray(items) ? items : []
}

/** Each item is signed on its own, so that one that is not makes the whole request unproven. */
function verifyItems(items: Json[], secrets: readonly Secret[], escaped: boolean, at: Date): Verdict {
  let verdict: Verdict = unproven('malformed')
  for (const [index, item] of items.entries()) {
    verdict = verifyItem(item, secrets, escaped, at)
    if (verdict.proven) continue
    return unproven(verdict.fault, `${ITEMS}[${index}]${verdict.note ? `: ${verdict.note}` : ''}`)
  }
  return verdict
}

function verifyItem(item: Json, secrets: readonly Secret[], escaped: boolean, at: Date): Verdict {
  const signature = textAt(item, SIGNATURE)
  if (!signature) return unproven('header_missing', SIGNATURE)
  const values = SIGNED.map((path) => textAt(item, path))
  const unclear = SIGNED.find((path, index) => !escaped && path !== FREE && values[index]?.includes(':'))
  // Colons are what parts the values, so with more of them the same signed text could be told as other values.
  if (values.includes(undefined) || unclear !== undefined)
    return unproven('malformed', unclear === undefined ? 'a value is no text' : `${unclear} has a colon`)
  const text = values.map((value = '') => (escaped ? value.replace(/[\\:]/g, '\\$&') : value)).join(':')
  return verifyHmac({
    secrets,
    signatures: [signature],
    body: Buffer.from(text),
    signed: (bytes) => [bytes],
    at,
    form: { algorithm: 'sha256', encoding: 'base64', keyOf: (secret) => Buffer.from(secret, 'hex') },
  })
}

/** What is missing is signed as nothing; undefined is what has no text. */
function textAt(item: Json, path: string): string | undefined {
  const value = valueAt(item, parsePath(`${ITEM}.${path}`)) ?? ''
  if (typeof value === 'string') return value
  return isNumeric(value) || typeof value === 'boolean' ? String(value) : undefined
}
