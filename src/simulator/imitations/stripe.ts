import { any2xx } from '../answer.ts'
import { defineImitation } from '../imitation.ts'
import { unixSeconds } from '../moments.ts'
import { JSON_TYPE, prettyJson } from '../write-body.ts'

/** Source: stripe/stripe-node, src/Webhooks.ts. The key is the whole text of the secret, `whsec_` included. */
export const stripe = defineImitation({
  name: 'stripe',
  title: 'Stripe',
  credentials: { secret: 'the signing secret of the endpoint, whsec_…' },
  topic: 'payment_intent.succeeded',
  sample: {
    file: 'stripe-event.json',
    contentType: `${JSON_TYPE}; charset=utf-8`,
    write: prettyJson,
    renew: ({ topic, ids, now }) => ({
      id: `evt_${ids.letters('event', 24)}`,
      type: topic,
      created: unixSeconds(now),
      'data.object.id': `pi_${ids.letters('object', 24)}`,
      'data.object.created': unixSeconds(now),
      'request.id': `req_${ids.letters('request', 14)}`,
      'request.idempotency_key': ids.uuid('request'),
    }),
  },
  prove({ body }, pen, { signedAt }) {
    const timestamp = unixSeconds(signedAt)
    const digest = pen.hmac('sha256', pen.secret(), `${timestamp}.`, body)
    return { headers: { 'Stripe-Signature': `t=${timestamp},v1=${pen.encode(digest, 'hex')}` } }
  },
  wrong: ['secret', 'body', 'missing', 'encoding', 'old'],
  taken: any2xx,
})
