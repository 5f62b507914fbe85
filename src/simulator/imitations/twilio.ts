import { createHash } from 'node:crypto'
import { any2xx } from '../answer.ts'
import { defineImitation } from '../imitation.ts'
import { FORM_TYPE, form } from '../write-body.ts'

/**
 * Source: twilio/twilio-node, spec/validation.spec.js. Of a form the decoded parameters are signed; of any other
 * body its hash, which stands in the address.
 */
export const twilio = defineImitation({
  name: 'twilio',
  title: 'Twilio',
  credentials: { secret: 'the auth token of the account' },
  sample: {
    file: 'twilio-message.json',
    contentType: FORM_TYPE,
    write: form,
    renew({ ids }) {
      const message = `SM${ids.hex('message', 32)}`
      return { MessageSid: message, SmsSid: message, SmsMessageSid: message }
    },
  },
  signsUrl: true,
  request: ({ ids, deliveryId }, { contentType, bytes }) => ({
    headers: { 'I-Twilio-Idempotency-Token': deliveryId ?? ids.uuid('delivery') },
    parameters: isForm(contentType) ? {} : { bodySHA256: createHash('sha256').update(bytes).digest('hex') },
  }),
  prove({ url, headers, body }, pen) {
    const parameters = isForm(headers['Content-Type'] ?? '') ? parametersOf(body) : ''
    const digest = pen.hmac('sha1', pen.secret(), url, parameters)
    return { headers: { 'X-Twilio-Signature': pen.encode(digest, 'base64') } }
  },
  wrong: ['secret', 'body', 'missing', 'encoding', 'url'],
  taken: any2xx,
  timeoutMs: 15_000,
})

function isForm(contentType: string): boolean {
  return contentType.startsWith(FORM_TYPE)
}

/** Names and values in the order of the names; of a repeated one each value once, in order too. */
function parametersOf(body: Buffer): string {
  const fields = new URLSearchParams(body.toString('utf8'))
  const names = [...new Set(fields.keys())].toSorted()
  return names
    .flatMap((name) => [...new Set(fields.getAll(name))].toSorted().map((value) => `${name}${value}`))
    .join('')
}
