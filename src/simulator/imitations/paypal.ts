import { crc32 } from 'node:zlib'
import { any2xx } from '../answer.ts'
import { defineImitation } from '../imitation.ts'
import { isoSeconds } from '../moments.ts'
import { compactJson, JSON_TYPE } from '../write-body.ts'

/** Source: developer.paypal.com, "Webhooks": integration guide, message verification. */
export const paypal = defineImitation({
  name: 'paypal',
  title: 'PayPal',
  credentials: { key: 'a private RSA key' },
  options: {
    webhookId: { meaning: 'the id of the webhook, which is signed and not sent' },
    certUrl: {
      meaning: 'where the certificate of the key lies',
      fallback: 'https://api.paypal.com/v1/notifications/certs/CERT-360caa42-fca2a594-00000000',
    },
  },
  topic: 'PAYMENT.CAPTURE.COMPLETED',
  sample: {
    file: 'paypal-event.json',
    contentType: JSON_TYPE,
    write: compactJson,
    renew: ({ topic, ids, now }) => ({
      id: `WH-${ids.letters('event', 17).toUpperCase()}-${ids.letters('event 2', 17).toUpperCase()}`,
      event_type: topic,
      create_time: now.toISOString(),
      'resource.id': ids.letters('capture', 17).toUpperCase(),
    }),
  },
  request: ({ ids, deliveryId, signedAt }) => ({
    headers: {
      'PAYPAL-TRANSMISSION-ID': deliveryId ?? ids.uuid('delivery'),
      'PAYPAL-TRANSMISSION-TIME': isoSeconds(signedAt),
    },
  }),
  prove({ headers, body }, pen, { wrong, option }) {
    const webhookId = wrong === 'recipient' ? `${option('webhookId')}X` : option('webhookId')
    const id = headers['PAYPAL-TRANSMISSION-ID']
    const time = headers['PAYPAL-TRANSMISSION-TIME']
    const signature = pen.sign(`${id}|${time}|${webhookId}|${crc32(body)}`)
    return {
      headers: {
        'PAYPAL-TRANSMISSION-SIG': pen.encode(signature, 'base64'),
        'PAYPAL-AUTH-ALGO': wrong === 'algorithm' ? 'SHA1withRSA' : 'SHA256withRSA',
        'PAYPAL-CERT-URL': wrong === 'key' ? 'https://certs.example.com/CERT-1' : option('certUrl'),
      },
    }
  },
  wrong: ['secret', 'body', 'missing', 'encoding', 'key', 'algorithm', 'recipient'],
  taken: any2xx,
  note:
    "A gateway fetches PayPal's certificate from PayPal, so it refuses what is signed here with a key of your own, " +
    'unless it runs with test keys.',
})
