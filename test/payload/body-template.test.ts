import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { DEFAULT_BODY_LIMITS } from '../../src/payload/body-limits.ts'
import {
  type BodyLanguage,
  compileBodyTemplate,
  languageOf,
  renderBody,
} from '../../src/payload/body-template.ts'
import { isObject, type Json, parseExact } from '../../src/payload/exact-json.ts'
import { readAlwaysList, readXml } from '../../src/payload/read-xml.ts'
import type { CompileOptions } from '../../src/payload/template.ts'
import { anyText } from '../world/any-text.ts'

function render(language: BodyLanguage, text: string, scope: Json, options: CompileOptions = {}): string {
  const compiled = compileBodyTemplate(text, language, options)
  if (!compiled.ok) return `not compiled: ${compiled.message}`
  const rendered = renderBody(compiled.template, scope)
  return rendered.ok ? rendered.text : `not rendered: ${rendered.message}`
}

const hardText = fc.oneof(
  fc.string(),
  anyText(),
  fc.constantFrom('"', '\\', '\\"', '\0', '\0' + '0\0', ']]>', '-->', '</a>', '&lt;', '","admin":true,"x":"'),
)

describe('JSON', () => {
  const ITEM = parseExact(
    '{"id":820982911946154508123,"huge":1e400,"name":"A \\"q\\" \\\\ \\n","no":false,"nothing":null,"list":[1,{"a":"b"}]}',
  )

  test.each([
    ['{"id":{{ id }},"huge":{{ huge }}}', '{"id":820982911946154508123,"huge":1e400}'],
    [
      '{"id":"{{ id }}","of":"no. {{ id }}!"}',
      '{"id":"820982911946154508123","of":"no. 820982911946154508123!"}',
    ],
    ['{"name":"{{ name }}"}', '{"name":"A \\"q\\" \\\\ \\n"}'],
    [
      '{"name":{{ name }},"up":{{ name | upcase }}}',
      '{"name":"A \\"q\\" \\\\ \\n","up":"A \\"Q\\" \\\\ \\n"}',
    ],
    ['{"no":{{ no }},"nothing":{{ nothing }},"n":"{{ nothing }}"}', '{"no":false,"nothing":null,"n":""}'],
    [
      '{"list":{{ list }},"same":{{ list | json }},"text":"{{ list }}"}',
      '{"list":[1,{"a":"b"}],"same":[1,{"a":"b"}],"text":"[1,{\\"a\\":\\"b\\"}]"}',
    ],
    ['{"name":{{ name | json }}}', '{"name":"A \\"q\\" \\\\ \\n"}'],
    [
      '[{% for one in list %}{{ one }}{% unless forloop.last %},{% endunless %}{% endfor %}]',
      '[1,{"a":"b"}]',
    ],
    ['{"sum":{{ 2 | plus: 3 }},"first":{{ list | first }}}', '{"sum":5,"first":1}'],
    ['{"{{ name | slice: 0 }}":1}', '{"A":1}'],
    ['{{ list }}', '[1,{"a":"b"}]'],
  ])('%s', (template, expected) => {
    expect(render('json', template, ITEM)).toBe(expected)
  })

  test('a field never becomes structure, in quotes or out of them', () => {
    fc.assert(
      fc.property(hardText, (text) => {
        const rendered = render('json', '{"in":"<{{ t }}>","out":{{ t }},"end":1}', { t: text })
        expect(JSON.parse(rendered)).toEqual({ in: `<${text}>`, out: text, end: 1 })
      }),
    )
  })

  test('any value outside of quotes stays what it is', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const rendered = render('json', '{"v":{{ v }}}', { v: value as Json })
        expect(JSON.parse(rendered)).toEqual(JSON.parse(JSON.stringify({ v: value })))
      }),
    )
  })

  test('what does not come out as JSON says where, and shows nothing of the payload', () => {
    const said = render('json', '{"a":{{ t }},\n"b":}', { t: 'hush' })
    expect(said).toBe('not rendered: the result is not JSON: expected a value (line 2, column 5)')
    expect(render('json', '{"a":"\\{{ t }}"}', { t: 'n' })).toContain('behind a backslash')
    expect(render('json', '', {})).toContain('not JSON')
  })

  test('an unknown field is an error, or null and an empty text where that is asked for', () => {
    expect(render('json', '{"a":{{ x }}}', {})).toContain('unknown field x')
    expect(render('json', '{"a":{{ x }},"b":"{{ x.y }}"}', {}, { unknownFields: 'empty' })).toBe(
      '{"a":null,"b":""}',
    )
  })
})

