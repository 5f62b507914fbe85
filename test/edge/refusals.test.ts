import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type DnsServer, startDnsServer } from '../world/dns-server.ts'
import { eventually } from '../world/eventually.ts'
import { ACCEPTED, type Answer, answersOn, type EdgeWorld, openSocket, REFUSALS, startEdge } from './world.ts'

type Reason = keyof typeof REFUSALS

let world: EdgeWorld
/** Everything comes through a proxy here, so that tests choose their source address. */
let dns: DnsServer

const OURS = '203.0.113.5'
const from = (address: string) => ({ 'x-forwarded-for': address })

beforeAll(async () => {
  dns = await startDnsServer()
  world = await startEdge(
    {
      TRUSTED_PROXIES: '127.0.0.1',
      RETRIEVE_ALLOWED_LIST: `${OURS}, slow.example`,
      DNS_SERVERS: dns.address,
      DNS_BUDGET_MS: '5000',
      BODY_WAIT_MS: '700',
      BODY_BYTES_MAX: '4000',
      COMPRESSED_BYTES_MAX: '1000',
      BODY_DEPTH_MAX: '10',
      PENDING_BYTES_MAX: '5000',
      HEADER_BYTES_MAX: '4096',
      CONNECTIONS_PER_ADDRESS_MAX: '1',
    },
    undefined,
    { fetchText: async () => undefined },
  )
})
afterAll(async () => {
  await world.close()
  await dns.close()
})

interface Case {
  /** Provokes the refusal; gives the id that was called. */
  provoke(): Promise<{ answer: Answer; id: string; source?: string }>
  status: number
  error: string
  headers?: Record<string, string>
}

async function sent(definition: object, body: string, headers: Record<string, string> = {}) {
  const id = await world.integration(definition)
  return { id, answer: await world.send(id, body, { ...from(OURS), ...headers }) }
}

const RETRY = { 'retry-after': '10' }

