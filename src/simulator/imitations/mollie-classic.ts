import { any2xx } from '../answer.ts'
import { defineImitation } from '../imitation.ts'
import { FORM_TYPE, form } from '../write-body.ts'

/** Source: docs.mollie.com, "Webhooks". Unsigned by design: whoever receives it fetches the payment. */
export const mollieClassic = defineImitation({
  name: 'mollie-classic',
  title: 'Mollie (classic webhooks)',
  sample: {
    file: 'mollie-payment.json',
    contentType: FORM_TYPE,
    write: form,
    renew: ({ ids }) => ({ id: `tr_${ids.letters('payment', 10)}` }),
  },
  request: () => ({ headers: { 'User-Agent': 'Mollie HTTP client/1.0' } }),
  taken: any2xx,
  timeoutMs: 15_000,
})
