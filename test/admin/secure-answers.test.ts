import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ADMIN_KEY, startTestGateway, type TestGateway } from '../world/gateway.ts'

let plain: TestGateway
let https: TestGateway

beforeAll(async () => {
  plain = await startTestGateway()
  const env = { PUBLIC_URL: 'https://hooks.example', FAILED_KEYS_PER_MINUTE: '1' }
  https = await startTestGateway({ env })
})
afterAll(async () => {
  await https?.close()
  await plain?.close()
})

const KEY = { authorization: `Bearer ${ADMIN_KEY}` }
const answers: [what: string, status: number, path: string, init: RequestInit][] = [
  ['a list', 200, '/api/v1/applications', { headers: KEY }],
  ['nothing', 404, '/api/v1/applications/none', { headers: KEY }],
  ['a refusal', 401, '/api/v1/applications', {}],
  ['a wrong request', 400, '/api/v1/applications', { headers: KEY, method: 'POST', body: '{}' }],
  [
    'another type of body',
    415,
    '/api/v1/applications',
    { headers: { ...KEY, 'content-type': 'text/plain' }, method: 'POST', body: 'x' },
  ],
  [
    'a body that is too large',
    413,
    '/api/v1/applications',
    { headers: KEY, method: 'POST', body: ' '.repeat(5_000_000) },
  ],
  ['an address that does not exist', 404, '/nothing', {}],
  ['the document', 200, '/api/v1/openapi.json', {}],
  ['health', 200, '/health/live', {}],
  ['metrics', 200, '/metrics', {}],
]

describe('every answer', () => {
  test.each(answers)('%s (%i) is not kept, framed, sniffed or run', async (_what, status, path, init) => {
    const headers = { 'content-type': 'application/json', origin: 'https://evil.example', ...init.headers }
    const response = await fetch(`${plain.url}${path}`, { ...init, headers })
    expect(response.status).toBe(status)
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'x-content-type-options': 'nosniff',
      'cache-control': 'no-store',
      'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
      'x-frame-options': 'DENY',
      'referrer-policy': 'no-referrer',
      'cross-origin-resource-policy': 'same-origin',
    })
    const names = [...response.headers.keys()]
    expect(names.filter((name) => name.startsWith('access-control') || name === 'x-powered-by')).toEqual([])
    expect(names).not.toContain('strict-transport-security')
  })

  test('tells browsers to come over HTTPS, where they do', async () => {
    const [first, second] = [await get('wrong'), await get('wrong again')]
    expect([first.status, second.status]).toEqual([401, 429])
    for (const { headers } of [first, second])
      expect(headers.get('strict-transport-security')).toBe('max-age=31536000')
  })

  const get = (key: string) =>
    fetch(`${https.url}/api/v1/applications`, { headers: { authorization: `Bearer ${key}` } })

  test('to a preflight lets no other origin in', async () => {
    const headers = { origin: 'https://evil.example', 'access-control-request-method': 'DELETE' }
    const response = await fetch(`${plain.url}/api/v1/applications`, { method: 'OPTIONS', headers })
    expect(response.status).toBe(401)
    expect([...response.headers.keys()].filter((name) => name.startsWith('access-control'))).toEqual([])
  })
})
