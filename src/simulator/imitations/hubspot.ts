import { createHash } from 'node:crypto'
import { any2xx } from '../answer.ts'
import { defineImitation } from '../imitation.ts'
import { compactJson, JSON_TYPE } from '../write-body.ts'

const ALWAYS_WRONG = ['secret', 'body', 'missing', 'encoding'] as const

/** Source: HubSpot/hubspot-api-nodejs, test/unit/signature.spec.ts. v3 is an HMAC; v2 and v1 are plain hashes. */
export const hubspot = defineImitation({
  name: 'hubspot',
  title: 'HubSpot',
  credentials: { secret: 'the client secret of the app' },
  options: {
    signature: { meaning: 'its version', fallback: 'v3', choices: ['v3', 'v2', 'v1'] },
  },
  topic: 'contact.creation',
  sample: {
    file: 'hubspot-events.json',
    contentType: JSON_TYPE,
    write: compactJson,
    renew: ({ topic, ids, now }) => ({
      '[0].eventId': ids.integer('event', 9),
      '[0].occurredAt': now.getTime(),
      '[0].subscriptionType': topic,
      '[0].objectId': ids.integer('contact', 7),
    }),
  },
  signsUrl: true,
  prove({ method, url, body }, pen, { signedAt, option }) {
    const version = option('signature')
    if (version === 'v3') {
      const timestamp = String(signedAt.getTime())
      const digest = pen.hmac('sha256', pen.secret(), method, url, body, timestamp)
      return {
        headers: {
          'X-HubSpot-Request-Timestamp': timestamp,
          'X-HubSpot-Signature-v3': pen.encode(digest, 'base64'),
        },
      }
    }
    const address = version === 'v2' ? `${method}${url}` : ''
    const digest = createHash('sha256').update(pen.token()).update(address).update(body).digest()
    return {
      headers: {
        'X-HubSpot-Signature': pen.encode(digest, 'hex'),
        'X-HubSpot-Signature-Version': version,
      },
    }
  },
  wrong: [...ALWAYS_WRONG, 'url', 'old'],
  wrongWith({ option }) {
    if (option('signature') === 'v1') return ALWAYS_WRONG
    return option('signature') === 'v2' ? [...ALWAYS_WRONG, 'url'] : [...ALWAYS_WRONG, 'url', 'old']
  },
  taken: any2xx,
  timeoutMs: 5_000,
})
