import { any2xx } from '../answer.ts'
import { defineImitation } from '../imitation.ts'
import { isoSeconds } from '../moments.ts'
import { compactJson, JSON_TYPE } from '../write-body.ts'

/** Source: docs.openticket.tech, "Webhooks: remarks". Nothing is signed: the nonce of the webhook is sent. */
export const openticket = defineImitation({
  name: 'openticket',
  title: 'OpenTicket',
  credentials: { secret: 'the nonce that came back when the webhook was made' },
  topic: 'order.paid',
  sample: {
    file: 'openticket-order.json',
    contentType: JSON_TYPE,
    write: compactJson,
    renew: ({ ids, now }) => ({
      guid: ids.uuid('order'),
      created_at: isoSeconds(now),
      updated_at: isoSeconds(now),
      'tickets[0].guid': ids.uuid('ticket'),
      'tickets[0].ticket_number': `SL${ids.integer('ticket', 8)}`,
    }),
  },
  request: ({ topic, ids, deliveryId }) => ({
    headers: {
      'User-Agent': 'OpenTicket/Webhook',
      'OpenTicket-Trigger': topic,
      'OpenTicket-Dedupe-Key': deliveryId ?? ids.hex('delivery', 32),
    },
  }),
  prove: (_draft, pen) => ({ headers: { 'OpenTicket-Identifier': pen.token() } }),
  wrong: ['secret', 'missing'],
  taken: any2xx,
})
