import { z } from 'zod'
import { getKey, isObject } from '../../payload/exact-json.ts'
import { inEvent, inHeader } from '../identity.ts'
import type { Message } from '../message.ts'
import { definePreset } from '../preset.ts'
import { addressesUnder } from '../schemes/address-list.ts'
import { verifyBodyHmac } from '../schemes/hmac.ts'
import { secretsSchema } from '../secrets.ts'
import { unproven } from '../verdict.ts'

const SIGNATURE = 'x-hub-signature-256'
const EVENT = 'x-github-event'

/**
 * Sent when a webhook is made. The header alone would not do: it is not signed, and what it is put on is not kept.
 * Source: github/docs, webhook-events-and-payloads.md, `ping`.
 */
function isPing(message: Message): boolean {
  if (message.header(EVENT) !== 'ping') return false
  const value = message.value()
  return isObject(value) && getKey(value, 'zen') !== undefined && getKey(value, 'hook_id') !== undefined
}

/** Wire facts: github/docs, content/webhooks/. */
export const preset = definePreset({
  name: 'github',
  title: 'GitHub',
  setup:
    'Settings → Webhooks → Add webhook, of a repository or an organization: the webhook address as payload URL, ' +
    'content type application/json, a secret of your own.',
  proof: {
    schema: z.strictObject({ secrets: secretsSchema.describe('as typed at GitHub') }),
    covers: { body: 'bytes', headers: [], url: false },
    // X-Hub-Signature is SHA-1, sent beside for old receivers.
    signedBy: [SIGNATURE],
    verify({ secrets }, message) {
      const text = message.header(SIGNATURE)
      if (text === undefined)
        return unproven('header_missing', 'X-Hub-Signature-256; GitHub signs when its webhook has a secret')
      const [, algorithm, signature] = /^([^=]*)=(.*)$/.exec(text) ?? []
      if (signature === undefined) return unproven('malformed', 'X-Hub-Signature-256 is not sha256=…')
      if (algorithm !== 'sha256') return unproven('wrong_algorithm', 'X-Hub-Signature-256 is not sha256=…')
      return verifyBodyHmac(message, secrets, [signature], { algorithm: 'sha256', encoding: 'hex' })
    },
  },
  handshakes: [
    {
      kind: 'ping',
      method: 'POST',
      asked: 'after proof',
      answer: (message) => (isPing(message) ? {} : undefined),
    },
  ],
  identity: {
    topic: [inHeader(EVENT)],
    deliveryId: [inHeader('x-github-delivery')],
    sender: [
      inEvent('repository.full_name'),
      inEvent('organization.login'),
      inEvent('installation.account.login'),
      inEvent('enterprise.slug'),
    ],
  },
  // A delivery that is asked for again by hand has the id of the first.
  dedupe: { keys: [['deliveryId']], windowSeconds: 7 * 86_400 },
  senderDomains: ['github.com'],
  /** Source: github/docs, best-practices-for-using-webhooks.md. */
  publishedAddresses: {
    url: 'https://api.github.com/meta',
    read: (text) => addressesUnder('hooks', text),
  },
})
