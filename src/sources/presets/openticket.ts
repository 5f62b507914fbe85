import { z } from 'zod'
import { inHeader } from '../identity.ts'
import { definePreset } from '../preset.ts'
import { verifyHeaderToken } from '../schemes/token.ts'
import { secretsSchema } from '../secrets.ts'

const NONCE = 'OpenTicket-Identifier'

export const preset = definePreset({
  name: 'openticket',
  title: 'OpenTicket (Eventix, Weeztix)',
  setup:
    'Create the webhook by a POST to https://webhooks.openticket.tech/webhook with name, url (the webhook address), ' +
    'resource, trigger and retries. The secret is the nonce of its answer.',
  proof: {
    // The nonce signs nothing: it is sent as it is. Source: OpenTicket, "Remarks", Nonce.
    schema: z.strictObject({ secrets: secretsSchema.describe('the nonce of the webhook') }),
    covers: { body: 'nothing', headers: [], url: false },
    signedBy: [NONCE.toLowerCase()],
    secretsIn: () => ({ headers: [NONCE.toLowerCase()] }),
    verify: ({ secrets }, message) => verifyHeaderToken(message, NONCE, secrets),
  },
  // Only a 4xx counts as failed and is sent again. Source: OpenTicket, "Remarks", Failed requests.
  replies: { retryStatus: 429 },
  identity: {
    topic: [inHeader('openticket-trigger')],
    eventId: [inHeader('openticket-dedupe-key')],
  },
  // As long as OpenTicket keeps what it can be asked to send again. Source: OpenTicket, "Remarks", Invocation log.
  dedupe: { keys: [['eventId']], windowSeconds: 7 * 86_400 },
  senderDomains: ['openticket.tech', 'eventix.io', 'weeztix.com'],
})
