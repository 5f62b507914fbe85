import { any2xx } from '../answer.ts'
import { defineImitation } from '../imitation.ts'
import { unixSeconds } from '../moments.ts'
import { compactJson, JSON_TYPE } from '../write-body.ts'
import { signedText, standardHeaders, symmetricSignature } from './standard-webhooks.ts'

/**
 * Source: bigcommerce/docs, integrations/webhooks/https-webhook-overview.mdx. The scheme of Standard Webhooks, but
 * the key is the text of the client secret.
 */
export const bigcommerce = defineImitation({
  name: 'bigcommerce',
  title: 'BigCommerce',
  credentials: { secret: 'the client secret of the app' },
  topic: 'store/order/statusUpdated',
  sample: {
    file: 'bigcommerce-order.json',
    contentType: JSON_TYPE,
    write: compactJson,
    renew: ({ topic, ids, now }) => ({
      scope: topic,
      'data.id': ids.integer('order', 6),
      hash: ids.hex('hash', 40),
      created_at: unixSeconds(now),
    }),
  },
  request: (occasion) => ({ headers: standardHeaders(occasion) }),
  prove: (draft, pen) => ({
    headers: { 'webhook-signature': symmetricSignature(signedText(draft), pen, Buffer.from(pen.secret())) },
  }),
  wrong: ['secret', 'body', 'missing', 'encoding', 'old', 'future'],
  taken: any2xx,
})