describe('XML', () => {
  test('a field is text in elements, attributes and CDATA sections', () => {
    const item = { t: '<b> & "q" \'s\' ]]>\n', n: 5 }
    expect(render('xml', '<a b="{{ t }}" c=\'{{ n }}\'>{{ t }}<c><![CDATA[x{{ t }}y]]></c></a>', item)).toBe(
      '<a b="&lt;b&gt; &amp; &quot;q&quot; &apos;s&apos; ]]&gt;&#10;" c=\'5\'>' +
        '&lt;b&gt; &amp; &quot;q&quot; &apos;s&apos; ]]&gt;\n' +
        '<c><![CDATA[x]]>&lt;b&gt; &amp; &quot;q&quot; &apos;s&apos; ]]&gt;\n<![CDATA[y]]></c></a>',
    )
  })

  test('a field comes back as it went in, or is refused as no text of XML', () => {
    const template =
      '<?xml version="1.0"?><!-- <a b="> --><a b="{{ t }}"><c>[{{ t }}]</c><d><![CDATA[[{{ t }}]]]></d></a>'
    fc.assert(
      fc.property(hardText, (text) => {
        const rendered = render('xml', template, { t: text })
        if (rendered === 'not rendered: a field holds a character that XML does not allow') {
          expect(text).toMatch(/[\u0000-\u001f\ud800-\udfff\ufffe\uffff]/)
          return
        }
        const read = readXml(rendered, DEFAULT_BODY_LIMITS, readAlwaysList([]))
        if (!read.ok || !isObject(read.value)) throw new Error(`cannot be read: ${rendered}`)
        expect(read.value).toEqual({ a: { '@b': text, c: `[${text}]`, d: `[${text}]` } })
      }),
    )
  })

  test.each([
    ['<{{ t }}/>', 'tag'],
    ['<a {{ t }}="1"/>', 'tag'],
    ['<a><!-- {{ t }} --></a>', 'comment'],
    ['<?x {{ t }}?><a/>', 'instruction'],
    ['<!DOCTYPE {{ t }}><a/>', 'declaration'],
  ])('%s is refused', (template, place) => {
    expect(render('xml', template, { t: 'a' })).toContain(`a field stands in a ${place}`)
  })

  test('what is not well-formed says where', () => {
    expect(render('xml', '<a>{{ t }}</b>', { t: 'x' })).toMatch(
      /not rendered: the result is not well-formed XML.*line 1/,
    )
  })

  test('an unknown field is an error, or nothing where that is asked for', () => {
    expect(render('xml', '<a>{{ x }}</a>', {})).toContain('unknown field x')
    expect(render('xml', '<a>{{ x }}</a>', {}, { unknownFields: 'empty' })).toBe('<a></a>')
  })
})

describe('forms and text', () => {
  test('a field of a form is one name or one value', () => {
    expect(render('form', 'id={{ id }}&n={{ n }}&{{ n }}=1', { id: 7, n: 'a b&c=d+ä' })).toBe(
      'id=7&n=a+b%26c%3Dd%2B%C3%A4&a+b%26c%3Dd%2B%C3%A4=1',
    )
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), (text) => {
        const fields = new URLSearchParams(render('form', 'a={{ t }}&b=1', { t: text }))
        expect([...fields]).toEqual([
          ['a', text],
          ['b', '1'],
        ])
      }),
    )
  })

  test('a field of a text stands as it is', () => {
    expect(render('text', 'Order {{ id }} <{{ name }}>\n', { id: 5, name: 'a"&\n' })).toBe(
      'Order 5 <a"&\n>\n',
    )
  })
})

test('a loop cannot make a body without end', () => {
  const scope = { list: Array.from({ length: 20 }, () => 1), t: 'x'.repeat(100_000) }
  for (const language of ['json', 'xml', 'form', 'text'] as const)
    expect(render(language, '[{% for one in list %}"{{ t }}",{% endfor %}1]', scope)).toMatch(
      /longer than|limit/,
    )
})

test('a template with NUL characters is refused, because fields are marked by them', () => {
  expect(render('json', '{"a":"\x000\0"}', {})).toContain('not compiled')
})

test.each([
  ['application/json', 'json'],
  ['application/vnd.api+json; charset=utf-8', 'json'],
  ['Text/XML', 'xml'],
  ['application/soap+xml; charset=utf-8', 'xml'],
  ['application/x-www-form-urlencoded', 'form'],
  ['text/plain', 'text'],
  ['text/csv', 'text'],
  ['application/jsonp', 'text'],
])('%s is written as %s', (contentType, language) => {
  expect(languageOf(contentType)).toBe(language)
})
