import { describe, expect, test } from 'vitest'
import { allowedHostsSchema } from '../../src/integrations/allowed-hosts.ts'
import { allowsHost } from '../../src/integrations/integrations.ts'

function allows(list: string[], url: string): boolean {
  return allowsHost(allowedHostsSchema.parse(list), new URL(url))
}

describe('a host of the list', () => {
  test.each([
    ['api.example.com', 'https://api.example.com/x', true],
    ['API.Example.com', 'https://api.example.com/x', true],
    ['api.example.com', 'https://API.EXAMPLE.COM./x', true],
    ['api.example.com', 'http://api.example.com/', true],
    ['api.example.com', 'https://api.example.com:443/', true],
    ['api.example.com', 'https://api.example.com:8443/', false],
    ['api.example.com', 'http://api.example.com:443/', false],
    ['api.example.com:8443', 'https://api.example.com:8443/', true],
    ['api.example.com:8443', 'https://api.example.com/', false],
    ['api.example.com:443', 'https://api.example.com/', true],
    ['api.example.com', 'https://example.com/', false],
    ['api.example.com', 'https://evil-api.example.com/', false],
    ['api.example.com', 'https://api.example.com.evil.example/', false],
    ['api.example.com', 'https://api.example.com@evil.example/', false],
    ['*.example.com', 'https://a.example.com/', true],
    ['*.example.com', 'https://a.b.example.com/', true],
    ['*.example.com', 'https://example.com/', false],
    ['*.example.com', 'https://badexample.com/', false],
    ['*.example.com:8443', 'https://a.example.com:8443/', true],
    ['203.0.113.7:8080', 'http://203.0.113.7:8080/', true],
    ['203.0.113.7', 'http://0313.0.0161.7/', true],
    ['[2001:db8::1]:8080', 'http://[2001:db8:0::1]:8080/', true],
  ])('%s, asked for %s: %s', (entry, url, expected) => {
    expect(allows([entry], url)).toBe(expected)
  })

  test('an empty list allows nothing', () => {
    expect(allows([], 'https://api.example.com/')).toBe(false)
  })
})

test.each([
  '*',
  '*.com',
  '*.*.example.com',
  'a.*.example.com',
  'https://api.example.com',
  'api.example.com/x',
  'api.example.com:0',
  'api.example.com:70000',
  'user@api.example.com',
  'bücher.example',
  '127.1',
  '0x7f.0.0.1',
  '*.0.0.1',
  '[2001:db8:0::1]',
  '',
  ' api.example.com',
])('%s is no entry', (entry) => {
  expect(allowedHostsSchema.safeParse([entry]).success).toBe(false)
})
