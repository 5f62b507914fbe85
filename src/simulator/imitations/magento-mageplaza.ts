import { onlyStatus } from '../answer.ts'
import { basicProof, refuseIdleSecret, type Scheme, WRONG_OF } from '../chosen-scheme.ts'
import { defineImitation } from '../imitation.ts'
import { compactJson, JSON_TYPE } from '../write-body.ts'
import { newOrder } from './magento-order.ts'

const SCHEMES = ['none', 'basic', 'header'] as const satisfies Scheme[]

/**
 * Source: mageplaza/magento-2-webhook, Helper/Data.php. Its "Digest" is a header that the administrator computes
 * once, so it is the scheme `header` with the header Authorization.
 */
export const magentoMageplaza = defineImitation({
  name: 'magento-mageplaza',
  title: 'Mageplaza Webhook for Magento 2',
  credentials: { secret: 'the password or the value of the header', user: 'the user name of Basic' },
  options: {
    scheme: { meaning: 'how it proves itself', fallback: '', choices: SCHEMES },
    header: { meaning: 'the header that carries the secret', fallback: 'X-Webhook-Secret' },
    method: {
      meaning: 'as configured',
      fallback: 'POST',
      choices: ['POST', 'PUT', 'PATCH', 'DELETE', 'GET'],
    },
  },
  sample: {
    file: 'magento-order.json',
    contentType: JSON_TYPE,
    write: compactJson,
    renew: newOrder,
  },
  request: ({ option }) => ({ method: option('method') }),
  prove(_draft, pen, { option }) {
    switch (option('scheme')) {
      case 'basic':
        return basicProof(pen)
      case 'header':
        return { headers: { [option('header')]: pen.token() } }
      case 'none':
        return {}
      default:
        refuseIdleSecret(pen, 'Mageplaza Webhook', SCHEMES)
        return {}
    }
  },
  wrong: WRONG_OF.basic,
  wrongWith: ({ option }) => WRONG_OF[(option('scheme') || 'none') as Scheme],
  taken: onlyStatus(200, 201),
})
