import { any2xx } from '../answer.ts'
import { defineImitation } from '../imitation.ts'
import { JSON_TYPE, phpJson } from '../write-body.ts'
import { newOrder } from './magento-order.ts'

/** Source: aligent/magento-async-events, Service/AsyncEvent/HttpNotifier.php. */
export const magentoAligentAsyncEvents = defineImitation({
  name: 'magento-aligent-async-events',
  title: 'Aligent Async Events for Magento 2',
  credentials: { secret: 'the verification token of the subscription' },
  sample: {
    file: 'magento-order.json',
    contentType: JSON_TYPE,
    write: phpJson,
    renew: newOrder,
  },
  prove: ({ body }, pen) => ({
    headers: { 'x-magento-signature': pen.encode(pen.hmac('sha256', pen.secret(), body), 'hex') },
  }),
  wrong: ['secret', 'body', 'missing', 'encoding'],
  taken: any2xx,
  timeoutMs: 15_000,
})
