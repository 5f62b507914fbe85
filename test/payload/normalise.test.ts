import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseExact, stringifyExact } from '../../src/payload/exact-json.ts'
import { type NormaliseOptions, normalise } from '../../src/payload/normalise.ts'
import { anyText } from '../world/any-text.ts'

const OPTIONS: NormaliseOptions = {
  forceXml: false,
  alwaysList: [],
  limits: { depthMax: 100, keysMax: 100_000 },
}

function read(body: string | Buffer, contentType?: string, options: Partial<NormaliseOptions> = {}) {
  return normalise(Buffer.from(body as string), contentType, { ...OPTIONS, ...options })
}

function outcome(
  body: string | Buffer,
  contentType?: string,
  options: Partial<NormaliseOptions> = {},
): string {
  const result = read(body, contentType, options)
  return result.ok ? `${result.format} ${result.payload}` : `${result.problem}: ${result.message}`
}

describe('the content type decides', () => {
  test.each([
    ['{"a":1}', 'application/json', 'json {"a":1}'],
    ['{"a":1}', 'text/json; charset=utf-8', 'json {"a":1}'],
    [' [1]\n', 'application/vnd.shop.v1+json', 'json  [1]\n'],
    ['"x"', 'APPLICATION/JSON', 'json "x"'],
    ['<a>1</a>', 'application/xml', 'xml {"a":"1"}'],
    ['<a>1</a>', 'text/xml', 'xml {"a":"1"}'],
    ['<a>1</a>', 'application/soap+xml; action="x"', 'xml {"a":"1"}'],
    ['a=1', 'application/x-www-form-urlencoded', 'form {"a":"1"}'],
    ['he said "x"\n', 'text/plain', 'text "he said \\"x\\"\\n"'],
    ['{"a":1}', 'text/plain', 'text "{\\"a\\":1}"'],
    ['a\u0000b', 'text/plain', 'text "a\\u0000b"'],
  ])('%j as %s', (body, contentType, expected) => {
    expect(outcome(body, contentType)).toBe(expected)
  })

  test.each([
    'multipart/form-data; boundary=x',
    'application/octet-stream',
    'text/html',
    'application/x-ndjson',
    'image/svg',
    'json',
    'application/json; charset=shift_jis',
    'application/json; charset=utf-8; charset=latin1',
    'application/json, application/json',
  ])('%s is unsupported', (contentType) => {
    expect(outcome('{"a":1}', contentType)).toMatch(/^unsupported: /)
  })

  test('and nothing else: JSON is not read as XML, nor the other way round', () => {
    expect(outcome('<a/>', 'application/json')).toMatch(/^unreadable: not valid JSON/)
    expect(outcome('{"a":1}', 'application/xml')).toMatch(/^unreadable: not well-formed XML/)
  })
})

describe('without a content type', () => {
  test.each([
    [' \n{"a":1}', 'json  \n{"a":1}'],
    ['[1]', 'json [1]'],
    ['\ufeff{"a":1}', 'json {"a":1}'],
    ['\n<a/>', 'xml {"a":""}'],
  ])('%j is believed', (body, expected) => {
    expect(outcome(body)).toBe(expected)
    expect(outcome(body, '')).toBe(expected)
  })

  test.each(['a=1', 'hello', '"text"', '1', 'true', '%7B%7D'])('%s is unsupported', (body) => {
    expect(outcome(body)).toMatch(/^unsupported: /)
  })

  test('what looks like JSON has to be JSON', () => {
    expect(outcome('{"a":')).toMatch(/^unreadable: /)
  })
})

describe('under the form type', () => {
  const form = 'application/x-www-form-urlencoded; charset=UTF-8'

  test('JSON and XML are read as what they are', () => {
    expect(outcome(' {"id":9007199254740993}', form)).toBe('json  {"id":9007199254740993}')
    expect(outcome('[1]', form)).toBe('json [1]')
    expect(outcome('<a>&amp;</a>', form)).toBe('xml {"a":"&"}')
    expect(outcome('\ufeff<a/>', form)).toBe('xml {"a":""}')
  })

  test('payload=<json> is that JSON', () => {
    expect(outcome('payload=%7B%22id%22%3A9007199254740993%7D', form)).toBe('form {"id":9007199254740993}')
  })
})

describe('the address that ends in /xml', () => {
  test.each(['application/json', 'text/plain', 'nonsense', undefined])(
    'reads XML although it says %s',
    (type) => {
      expect(outcome('<a>1</a>', type, { forceXml: true })).toBe('xml {"a":"1"}')
      expect(outcome('{"a":1}', type, { forceXml: true })).toMatch(/^unreadable: /)
    },
  )

  test('still minds the charset', () => {
    expect(
      outcome(Buffer.from('<a>é</a>', 'latin1'), 'text/plain; charset=iso-8859-1', { forceXml: true }),
    ).toBe('xml {"a":"é"}')
  })
})

