import { statusWith } from '../answer.ts'
import { defineImitation } from '../imitation.ts'
import { JSON_TYPE, phpJson } from '../write-body.ts'

/**
 * Sources: AdobeDocs/commerce-extensibility, webhooks/signature-verification.md and webhooks/responses.md. The text
 * that is signed is the base64 of the body, not the body.
 */
export const adobeCommerceWebhooks = defineImitation({
  name: 'adobe-commerce-webhooks',
  title: 'Adobe Commerce webhooks',
  credentials: { key: 'a private RSA key, whose public key the integration knows' },
  topic: 'observer.sales_order_place_before',
  sample: {
    file: 'adobe-commerce-order.json',
    contentType: JSON_TYPE,
    write: phpJson,
    renew: ({ topic, ids }) => ({
      eventName: topic,
      'data.order.increment_id': String(ids.integer('order', 9)),
      'data.order.quote_id': ids.integer('quote', 7),
    }),
  },
  prove: ({ body }, pen) => ({
    headers: {
      'x-adobe-commerce-webhook-signature': pen.encode(pen.sign(body.toString('base64')), 'base64'),
    },
  }),
  wrong: ['secret', 'body', 'missing', 'encoding'],
  taken: statusWith(200, /"op"\s*:/, 'an operation such as {"op":"success"}'),
})
