import { isObject, type Json, type JsonObject, parseExact } from '../../payload/exact-json.ts'
import { parsePath, resolvePath, valueAt } from '../../payload/path.ts'
import { statusWith } from '../answer.ts'
import { type Draft, defineImitation, type Proof } from '../imitation.ts'
import { isoWithOffset } from '../moments.ts'
import type { Pen } from '../pen.ts'
import { SimulationError } from '../problem.ts'
import { compactJson, JSON_TYPE } from '../write-body.ts'

/**
 * Source: Adyen/adyen-node-api-library, src/utils/hmacValidator.ts. Each item carries its signature, over eight of
 * its fields; so the body is written anew with the signatures in it.
 */
export const adyen = defineImitation({
  name: 'adyen',
  title: 'Adyen',
  credentials: { secret: 'the HMAC key of the webhook, in hex' },
  topic: 'AUTHORISATION',
  sample: {
    file: 'adyen-notification.json',
    contentType: JSON_TYPE,
    write: compactJson,
    renew({ topic, ids, now }) {
      const item = 'notificationItems[0].NotificationRequestItem'
      return {
        [`${item}.pspReference`]: ids.letters('payment', 16).toUpperCase(),
        [`${item}.merchantReference`]: `order-${ids.integer('order', 6)}`,
        [`${item}.eventCode`]: topic,
        [`${item}.eventDate`]: isoWithOffset(now),
      }
    },
  },
  prove,
  tamper: (body) => Buffer.from(body.toString('utf8').replace(/(?<="value":\s*)\d/, otherDigit)),
  wrong: ['secret', 'body', 'missing', 'encoding'],
  taken: statusWith(200, /\[accepted\]/, '[accepted]'),
})

const ITEMS = parsePath('notificationItems[].NotificationRequestItem')
const SIGNED = [
  'pspReference',
  'originalReference',
  'merchantAccountCode',
  'merchantReference',
  'amount.value',
  'amount.currency',
  'eventCode',
  'success',
].map(parsePath)

function prove({ body }: Draft, pen: Pen): Proof {
  const notification = readNotification(body)
  const key = Buffer.from(pen.secret(), 'hex')
  for (const item of resolvePath(notification, ITEMS).filter(isObject)) {
    const signed = SIGNED.map((path) => String(valueAt(item, path) ?? '')).join(':')
    const signature = pen.encode(pen.hmac('sha256', key, signed), 'base64')
    item.additionalData = { ...additionalDataOf(item), hmacSignature: signature }
  }
  return { body: Buffer.from(compactJson(notification)) }
}

function readNotification(body: Buffer): Json {
  try {
    return parseExact(body.toString('utf8'))
  } catch {
    throw new SimulationError('Adyen signs inside the body, which therefore has to be JSON')
  }
}

function additionalDataOf(item: JsonObject): JsonObject {
  return isObject(item.additionalData) ? item.additionalData : {}
}

function otherDigit(digit: string): string {
  return digit === '9' ? '8' : '9'
}
