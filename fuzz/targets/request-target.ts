import type { Arrival } from '../../src/edge/arrival.ts'
import { webhookSlug } from '../../src/edge/edge.ts'
import { redactHeaders, redactTarget } from '../../src/edge/redact.ts'
import { filled, HEADER_BYTES_MAX, joinParts, partsOf, promised, target } from '../target.ts'

const SECRET = 'S3CR3T'
const NAMED = { secret: ['hub.secret'], hidden: ['phone'] }

export const requestTarget = target({
  name: 'request-target',
  reads: 'path and query of a request, and a header and its value',
  promise: 'what is written down has no value of a parameter or header that is named like a credential',
  seeds: [
    joinParts(`/integration/a?token=${SECRET}&b=1`, 'authorization', `Bearer ${SECRET}`),
    joinParts(`/integration/a?%74oken=${SECRET}&access_token=${SECRET}`, 'x-api-key', SECRET),
    joinParts(`/integration/a?a=b=c&=&&key=${SECRET}=${SECRET}`, 'cookie', `a=${SECRET}`),
    joinParts('/integration/a', 'x-topic', 'orders'),
    joinParts(`/integration/%zz?%zz=1&code=${SECRET}`, 'x-webhook-secret', SECRET),
  ],
  words: [
    '?',
    '&',
    '=',
    '%',
    '%74',
    '+',
    'token',
    'secret',
    'key',
    'code',
    SECRET,
    '#',
    ';',
    '\n---\n',
    'authorization',
    'x-auth-token',
  ],
  bytesMax: HEADER_BYTES_MAX,
  long: {
    parameters: (bytes) => joinParts(filled(bytes, 'a=1&', '/x?'), 'a', 'b'),
    'one name': (bytes) => joinParts(filled(bytes, 'api', '/x?'), filled(bytes, 'api-'), 'b'),
    escapes: (bytes) => joinParts(filled(bytes, '%41', '/x?'), 'a', 'b'),
  },
  read(input) {
    const [path = '', name = '', value = ''] = partsOf(input, 3).map((part) => part.toString('latin1'))
    const arrival = { incoming: { rawHeaders: [name, value] } } as unknown as Arrival
    const url = `http://${name.replace(/[^A-Za-z0-9.-]/g, '')}x/`
    return {
      target: redactTarget(path, () => '***', NAMED),
      headers: redactHeaders(arrival, () => '***', NAMED),
      slug: URL.canParse(url) ? webhookSlug(url, 'example.com') : undefined,
    }
  },
  judge(_input, { target: redacted, headers }) {
    const query = redacted.slice(`${redacted}?`.indexOf('?') + 1)
    for (const [name, value] of new URLSearchParams(`&${query}`))
      if (/^(?:access_)?token$|secret|^code$|passw/i.test(name))
        promised(!value.includes(SECRET), 'no secret in an address')
    for (const [name, value] of headers)
      if (/^(?:authorization|cookie|x-api-key)$|secret/i.test(name))
        promised(!value.includes(SECRET), 'no secret in a header')
  },
})
