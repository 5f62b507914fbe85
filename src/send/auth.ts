import type { DestinationConfig } from '../integrations/integrations.ts'
import type { Hidden } from './mask.ts'

export interface Credentials {
  headers: [name: string, value: string][]
  /** To be appended to the query, not yet encoded. */
  query: [name: string, value: string][]
  /** What gives the secret away, for masking. */
  hidden: Hidden
}

/** What a destination's auth adds to a request. */
export function credentialsOf(auth: DestinationConfig['auth']): Credentials {
  switch (auth.kind) {
    case 'none':
      return { headers: [], query: [], hidden: { names: [], texts: [] } }
    case 'basic': {
      // RFC 7617 with the UTF-8 charset.
      const pair = Buffer.from(`${auth.username}:${auth.password}`).toString('base64')
      return authorization(`Basic ${pair}`, [pair, auth.password])
    }
    case 'bearer':
      return authorization(`Bearer ${auth.token}`, [auth.token])
    case 'apiKey': {
      const hidden = { names: [auth.name], texts: [auth.value, encodeURIComponent(auth.value)] }
      if (auth.in === 'query') return { headers: [], query: [[auth.name, auth.value]], hidden }
      return { headers: [[auth.name.toLowerCase(), auth.value]], query: [], hidden }
    }
  }
}

function authorization(value: string, texts: string[]): Credentials {
  return { headers: [['authorization', value]], query: [], hidden: { names: ['authorization'], texts } }
}