test.each(['', ' \r\n\t ', '\ufeff', '\ufeff \n'])('a body of %j is empty', (body) => {
  for (const type of [undefined, 'application/json', 'text/plain', 'application/x-www-form-urlencoded', 'x'])
    expect(outcome(body, type)).toBe('empty: the body is empty')
  expect(outcome(body, undefined, { forceXml: true })).toBe('empty: the body is empty')
})

test('a UTF-16 body of blanks is empty', () => {
  expect(outcome(Buffer.from('\ufeff \n', 'utf16le'), 'application/json')).toBe('empty: the body is empty')
})

describe('the payload is the body', () => {
  const isBody = (body: string | Buffer, type?: string) => {
    const result = read(body, type)
    return result.ok && result.isBody
  }

  test('for JSON in UTF-8 without mark', () => {
    expect(isBody('{"a":"é"}', 'application/json')).toBe(true)
    expect(isBody('{"a":"b"}', 'application/json; charset=iso-8859-1')).toBe(true)
    expect(isBody('{"a":1}', 'application/x-www-form-urlencoded')).toBe(true)
  })

  test('for nothing else', () => {
    expect(isBody('\ufeff{"a":1}', 'application/json')).toBe(false)
    expect(isBody(Buffer.from('{"a":"é"}', 'latin1'), 'application/json; charset=iso-8859-1')).toBe(false)
    expect(isBody('<a/>', 'text/xml')).toBe(false)
    expect(isBody('a=1', 'application/x-www-form-urlencoded')).toBe(false)
    expect(isBody('x', 'text/plain')).toBe(false)
  })
})

test('the value is read once, exactly, and is what the payload says', () => {
  const result = read('{"id":18446744073709551616,"n":null}', 'application/json')
  if (!result.ok) throw new Error(result.message)
  expect(result.value()).toEqual({ id: 18446744073709551616n, n: null })
  expect(result.value()).toBe(result.value())
})

test('limits hold for every format', () => {
  const limits = { depthMax: 3, keysMax: 5 }
  expect(outcome('[[[[]]]]', 'application/json', { limits })).toMatch(/^too_deep/)
  expect(outcome('<a><a><a><a/></a></a></a>', 'text/xml', { limits })).toMatch(/^too_deep/)
  expect(outcome('a[b][c][d]=1', 'application/x-www-form-urlencoded', { limits })).toMatch(/^too_deep/)
  expect(outcome('[1,2,3,4,5,6]', 'application/json', { limits })).toMatch(/^too_many_keys/)
  expect(outcome('<a><b/><b/><b/><b/><b/></a>', 'text/xml', { limits })).toMatch(/^too_many_keys/)
  expect(outcome('a&b&c&d&e&f', 'application/x-www-form-urlencoded', { limits })).toMatch(/^too_many_keys/)
})

test('alwaysList makes lists', () => {
  const alwaysList = ['o.i']
  expect(outcome('<o><i>1</i></o>', 'text/xml', { alwaysList })).toBe('xml {"o":{"i":["1"]}}')
  expect(outcome('<o><i>2</i></o>', 'text/xml', { alwaysList })).toBe('xml {"o":{"i":["2"]}}')
})

const contentTypes = fc.oneof(
  fc.constantFrom(
    undefined,
    '',
    'application/json',
    'application/xml',
    'text/xml; charset=utf-16',
    'application/x-www-form-urlencoded',
    'application/x-www-form-urlencoded; charset=windows-1252',
    'text/plain; charset=iso-8859-15',
    'text/xml; charset=us-ascii',
  ),
  anyText(),
)
const pieces = fc.constantFrom(
  '<a',
  '>',
  '</a>',
  '<',
  '/>',
  ' b="',
  '"',
  '<![CDATA[',
  ']]>',
  '<!--',
  '-->',
  '<?x',
  '?>',
  '<!DOCTYPE a',
  '[',
  '&#',
  ';',
  '&amp;',
  '{',
  '}',
  '":',
  ',',
  '1',
  'é',
  'a[',
  ']=',
  '&',
  '%',
  '%E9',
  '\\',
  '\0',
  '\ufeff',
)
const bodies = fc.oneof(
  fc.uint8Array({ maxLength: 80 }).map((values) => Buffer.from(values)),
  fc.array(pieces, { maxLength: 30 }).map((parts) => Buffer.from(parts.join(''))),
  fc
    .array(pieces, { maxLength: 30 })
    .map((parts) => Buffer.from(`\ufeff<a>${parts.join('')}</a>`, 'utf16le')),
  fc.json().map((text) => Buffer.from(text)),
)

test('any bytes under any content type give a payload that is JSON, or a problem', () => {
  fc.assert(
    fc.property(bodies, contentTypes, fc.boolean(), (body, contentType, forceXml) => {
      const result = normalise(body, contentType, { ...OPTIONS, forceXml })
      if (!result.ok) {
        expect(result.message).not.toBe('')
        return
      }
      expect(stringifyExact(result.value())).toBe(stringifyExact(parseExact(result.payload)))
      expect(result.payload.isWellFormed()).toBe(true)
      if (result.isBody) expect(Buffer.from(result.payload).equals(body)).toBe(true)
    }),
    { numRuns: 5_000 },
  )
})
