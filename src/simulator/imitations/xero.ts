import type { Taken } from '../answer.ts'
import { defineImitation } from '../imitation.ts'
import { isoWithoutZone } from '../moments.ts'
import { compactJson, JSON_TYPE } from '../write-body.ts'

/** Source: developer.xero.com, "Configuring your server". */
export const xero = defineImitation({
  name: 'xero',
  title: 'Xero',
  credentials: { secret: 'the webhooks key of the app' },
  topic: 'CONTACT.UPDATE',
  sample: {
    file: 'xero-events.json',
    contentType: JSON_TYPE,
    write: compactJson,
    renew({ topic, ids, now }) {
      const [category = '', type = ''] = topic.split('.')
      const resource = ids.uuid('resource')
      const sequence = ids.integer('sequence', 6)
      return {
        'events[0].resourceUrl': `https://api.xero.com/api.xro/2.0/Contacts/${resource}`,
        'events[0].resourceId': resource,
        'events[0].eventDateUtc': `${isoWithoutZone(now)}.000`,
        'events[0].eventType': type,
        'events[0].eventCategory': category,
        firstEventSequence: sequence,
        lastEventSequence: sequence,
        entropy: ids.letters('entropy', 20),
      }
    },
  },
  prove: ({ body }, pen) => ({
    headers: { 'x-xero-signature': pen.encode(pen.hmac('sha256', pen.secret(), body), 'base64') },
  }),
  handshakes: [
    {
      kind: 'intent-to-receive',
      meaning: 'what it sends when a webhook is saved: 200 for the right signature, 401 with --wrong secret',
      isProven: true,
      request({ ids }) {
        const body = {
          events: [],
          firstEventSequence: 0,
          lastEventSequence: 0,
          entropy: ids.letters('entropy', 20),
        }
        return { body: { contentType: JSON_TYPE, bytes: Buffer.from(JSON.stringify(body)) } }
      },
    },
  ],
  wrong: ['secret', 'body', 'missing', 'encoding'],
  taken: isBare200,
  timeoutMs: 5_000,
})

function isBare200(...[{ status, headers, body }]: Parameters<Taken>): string | undefined {
  return status === 200 && body === '' && headers['set-cookie'] === undefined
    ? undefined
    : 'wants 200 with an empty body and no cookies'
}
