import { any2xx, type Taken } from '../answer.ts'
import { defineImitation } from '../imitation.ts'
import { compactJson, JSON_TYPE } from '../write-body.ts'

const KEY_PATH = '/prod/keys/pub-key-00000000-0000-4000-8000-'

/**
 * Sources: AdobeDocs/adobe-io-events, guides/index.md; adobe/aio-lib-events, src/signatureUtils.js. Both signatures
 * are by the one key that is given: one that holds is enough.
 */
export const adobeIoEvents = defineImitation({
  name: 'adobe-io-events',
  title: 'Adobe I/O Events',
  credentials: { key: 'a private RSA key' },
  options: {
    clientId: { meaning: 'the client id of the project the event is for' },
    keyPath1: {
      meaning: 'where the public key of the first signature lies',
      fallback: `${KEY_PATH}000000000001.pem`,
    },
    keyPath2: { meaning: 'and that of the second', fallback: `${KEY_PATH}000000000002.pem` },
  },
  topic: 'com.adobe.commerce.observer.sales_order_save_commit_after',
  sample: {
    file: 'adobe-io-event.json',
    contentType: JSON_TYPE,
    write: compactJson,
    renew({ ids, deliveryId, topic, wrong, option }) {
      const event = deliveryId ?? ids.uuid('delivery')
      const client = wrong === 'recipient' ? `${option('clientId')}-other` : option('clientId')
      return {
        event_id: event,
        eventid: event,
        'event.id': ids.uuid('event'),
        'event.type': topic,
        'event.data.value.increment_id': String(ids.integer('order', 9)),
        recipient_client_id: client,
        recipientclientid: client,
      }
    },
  },
  request: ({ ids, deliveryId }) => ({
    headers: { 'x-adobe-event-id': deliveryId ?? ids.uuid('delivery') },
  }),
  prove({ body }, pen, { wrong, option }) {
    const signature = pen.encode(pen.sign(body), 'base64')
    const pathOf = (path: string) => (wrong === 'key' ? path.replace(/\w\.pem$/, 'f.pem') : path)
    return {
      headers: {
        'x-adobe-digital-signature-1': signature,
        'x-adobe-digital-signature-2': signature,
        'x-adobe-public-key1-path': pathOf(option('keyPath1')),
        'x-adobe-public-key2-path': pathOf(option('keyPath2')),
      },
    }
  },
  handshakes: [
    {
      kind: 'challenge',
      meaning: 'GET with a challenge that has to come back',
      isProven: false,
      request: ({ ids }) => ({ method: 'GET', parameters: { challenge: ids.uuid('challenge') } }),
      taken: echoesChallenge,
    },
    {
      kind: 'validation-url',
      meaning: 'POST with an address that a person has to open, where the challenge failed',
      isProven: false,
      request({ ids }) {
        const address = 'https://csm.adobe.io/csm/registrations/validate'
        const validationUrl = `${address}?id=${ids.uuid('registration')}&challenge=${ids.uuid('challenge')}`
        return { body: { contentType: JSON_TYPE, bytes: Buffer.from(JSON.stringify({ validationUrl })) } }
      },
    },
  ],
  wrong: ['secret', 'body', 'missing', 'encoding', 'key', 'recipient'],
  taken: any2xx,
  timeoutMs: 10_000,
  note:
    'A gateway fetches the keys of Adobe I/O Events from Adobe, so it refuses what is signed here with a key of your ' +
    'own, unless it runs with test keys.',
})

function echoesChallenge(...[answer, { url }]: Parameters<Taken>): string | undefined {
  const challenge = new URL(url).searchParams.get('challenge') ?? ''
  return answer.status === 200 && answer.body.includes(challenge) ? undefined : 'wants 200 with the challenge'
}
