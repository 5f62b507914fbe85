import { randomBytes } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { checkDestination } from '../../src/integrations/destination-config.ts'
import { createSealer } from '../../src/platform/sealing.ts'

const GIVEN = { kind: 'http', url: 'https://erp.example/orders/{{ id }}' }

function problemsOf(rest: object): string[] {
  const checked = checkDestination({ ...GIVEN, ...rest })
  return checked.ok ? [] : checked.problems.map(({ path, message }) => `${path}: ${message}`)
}

describe('the config of a destination', () => {
  test('needs an address, and has a sensible value for everything else', () => {
    expect(checkDestination(GIVEN)).toMatchObject({
      ok: true,
      config: {
        ...GIVEN,
        method: 'POST',
        headers: {},
        format: 'json',
        auth: { kind: 'none' },
        timeoutMs: 30_000,
        success: ['2xx'],
        retry: { triesMax: 12, firstDelayMs: 10_000, factor: 3, delayMaxMs: 21_600_000 },
      },
    })
    expect(problemsOf({ url: '' })).toHaveLength(1)
    expect(checkDestination({ kind: 'http' })).toMatchObject({ ok: false })
    expect(checkDestination(null)).toMatchObject({ ok: false })
  })

  test.each([
    'Host',
    'Content-Length',
    'transfer-encoding',
    'Connection',
    'Keep-Alive',
    'Upgrade',
    'TE',
    'Trailer',
    'Expect',
    'Proxy-Authorization',
    'Idempotency-Key',
    'webhook-id',
    'Sluice-Attempt',
    'x y',
    'x:y',
    'ä',
    '',
    'x\r\ny',
  ])('cannot set the header %j', (name) => {
    expect(problemsOf({ headers: { [name]: 'x' } }).join()).toContain('headers')
    expect(problemsOf({ auth: { kind: 'apiKey', in: 'header', name, value: 'x' } }).join()).toContain(
      'auth.name',
    )
  })

  test('cannot set a header twice, or one that auth sets', () => {
    expect(problemsOf({ headers: { 'X-A': '1', 'x-a': '2' } }).join()).toContain('twice')
    expect(problemsOf({ headers: { Authorization: 'x' } })).toEqual([])
    const auth = { kind: 'bearer', token: 'abc' }
    expect(problemsOf({ headers: { Authorization: 'x' }, auth }).join()).toContain('auth')
    const key = { kind: 'apiKey', in: 'header', name: 'X-Key', value: 'abc' }
    expect(problemsOf({ headers: { 'x-key': 'x' }, auth: key }).join()).toContain('auth')
  })

  test('may set its own content type and user agent', () => {
    expect(problemsOf({ headers: { 'Content-Type': 'application/vnd.x+json', 'User-Agent': 'x' } })).toEqual(
      [],
    )
  })

  test.each([
    [{ kind: 'bearer', token: 'a b' }],
    [{ kind: 'bearer', token: '' }],
    [{ kind: 'bearer', token: 'a\r\nx: y' }],
    [{ kind: 'basic', username: 'a:b', password: 'c' }],
    [{ kind: 'basic', username: 'a', password: 'c\n' }],
    [{ kind: 'apiKey', in: 'header', name: 'x-key', value: 'ä' }],
    [{ kind: 'apiKey', in: 'cookie', name: 'x-key', value: 'a' }],
    [{ kind: 'digest' }],
    [{ kind: 'none', token: 'x' }],
  ])('refuses the auth %j', (auth) => {
    expect(problemsOf({ auth })).not.toEqual([])
  })

  test.each([
    'erp.example/orders',
    'ftp://erp.example/',
    'https://{{ host }}/',
    'https://erp.example:{{ port }}/',
    '{{ scheme }}://erp.example/',
    'https://erp{{ x }}.example/',
    'https://u:p@erp.example/',
    'https://erp.example/{{',
    'https://erp.example/a b',
    'https://erp.example/{% include "x" %}',
    'https://erp.example/../{{ id }}',
  ])('refuses the address %j', (url) => {
    expect(problemsOf({ url }).join()).toContain('url')
  })

  test('refuses a header whose template cannot be read', () => {
    expect(problemsOf({ headers: { 'X-Id': '{{ id' } }).join()).toContain('headers.X-Id')
  })

  test('is accepted as it is stored, with sealed secrets, also the longest', () => {
    const sealer = createSealer(randomBytes(32))
    for (const password of ['', 'ä'.repeat(10), '漢'.repeat(4_000)]) {
      const auth = { kind: 'basic', username: 'u', password }
      expect(problemsOf({ auth })).toEqual([])
      expect(problemsOf({ auth: { ...auth, password: sealer.seal(password, 'destination:1') } })).toEqual([])
    }
    expect(problemsOf({ auth: { kind: 'bearer', token: 'x'.repeat(4_001) } })).toHaveLength(1)
  })

  test.each([
    { method: 'TRACE' },
    { kind: 'ftp' },
    { format: 'csv' },
    { timeoutMs: 0 },
    { timeoutMs: 10_000_000 },
    { success: [] },
    { success: [500] },
    { success: ['3xx'] },
    { retry: { triesMax: 0 } },
    { retry: { factor: 0.5 } },
    { xmlRoot: '1x' },
    { xmlRoot: 'a b' },
    { surprise: 1 },
  ])('refuses %j', (rest) => {
    expect(problemsOf(rest)).not.toEqual([])
  })

  test('a problem never shows the secret it is about', () => {
    expect(problemsOf({ auth: { kind: 'bearer', token: 'hush hush' } }).join()).not.toContain('hush')
  })
})
