import { any2xx } from '../answer.ts'
import {
  basicProof,
  HMAC_OPTIONS,
  hmacProof,
  refuseIdleSecret,
  type Scheme,
  WRONG_OF,
} from '../chosen-scheme.ts'
import { defineImitation } from '../imitation.ts'
import { compactJson, JSON_TYPE } from '../write-body.ts'

const SCHEMES = ['none', 'basic', 'hmac'] as const satisfies Scheme[]

/**
 * Source: support.shopctrl.com, "Webhooks". It publishes neither the header nor the form of its HMAC, so both are
 * to be given as they were seen.
 */
export const shopctrl = defineImitation({
  name: 'shopctrl',
  title: 'ShopCtrl',
  credentials: { secret: 'the password of Basic or the HMAC secret', user: 'the user name of Basic' },
  options: {
    scheme: { meaning: 'how it proves itself', fallback: '', choices: SCHEMES },
    header: { meaning: 'the header that carries the HMAC' },
    ...HMAC_OPTIONS,
  },
  sample: {
    file: 'shopctrl-order.json',
    contentType: JSON_TYPE,
    write: compactJson,
    renew({ ids, now }) {
      const order = ids.integer('order', 6)
      const code = `NL-${now.getUTCFullYear()}-${order}`
      return { 'entityData.OrderId': order, 'entityData.OrderCode': code }
    },
  },
  prove(draft, pen, { option }) {
    switch (option('scheme')) {
      case 'basic':
        return basicProof(pen)
      case 'hmac':
        return hmacProof(pen, draft, {
          header: option('header'),
          algorithm: option('algorithm'),
          encoding: option('encoding'),
          prefix: option('prefix'),
        })
      case 'none':
        return {}
      default:
        refuseIdleSecret(pen, 'ShopCtrl', SCHEMES)
        return {}
    }
  },
  wrong: WRONG_OF.hmac,
  wrongWith: ({ option }) => WRONG_OF[(option('scheme') || 'none') as Scheme],
  taken: any2xx,
})