const CASES: Record<Reason, Case> = {
  not_allowed: {
    async provoke() {
      const id = await world.integration()
      return { id, answer: await world.send(id, '{}', from('2001:db8::7')), source: '2001:db8::7' }
    },
    status: 403,
    error: "This domain/IP (2001:db8::7) isn't authorized on Retrieve",
  },
  address_undecided: {
    async provoke() {
      dns.setDefault({ silent: true })
      const id = await world.integration()
      const answer = await world.send(id, '{}', from('198.51.100.9'))
      dns.setDefault({ rcode: 3 })
      return { id, answer, source: '198.51.100.9' }
    },
    status: 503,
    error: 'The domain of this IP (198.51.100.9) could not be looked up in time',
    headers: RETRY,
  },
  malformed_address: {
    async provoke() {
      const id = await world.integration()
      return { id, answer: await world.send(id, '{}', from('203.0.113.5, ja"ck')), source: '127.0.0.1' }
    },
    status: 400,
    error: 'The source address cannot be read: "ja\\"ck" is not an address',
  },
  no_webhook_address: {
    provoke: async () => ({ id: '', answer: await world.ask('/integration/a/b', { headers: from(OURS) }) }),
    status: 404,
    error: 'Webhooks are sent to /integration/<id>',
  },
  unknown_integration: {
    provoke: async () => ({ id: 'nobody-knows', answer: await world.send('nobody-knows', '{}', from(OURS)) }),
    status: 404,
    error: 'There is no such integration',
  },
  application_disabled: {
    async provoke() {
      const closed = await world.api.application('closed', { webhooksEnabled: false })
      const { id } = await world.api.integration(closed.id, { nodes: [{ id: 'n', kind: 'transform' }] })
      return { id, answer: await world.send(id, '{}', from(OURS)) }
    },
    status: 403,
    error: 'Webhooks are disabled for this application',
  },
  integration_disabled: {
    async provoke() {
      const id = await world.integration({}, { enabled: false })
      return { id, answer: await world.send(id, '{}', from(OURS)) }
    },
    status: 403,
    error: 'This integration is disabled',
  },
  method_not_allowed: {
    async provoke() {
      const id = await world.integration()
      const answer = await world.ask(`/integration/${id}`, { method: 'PUT', body: '{}', headers: from(OURS) })
      return { id, answer }
    },
    status: 405,
    error: 'Webhooks are sent with POST',
    headers: { allow: 'POST' },
  },
  rate_limited: {
    async provoke() {
      const id = await world.integration({ limits: { requestsPerSecondMax: 0.01 } })
      expect(await world.send(id, '{}', from(OURS))).toMatchObject(ACCEPTED)
      return { id, answer: await world.send(id, '{}', from(OURS)) }
    },
    status: 429,
    error: 'Too many requests for this integration',
    headers: RETRY,
  },
  too_many_connections: {
    async provoke() {
      // An address that is not the proxy's, of which any number of connections is welcome.
      const [first, second] = [1, 2].map(() =>
        connect({ port: world.port, host: '127.0.0.1', localAddress: '127.0.0.2' }),
      ) as [Socket, Socket]
      await Promise.all([once(first, 'connect'), once(second, 'connect')])
      const answers = answersOn(second)
      second.write('POST /integration/any HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{}')
      const answer = readRaw(await answers)
      first.destroy()
      return { id: '', answer, source: '127.0.0.2' }
    },
    status: 429,
    error: 'Too many connections from this address',
    headers: RETRY,
  },
  not_http: {
    provoke: async () => ({
      id: '',
      answer: readRaw(await world.raw('NONSENSE\r\n\r\n')),
      source: '127.0.0.1',
    }),
    status: 400,
    error: 'This is not an HTTP request',
  },
  headers_too_large: {
    async provoke() {
      const id = await world.integration()
      return {
        id: '',
        answer: await world.send(id, '{}', { ...from(OURS), 'x-much': 'x'.repeat(5_000) }),
        source: '127.0.0.1',
      }
    },
    status: 431,
    error: 'The headers are larger than 4096 bytes',
  },
  body_too_large: {
    provoke: () => sent({ limits: { bodyBytesMax: 20 } }, '{"id":"123456789012"}'),
    status: 413,
    error: 'The body is larger than 20 bytes',
  },
  too_slow: {
    async provoke() {
      const id = await world.integration()
      const head = `POST /integration/${id} HTTP/1.1\r\nhost: x\r\nx-forwarded-for: ${OURS}\r\ncontent-length: 9\r\n\r\n{`
      return { id, answer: readRaw(await world.raw(head, { until: /\}$/ })) }
    },
    status: 408,
    error: 'The request did not arrive in time',
    headers: RETRY,
  },
  broken_off: {
    async provoke() {
      const id = await world.integration()
      const socket = await openSocket(world.port)
      const answers = answersOn(socket)
      socket.end(
        `POST /integration/${id} HTTP/1.1\r\nhost: x\r\nx-forwarded-for: ${OURS}\r\ncontent-length: 9\r\n\r\n{`,
      )
      return { id, answer: readRaw(await answers) }
    },
    status: 400,
    error: 'The request broke off before its end',
    headers: RETRY,
  },
  unproven: {
    provoke: () =>
      sent({ proof: { scheme: 'header', header: 'X-Proof', secrets: [{ secret: 'open sesame' }] } }, '{}'),
    status: 401,
    error: 'The proof of the sender is missing or wrong',
  },
  key_unavailable: {
    async provoke() {
      const paths = [1, 2].map((key) => [
        `x-adobe-public-key${key}-path`,
        `/prod/keys/pub-key-0000-000${key}.pem`,
      ])
      const signatures = [1, 2].map((key) => [`x-adobe-digital-signature-${key}`, 'c2lnbmF0dXJl'])
      const body = '{"event_id":"1","recipient_client_id":"client-1"}'
      const headers = Object.fromEntries([...paths, ...signatures]) as Record<string, string>
      return sent({ source: 'adobe-io-events', proof: { clientId: 'client-1' } }, body, headers)
    },
    status: 503,
    error: 'The key to check the sender with cannot be had at the moment',
    headers: RETRY,
  },
  wrong_certificate: {
    provoke: () => sent({ clientCertificate: { subjects: ['CN=shop'] } }, '{}'),
    status: 403,
    error: 'The client certificate is missing or is not the one agreed on',
  },
  not_awaited: {
    async provoke() {
      const { id } = await sent({ source: 'tilby', proof: {} }, '{}')
      await world.api.call('POST', `/integrations/${id}/handshake/await`, { minutes: 0 })
      const subscribed = '{"type":"SUBSCRIBED","entity_name":"sales","environment_id":"e","client_id":"c"}'
      return { id, answer: await world.send(id, subscribed, from(OURS)) }
    },
    status: 403,
    error: 'This integration does not wait for a handshake',
  },
  unsupported_media_type: {
    provoke: () => sent({}, 'GIF89a', { 'content-type': 'image/gif' }),
    status: 415,
    error: 'This content cannot be read: the content type image/gif is not supported',
  },
  unsupported_encoding: {
    provoke: () => sent({}, '{}', { 'content-encoding': 'zstd' }),
    status: 415,
    error: 'This Content-Encoding cannot be undone: the content encoding "zstd" is not supported',
  },
  empty_body: { provoke: () => sent({}, ''), status: 400, error: 'The body is empty' },
  unreadable: {
    provoke: () => sent({}, '{\n  "id": }'),
    status: 400,
    error: 'The body cannot be read: not valid JSON: expected a value (line 2, column 9)',
  },
  too_complex: {
    provoke: () => sent({}, `${'['.repeat(11)}${']'.repeat(11)}`),
    status: 400,
    error: 'The body is too complex: nested deeper than 10 levels (line 1, column 11)',
  },
  not_stored: {
    provoke: () => sent({ limits: { bodyBytesMax: 10_000 } }, JSON.stringify('x'.repeat(6_000))),
    status: 503,
    error: 'The event cannot be stored at the moment',
    headers: RETRY,
  },
  defect: {
    async provoke() {
      const id = await world.integration()
      await world.sql.unsafe(`ALTER TABLE events ADD CONSTRAINT broken CHECK (integration_id <> '${id}')`)
      return { id, answer: await world.send(id, '{}', from(OURS)) }
    },
    status: 500,
    error: 'An internal error occurred',
    headers: RETRY,
  },
}

