import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Json } from '../../src/payload/exact-json.ts'
import { compileUrlTemplate, renderUrl } from '../../src/payload/url-template.ts'
import { anyText } from '../world/any-text.ts'

function url(text: string, scope: Json = {}): string {
  const compiled = compileUrlTemplate(text)
  if (!compiled.ok) return `not compiled: ${compiled.message}`
  const rendered = renderUrl(compiled.template, scope)
  return rendered.ok ? rendered.text : `refused: ${rendered.message}`
}

test.each<[string, Json, string]>([
  ['https://api.example.com', {}, 'https://api.example.com/'],
  ['http://127.0.0.1:8080/in', {}, 'http://127.0.0.1:8080/in'],
  ['http://[::1]:8080/{{ a }}', { a: 1 }, 'http://[::1]:8080/1'],
  [
    'https://a.example/o/{{ id }}.{{ f }}?q={{ q }}',
    { id: 820982911946154508n, f: 'json', q: 'a&b=c d' },
    'https://a.example/o/820982911946154508.json?q=a%26b%3Dc%20d',
  ],
  ['https://a.example?x={{ x }}', { x: '..' }, 'https://a.example/?x=..'],
  ['https://a.example/{{ x }}', { x: 'a/../b?c#d\\e%2e' }, 'https://a.example/a%2F..%2Fb%3Fc%23d%5Ce%252e'],
  ['https://a.example/{% if x %}{{ x }}{% else %}none{% endif %}', {}, 'https://a.example/none'],
  ['https://a.example/{{ x }}', { x: 'é€😀' }, 'https://a.example/%C3%A9%E2%82%AC%F0%9F%98%80'],
])('%s', (text, scope, expected) => {
  expect(url(text, scope)).toBe(expected)
})

test.each([
  '{{ url }}',
  'https://{{ host }}/x',
  'https://a.example{{ x }}/y',
  'https://a{% if x %}.evil{% endif %}.example/',
  'https://a.example:{{ port }}/',
  'https://user:pw@a.example/',
  'https://a.example@b.example/',
  'https://a.example:99999/',
  'ftp://a.example/',
  'file:///etc/passwd',
  '//a.example/',
  '/path',
  'https:///x',
  'https://a.example\\@b.example/',
  'https://a.example#{{ x }}',
  'https://a.example/a b',
  'https://a.example/a\nb',
  'https://a.example/../x',
  'https://a.example/%2e%2E/x',
  'https://a.example/{{ x',
  'https://a.example/{% include "x" %}',
])('%s is not compiled', (text) => {
  expect(url(text)).toMatch(/^not compiled: /)
})

describe('fields are refused that', () => {
  test.each(['.', '..', '...'])('make %s a part of the path', (x) => {
    expect(url('https://a.example/a/{{ x }}/b', { x })).toContain('refused: a field makes')
    expect(url('https://a.example/a/{{ x }}', { x })).toContain('refused: a field makes')
  })

  test('make one together with the text beside them', () => {
    expect(url('https://a.example/a/.{{ x }}/b', { x: '.' })).toContain('refused: a field makes')
    expect(url('https://a.example/a/{{ x }}{{ x }}', { x: '.' })).toContain('refused: a field makes')
    expect(url('https://a.example/a/%2e{{ x }}', { x: '.' })).toContain('refused: a field makes')
  })

  test.each(['a\r\nb', '\u0000', '\t', '\u007f', '\u0085'])('hold control characters: %j', (x) => {
    expect(url('https://a.example/?x={{ x }}', { x })).toContain('refused: a field in a URL holds a control')
  })

  test('hold half a character', () => {
    expect(url('https://a.example/{{ x }}', { x: '\ud800' })).toContain('half a character')
  })

  test('are unknown, or make the URL too long', () => {
    expect(url('https://a.example/{{ nope }}')).toContain('unknown field nope')
    expect(url('https://a.example/{{ x }}', { x: 'a'.repeat(8_000) })).toContain('longer than 8000')
  })
})

test('no field leads to another host, path or parameter', () => {
  fc.assert(
    fc.property(anyText(), anyText(), (segment, query) => {
      const result = url('https://a.example:8443/v1/{{ s }}/end?q={{ q }}&z=1', { s: segment, q: query })
      if (result.startsWith('refused: ')) return
      const parsed = new URL(result)
      expect(parsed.origin).toBe('https://a.example:8443')
      expect(parsed.pathname.split('/').map(decodeURIComponent)).toEqual(['', 'v1', segment, 'end'])
      expect([...parsed.searchParams]).toEqual([
        ['q', query],
        ['z', '1'],
      ])
      expect(parsed.hash).toBe('')
    }),
    { numRuns: 500 },
  )
})
