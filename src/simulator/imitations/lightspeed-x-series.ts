import { any2xx } from '../answer.ts'
import { defineImitation } from '../imitation.ts'
import { compactJson, FORM_TYPE, form } from '../write-body.ts'

/**
 * Source: x-series-api.lightspeedhq.com, "Webhooks". The encoding of the digest is not published; hex is what those
 * who receive them found.
 */
export const lightspeedXSeries = defineImitation({
  name: 'lightspeed-x-series',
  title: 'Lightspeed Retail (X-Series)',
  credentials: { secret: 'the client secret of the OAuth app' },
  options: {
    domainPrefix: { meaning: 'the name of the shop', fallback: 'sluice-demo' },
  },
  sample: {
    file: 'lightspeed-sale.json',
    contentType: FORM_TYPE,
    write: (value, { option }) =>
      form({ payload: compactJson(value), domain_prefix: option('domainPrefix'), environment: 'prod' }),
    renew: ({ ids, now }) => ({
      id: ids.uuid('sale'),
      invoice_number: String(ids.integer('invoice', 6)),
      version: ids.integer('version', 10),
      updated_at: now.toISOString(),
    }),
  },
  prove({ body }, pen, { wrong }) {
    const signature = pen.encode(pen.hmac('sha256', pen.secret(), body), 'hex')
    const algorithm = wrong === 'algorithm' ? 'none' : 'HMAC-SHA256'
    return { headers: { 'X-Signature': `signature=${signature},algorithm=${algorithm}` } }
  },
  wrong: ['secret', 'body', 'missing', 'encoding', 'algorithm'],
  taken: any2xx,
  timeoutMs: 5_000,
})
