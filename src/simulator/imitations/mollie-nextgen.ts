import { any2xx } from '../answer.ts'
import { defineImitation } from '../imitation.ts'
import { compactJson, JSON_TYPE } from '../write-body.ts'

/** Sources: docs.mollie.com, "Next-gen webhooks"; mollie/mollie-api-php, src/Webhooks/SignatureValidator.php. */
export const mollieNextgen = defineImitation({
  name: 'mollie-nextgen',
  title: 'Mollie (next-gen webhooks)',
  credentials: { secret: 'the signing secret of the webhook' },
  topic: 'payment-link.paid',
  sample: {
    file: 'mollie-event.json',
    contentType: JSON_TYPE,
    write: compactJson,
    renew: ({ topic, ids, now }) => ({
      id: `event_${ids.letters('event', 21)}`,
      type: topic,
      entityId: `pl_${ids.letters('entity', 21)}`,
      createdAt: now.toISOString(),
    }),
  },
  prove: ({ body }, pen) => ({
    headers: { 'X-Mollie-Signature': `sha256=${pen.encode(pen.hmac('sha256', pen.secret(), body), 'hex')}` },
  }),
  wrong: ['secret', 'body', 'missing', 'encoding'],
  taken: any2xx,
  timeoutMs: 15_000,
})
