import { any2xx } from '../answer.ts'
import { defineImitation } from '../imitation.ts'
import { compactJson, JSON_TYPE } from '../write-body.ts'

/** Source: square/square-nodejs-sdk, src/wrapper/WebhooksHelper.ts. */
export const square = defineImitation({
  name: 'square',
  title: 'Square',
  credentials: { secret: 'the signature key of the webhook subscription' },
  topic: 'payment.updated',
  sample: {
    file: 'square-event.json',
    contentType: JSON_TYPE,
    write: compactJson,
    renew: ({ topic, ids, now }) => ({
      type: topic,
      event_id: ids.uuid('event'),
      created_at: now.toISOString(),
      'data.id': ids.letters('payment', 22),
      'data.object.payment.id': ids.letters('payment', 22),
      'data.object.payment.updated_at': now.toISOString(),
    }),
  },
  signsUrl: true,
  prove({ url, body }, pen) {
    const digest = pen.hmac('sha256', pen.secret(), url, body)
    return { headers: { 'x-square-hmacsha256-signature': pen.encode(digest, 'base64') } }
  },
  wrong: ['secret', 'body', 'missing', 'encoding', 'url'],
  taken: any2xx,
  timeoutMs: 10_000,
})
