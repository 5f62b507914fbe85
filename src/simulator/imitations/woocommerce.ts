import { onlyStatus } from '../answer.ts'
import { defineImitation } from '../imitation.ts'
import { isoWithoutZone } from '../moments.ts'
import { FORM_TYPE, JSON_TYPE, phpJson } from '../write-body.ts'

const USER_AGENT = 'WooCommerce/9.8.1 Hookshot (WordPress/6.8)'

/** Source: woocommerce/woocommerce, includes/class-wc-webhook.php. */
export const woocommerce = defineImitation({
  name: 'woocommerce',
  title: 'WooCommerce',
  credentials: {
    secret: 'the secret of the webhook, as typed under WooCommerce > Settings > Advanced > Webhooks',
  },
  options: {
    shop: { meaning: 'the shop it comes from', fallback: 'https://shop.example.com/' },
    webhookId: { meaning: 'X-WC-Webhook-ID', fallback: '142' },
    algorithm: {
      meaning: 'of the HMAC, which a filter in the shop may change',
      fallback: 'sha256',
      choices: ['sha256', 'sha512'],
    },
  },
  topic: 'order.created',
  sample: {
    file: 'woocommerce-order.json',
    contentType: JSON_TYPE,
    write: phpJson,
    renew({ ids, now }) {
      const order = ids.integer('order', 6)
      return {
        id: order,
        number: String(order),
        order_key: `wc_order_${ids.letters('key', 13)}`,
        date_created: isoWithoutZone(now),
        date_created_gmt: isoWithoutZone(now),
        date_modified: isoWithoutZone(now),
        date_modified_gmt: isoWithoutZone(now),
        'line_items[0].id': ids.integer('line', 6),
      }
    },
  },
  request({ topic, ids, deliveryId, option }) {
    const [resource = '', event = ''] = topic.split('.')
    return {
      headers: {
        'User-Agent': USER_AGENT,
        'X-WC-Webhook-Source': option('shop'),
        'X-WC-Webhook-Topic': topic,
        'X-WC-Webhook-Resource': resource,
        'X-WC-Webhook-Event': event,
        'X-WC-Webhook-ID': option('webhookId'),
        'X-WC-Webhook-Delivery-ID': deliveryId ?? ids.hex('delivery', 32),
      },
    }
  },
  prove: ({ body }, pen, { option }) => ({
    headers: {
      'X-WC-Webhook-Signature': pen.encode(pen.hmac(option('algorithm'), pen.secret(), body), 'base64'),
    },
  }),
  handshakes: [
    {
      kind: 'ping',
      meaning: 'what it sends when a webhook is saved: a form, unsigned',
      isProven: false,
      request: ({ option }) => ({
        headers: { 'User-Agent': USER_AGENT },
        body: { contentType: FORM_TYPE, bytes: Buffer.from(`webhook_id=${option('webhookId')}`) },
      }),
      taken: onlyStatus(200),
    },
  ],
  wrong: ['secret', 'body', 'missing', 'encoding'],
  taken: ({ status }) =>
    status >= 200 && status <= 302 ? undefined : 'wants 200 to 302, and never tries again',
  timeoutMs: 60_000,
})
