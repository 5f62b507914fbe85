import { any2xx } from '../answer.ts'
import { defineImitation } from '../imitation.ts'
import { isoWithOffset } from '../moments.ts'
import { JSON_TYPE, railsJson } from '../write-body.ts'

/**
 * Sources: Shopify, "HTTPS webhooks" and "Ignore duplicates"; shopify-api, lib/webhooks/validate.ts. The ids of the
 * sample have 18 digits, as those of Shopify's own test notifications: a double would round them.
 */
export const shopify = defineImitation({
  name: 'shopify',
  title: 'Shopify',
  credentials: {
    secret:
      'the client secret of the app, or the key shown under Settings > Notifications for webhooks made there',
  },
  options: {
    shop: { meaning: 'the shop it comes from', fallback: 'sluice-demo.myshopify.com' },
    apiVersion: { meaning: 'X-Shopify-API-Version', fallback: '2026-01' },
  },
  topic: 'orders/create',
  sample: {
    file: 'shopify-order.json',
    contentType: JSON_TYPE,
    write: railsJson,
    renew({ ids, now }) {
      const order = ids.integer('order', 18)
      const number = ids.integer('number', 5)
      return {
        id: order,
        admin_graphql_api_id: `gid://shopify/Order/${order}`,
        name: `#${number}`,
        order_number: number,
        created_at: isoWithOffset(now),
        updated_at: isoWithOffset(now),
        'line_items[0].id': ids.integer('line', 18),
      }
    },
  },
  request: ({ topic, ids, deliveryId, now, option }) => ({
    headers: {
      'X-Shopify-Topic': topic,
      'X-Shopify-Shop-Domain': option('shop'),
      'X-Shopify-API-Version': option('apiVersion'),
      'X-Shopify-Webhook-Id': deliveryId ?? ids.uuid('delivery'),
      'X-Shopify-Event-Id': ids.uuid('event'),
      'X-Shopify-Triggered-At': now.toISOString(),
    },
  }),
  prove: ({ body }, pen) => ({
    headers: { 'X-Shopify-Hmac-Sha256': pen.encode(pen.hmac('sha256', pen.secret(), body), 'base64') },
  }),
  wrong: ['secret', 'body', 'missing', 'encoding'],
  taken: any2xx,
  timeoutMs: 5_000,
})
