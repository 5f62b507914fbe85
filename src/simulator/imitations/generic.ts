import { any2xx } from '../answer.ts'
import {
  basicProof,
  HMAC_OPTIONS,
  hmacProof,
  refuseIdleSecret,
  type Scheme,
  unixText,
  WRONG_OF,
} from '../chosen-scheme.ts'
import { defineImitation } from '../imitation.ts'
import { compactJson, JSON_TYPE } from '../write-body.ts'

const SCHEMES = ['none', 'hmac', 'header', 'basic', 'bearer', 'query'] as const satisfies Scheme[]

/** Any system that proves itself in one of the usual ways. The sample is an order as on Retrieve's webhook page. */
export const generic = defineImitation({
  name: 'generic',
  title: 'A generic source',
  credentials: {
    secret: 'the secret, token or password, as the scheme has it',
    user: 'the user name of Basic',
  },
  options: {
    scheme: { meaning: 'how it proves itself', fallback: '', choices: SCHEMES },
    header: { meaning: 'the header of the HMAC or the secret', fallback: 'X-Signature' },
    parameter: { meaning: 'the parameter of the address that carries the secret', fallback: 'token' },
    ...HMAC_OPTIONS,
    signedText: {
      meaning: 'with {body}, {timestamp}, {method} and {url} in their places',
      fallback: '{body}',
    },
    timestampHeader: { meaning: 'the header of the timestamp', fallback: '' },
    timestampUnit: { meaning: 'since 1970', fallback: 'seconds', choices: ['seconds', 'milliseconds'] },
  },
  topic: 'order.created',
  sample: {
    file: 'order.json',
    contentType: JSON_TYPE,
    write: compactJson,
    renew({ topic, ids, now }) {
      const order = ids.integer('order', 6)
      return {
        event: topic,
        'order.id': order,
        'order.order_number': `#${order}`,
        created_at: now.toISOString(),
      }
    },
  },
  signsUrl: true,
  prove(draft, pen, { signedAt, option }) {
    switch (option('scheme')) {
      case 'hmac': {
        const timestamp = unixText(signedAt, option('timestampUnit'))
        const proof = hmacProof(pen, draft, {
          header: option('header'),
          algorithm: option('algorithm'),
          encoding: option('encoding'),
          prefix: option('prefix'),
          signedText: option('signedText'),
          timestamp,
        })
        const timestampHeader = option('timestampHeader')
        return timestampHeader === ''
          ? proof
          : { headers: { [timestampHeader]: timestamp, ...proof.headers } }
      }
      case 'header':
        return { headers: { [option('header')]: pen.token() } }
      case 'basic':
        return basicProof(pen)
      case 'bearer':
        return { headers: { Authorization: `Bearer ${pen.token()}` } }
      case 'query':
        return { parameters: { [option('parameter')]: pen.token() } }
      case 'none':
        return {}
      default:
        refuseIdleSecret(pen, 'A generic source', SCHEMES)
        return {}
    }
  },
  wrong: [...WRONG_OF.hmac, 'old', 'future', 'url'],
  wrongWith({ option }) {
    const scheme = (option('scheme') || 'none') as Scheme
    if (scheme !== 'hmac') return WRONG_OF[scheme]
    return [
      ...WRONG_OF.hmac,
      ...(option('timestampHeader') === '' ? [] : (['old', 'future'] as const)),
      ...(option('signedText').includes('{url}') ? (['url'] as const) : []),
    ]
  },
  taken: any2xx,
})