function readRaw(text: string): Answer {
  const [head = '', body = ''] = text.split('\r\n\r\n')
  const [statusLine = '', ...lines] = head.split('\r\n')
  const headers = Object.fromEntries(
    lines.map((line) => [
      line.slice(0, line.indexOf(':')).toLowerCase(),
      line.slice(line.indexOf(':') + 1).trim(),
    ]),
  )
  return { status: Number(statusLine.split(' ')[1]), headers, body }
}

describe('a refusal', () => {
  test('of every reason in the table has a test', () => {
    expect(Object.keys(CASES).toSorted()).toEqual(Object.keys(REFUSALS).toSorted())
  })

  test.each(Object.entries(CASES))('%s is answered, written down and counted', async (reason, expected) => {
    const before = await world.counted(reason)
    const { answer, id, source = OURS } = await expected.provoke()
    expect(answer.status).toBe(expected.status)
    expect(answer.body).toBe(JSON.stringify({ result: false, error: expected.error }))
    expect(answer.headers['content-type']).toBe('application/json')
    expect(answer.headers['retry-after']).toBe(expected.headers?.['retry-after'])
    expect(answer.headers.allow).toBe(expected.headers?.allow)
    await eventually(async () => expect(await world.counted(reason)).toBe(before + 1))
    const [row] = await eventually(async () => {
      const rows = await world.requests(`outcome=${reason}`)
      expect(rows).toHaveLength(before + 1)
      return rows
    })
    expect(row).toMatchObject({
      outcome: reason,
      status: expected.status,
      sourceIp: source,
      integrationId: id,
    })
    expect(row?.detail).toEqual(expect.stringMatching(/./))
    const line = world.lines.findLast((text) => text.includes(`"outcome":"${reason}"`)) ?? '{}'
    expect(JSON.parse(line)).toMatchObject({ sourceIp: source, integrationId: id, status: expected.status })
  })

  test('that says "come again" in the table sends Retry-After, and only such a one', () => {
    for (const [reason, { tryAgain }] of Object.entries(REFUSALS)) {
      expect([reason, CASES[reason as Reason].headers?.['retry-after'] !== undefined]).toEqual([
        reason,
        tryAgain,
      ])
    }
  })

  test('is in the table of the README, word for word', () => {
    const readme = readFileSync('README.md', 'utf8').replaceAll('&lt;', '<')
    for (const [reason, { status, sentence }] of Object.entries(REFUSALS)) {
      const row = readme.split('\n').find((line) => line.startsWith('|') && line.includes(`\`${reason}\``))
      expect(row, `README.md has no row for ${reason}`).toBeDefined()
      expect(row).toContain(String(status))
      expect(row).toContain(sentence.replace('{detail}', '…').replace('{service}', 'Retrieve'))
    }
  })
})

test('SERVICE_NAME takes the place of Retrieve in the sentence', async () => {
  const other = await startEdge({ SERVICE_NAME: '$& Hooks', RETRIEVE_ALLOWED_LIST: '' })
  try {
    const answer = await other.send(await other.integration())
    expect(JSON.parse(answer.body).error).toBe("This domain/IP (127.0.0.1) isn't authorized on $& Hooks")
  } finally {
    await other.close()
  }
})
