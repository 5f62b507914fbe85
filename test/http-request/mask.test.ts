import { describe, expect, test } from 'vitest'
import { maskHeaders, maskText, maskUrl } from '../../src/http-request/mask.ts'

const NOTHING = { names: [], texts: [] }

describe('masking', () => {
  test('hides the values of headers that carry secrets', () => {
    const names = [
      'Authorization',
      'x-api-key',
      'X-Auth-Token',
      'cookie',
      'set-cookie',
      'x-shop-secret',
      'X-Pin',
    ]
    expect(
      maskHeaders(
        names.map((name) => [name, 'hush']),
        { names: ['x-pin'], texts: [] },
      ),
    ).toEqual(names.map((name) => [name, '***']))
  })

  test('leaves headers that carry none', () => {
    const headers: [string, string][] = [
      ['idempotency-key', '0190'],
      ['webhook-id', '0190'],
      ['content-type', 'application/json'],
      ['www-authenticate', 'Basic'],
    ]
    expect(maskHeaders(headers, NOTHING)).toEqual(headers)
  })

  test('hides the values of query parameters that carry secrets, and nothing else of the address', () => {
    expect(
      maskUrl('https://a.example/p?id=1&api_key=x&t%6Fken=y&pin=z&flag&%zz=1', { names: ['pin'], texts: [] }),
    ).toBe('https://a.example/p?id=1&api_key=***&t%6Fken=***&pin=***&flag&%zz=1')
    expect(maskUrl('https://a.example/token/1', NOTHING)).toBe('https://a.example/token/1')
  })

  test('hides a known secret wherever it stands, whole even when one contains another', () => {
    const hidden = { names: [], texts: ['secret-1', 'secret-1-longer'] }
    expect(maskText('a secret-1-longer b secret-1 c', hidden)).toBe('a *** b *** c')
    expect(maskUrl('https://a.example/secret-1?x=secret-1', hidden)).toBe('https://a.example/***?x=***')
    expect(maskHeaders([['x', 'is secret-1']], hidden)).toEqual([['x', 'is ***']])
  })

  test.each([
    ['ab/cd+ef==', '{"got":"Bearer ab\\/cd+ef=="}', '{"got":"Bearer ***"}'],
    ['ab/cd+ef==', '{"got":"Bearer ab/cd\\u002Bef=="}', '{"got":"Bearer ***"}'],
    ['ab/cd+ef==', 'token=ab%2fcd%2Bef%3D%3D&x=1', 'token=***&x=1'],
    ['sécret"\\abc', JSON.stringify({ got: 'sécret"\\abc' }), '{"got":"***"}'],
    ['sécret"\\abc', '{"got":"s\\u00e9cret\\u0022\\\\abc"}', '{"got":"***"}'],
    ['a<secret>&b', '<got>a&lt;secret&gt;&amp;b</got>', '<got>***</got>'],
  ])('hides %s however an answer writes it: %s', (secret, given, shown) => {
    expect(maskText(given, { names: [], texts: [secret] })).toBe(shown)
  })

  test('does not riddle texts with a secret of a letter or two', () => {
    expect(maskText('banana', { names: [], texts: ['a', ''] })).toBe('banana')
  })
})
