import { onlyStatus } from '../answer.ts'
import { defineImitation } from '../imitation.ts'
import { isoSeconds } from '../moments.ts'
import { compactJson, JSON_TYPE } from '../write-body.ts'

/** Source: docs.klarna.com, Klarna Network: "Webhooks". */
export const klarna = defineImitation({
  name: 'klarna',
  title: 'Klarna',
  credentials: { secret: 'the signing key' },
  options: {
    keyId: { meaning: 'the id of the signing key, krn:partner:…' },
  },
  topic: 'payment.request.state-change.authorized',
  sample: {
    file: 'klarna-event.json',
    contentType: JSON_TYPE,
    write: compactJson,
    renew: ({ topic, ids, deliveryId, now }) => ({
      'metadata.event_type': topic,
      'metadata.event_id': deliveryId ?? ids.uuid('delivery'),
      'metadata.occurred_at': isoSeconds(now),
      'payload.payment_request_id': `krn:payment:eu1:request:${ids.uuid('request')}`,
    }),
  },
  prove: ({ body }, pen, { wrong, option }) => ({
    headers: {
      'Klarna-Signature': pen.encode(pen.hmac('sha256', pen.secret(), body), 'hex'),
      'Klarna-Signing-Key-Id': wrong === 'key' ? `${option('keyId')}-other` : option('keyId'),
    },
  }),
  wrong: ['secret', 'body', 'missing', 'encoding', 'key'],
  taken: onlyStatus(200, 201, 202, 204),
})
