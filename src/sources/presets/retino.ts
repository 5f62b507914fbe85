import { z } from 'zod'
import { inEvent, type Reader } from '../identity.ts'
import { definePreset } from '../preset.ts'
import { verifyHeaderToken } from '../schemes/token.ts'
import { secretsSchema } from '../secrets.ts'

const SECRET = 'X-Retino-Secret'

const eventType = inEvent('event_type')

/**
 * The thing that an event is about stands under the last word but one of its type: `product` of
 * `ticket.product.created`. Source: Retino, "Webhooks", sample data for events.
 */
function inThing(key: string): Reader {
  const readers = new Map(
    ['ticket', 'product', 'shipping', 'refund'].map((thing) => [thing, inEvent(`${thing}.${key}`)]),
  )
  return (subject) => {
    const thing = eventType(subject)?.split('.').at(-2)
    return thing === undefined ? undefined : readers.get(thing)?.(subject)
  }
}

const createdAt = inEvent('created_at')
const thingId = inThing('id')

export const preset = definePreset({
  name: 'retino',
  title: 'Retino',
  setup:
    'Settings → API → Webhooks → Create webhook: enter the webhook address and select the events. The secret is the ' +
    'token shown in the settings of that webhook; renewing it there replaces it at once.',
  proof: {
    schema: z.strictObject({ secrets: secretsSchema.describe('the token of the webhook') }),
    covers: { body: 'nothing', headers: [], url: false },
    signedBy: [SECRET.toLowerCase()],
    secretsIn: () => ({ headers: [SECRET.toLowerCase()] }),
    verify: ({ secrets }, message) => verifyHeaderToken(message, SECRET, secrets),
  },
  identity: {
    topic: [eventType],
    occurredAt: [createdAt],
  },
  // Retino numbers nothing. Products have no `updated_at`, and bodies of Retino Tracking have no event type.
  dedupe: {
    keys: [
      [eventType, createdAt, thingId, inThing('updated_at')],
      [eventType, createdAt, thingId],
      ['bytes'],
    ],
    windowSeconds: 86_400,
  },
  senderDomains: ['retino.com'],
})
