import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Json, parseExact } from '../../src/payload/exact-json.ts'
import { renderHeader } from '../../src/payload/header-template.ts'
import { type CompileOptions, compileTemplate, renderTemplate } from '../../src/payload/template.ts'
import { processorMs } from '../world/processor-ms.ts'

const SCOPE = parseExact(
  `{"id":820982911946154508,"huge":1e400,"price":19.9,"name":"Ada <b>","nothing":null,"no":false,
    "items":[{"sku":"A","qty":2},{"sku":"B","qty":3}],"order":{"id":7,"constructor":"own"},"__proto__":{"x":1},
    "long":"${'y'.repeat(300_000)}"}`,
)

function render(text: string, scope: Json = SCOPE, options: CompileOptions = {}): string {
  const compiled = compileTemplate(text, options)
  if (!compiled.ok) return `not compiled: ${compiled.message}`
  const rendered = renderTemplate(compiled.template, scope, (field) => field)
  return rendered.ok ? rendered.text : `not rendered: ${rendered.message}`
}

describe('fields', () => {
  test.each([
    ['{{ name }}', 'Ada <b>'],
    ['{{ id }} {{ huge }} {{ price }}', '820982911946154508 1e400 19.9'],
    ['[{{ nothing }}|{{ no }}]', '[|false]'],
    ['{{ order }}', '{"id":7,"constructor":"own"}'],
    ['{{ items }}', '[{"sku":"A","qty":2},{"sku":"B","qty":3}]'],
    ['{{ items[1].sku }}{{ items.first.sku }}{{ items.size }}', 'BA2'],
    ['{% for i in items %}{{ i.sku }}={{ i.qty }};{% endfor %}', 'A=2;B=3;'],
    ['{% if no %}x{% elsif id %}y{% endif %}', 'y'],
    ['{{ name | upcase | replace: "<", "(" }}', 'ADA (B>'],
    ['{{ id | append: "-x" }}', '820982911946154508-x'],
    ['{{ order.id | plus: 1 }}', '8'],
    ['{{ items | map: "sku" | join: "+" }}', 'A+B'],
    ['{{ "2026-01-02T03:04:05+01:00" | date: "%Y-%m-%d %H:%M" }}', '2026-01-02 02:04'],
    ['{% raw %}{{ name }}{% endraw %}', '{{ name }}'],
    ['{{ order.constructor }}', 'own'],
  ])('%s', (text, expected) => {
    expect(render(text)).toBe(expected)
  })

  test('every one passes through the escape, the template’s own text does not', () => {
    const compiled = compileTemplate(
      '<{{ name }}>{% for i in items %}{{ i.sku }}{% endfor %}{% assign n = name %}{{ n }}',
    )
    if (!compiled.ok) throw new Error(compiled.message)
    expect(renderTemplate(compiled.template, SCOPE, (field) => `(${field})`)).toEqual({
      ok: true,
      text: '<(Ada <b>)>(A)(B)(Ada <b>)',
    })
    expect(render('{{ name | raw }}')).toContain('undefined filter: raw')
  })

  test('that are not there are named, or empty where that is asked for', () => {
    expect(render('x {{ order.nope.y }}')).toBe('not rendered: unknown field order.nope, line:1, col:6')
    expect(render('[{{ nope }}]', SCOPE, { unknownFields: 'empty' })).toBe('[]')
    expect(render('{{ nope | default: "d" }}{% if nope %}x{% endif %}')).toBe('d')
    expect(render('{{ nope }}', [1, 2])).toContain('unknown field nope')
  })

  test('are own keys only', () => {
    for (const name of [
      'constructor',
      'toString',
      'hasOwnProperty',
      'order.__proto__',
      'items.map',
      'name.constructor',
    ])
      expect(render(`{{ ${name} }}`)).toMatch(/^not rendered: unknown field/)
    expect(render('{{ __proto__.x }}')).toBe('1')
  })
})

test.each(['plus: 1', 'minus: 1', 'times: 2', 'divided_by: 2', 'round', 'modulo: 2', 'at_least: 1', 'abs'])(
  'the filter %s refuses what it would round',
  (filter) => {
    expect(render(`{{ id | ${filter} }}`)).toContain('cannot count with 820982911946154508 exactly')
    expect(render(`{{ huge | ${filter} }}`)).toContain('cannot count with 1e400 exactly')
    expect(render(`{{ "820982911946154508" | ${filter} }}`)).toContain('exactly')
  },
)

describe('numbers', () => {
  const items = parseExact('{"items":[{"id":820982911946154508,"n":{"qty":2}},{"id":1,"n":{"qty":3}}]}')

  test.each([
    ['{{ 820982911946154508 }} {{ -820982911946154508 }}', '820982911946154508 -820982911946154508'],
    ['{% if id == 820982911946154508 %}same{% endif %}', 'same'],
    ['{% if id == 820982911946154507 %}same{% else %}other{% endif %}', 'other'],
    ['{% if id > 820982911946154507 and id < 820982911946154509 %}between{% endif %}', 'between'],
    ['{% case id %}{% when 1, 820982911946154508 %}same{% endcase %}', 'same'],
    ['{% assign n = 820982911946154508 %}{{ n }}', '820982911946154508'],
    ['{{ nothing | default: 820982911946154508 }}', '820982911946154508'],
    ['{{ 820982911946154508 | json }}', '820982911946154508'],
    ['{{ name | slice: 00, +3 }} {{ 5. }} {{ 007 }} {{ 1.50 }}', 'Ada 5 7 1.5'],
  ])('of the template are exact: %s', (text, expected) => {
    expect(render(text)).toBe(expected)
  })

  test('of the template that no number can be are refused when it is saved', () => {
    for (const text of [
      '{{ 0.12345678901234567890 }}',
      '{% if price == 9007199254740993.5 %}{% endif %}',
      '{{ price | times: 0.12345678901234567890 }}',
    ])
      expect(render(text)).toMatch(/^not compiled: the number [0-9.]+ is too long to be exact, line:1/)
  })

  test('of properties are summed exactly or not at all', () => {
    expect(render('{{ items | sum: "n.qty" }}', items)).toBe('5')
    expect(render('{{ items | sum: "id" }}', items)).toContain('cannot count with 820982911946154508 exactly')
  })

  test.each([
    ['"9007199254740993.5" | plus: 0', 'cannot count with 9007199254740993.5 exactly'],
    ['" +0820982911946154508 " | plus: 0', 'exactly'],
    ['"1e400" | plus: 0', 'cannot count with 1e400 exactly'],
    ['1 | plus: 820982911946154508', 'cannot count with 820982911946154508 exactly'],
    ['9007199254740991 | plus: 2', 'gives 9007199254740992, which is too large to be exact'],
    ['-9007199254740991 | minus: 2', 'too large to be exact'],
    ['3 | divided_by: 0', 'gives Infinity, which is no number'],
    ['0 | divided_by: 0', 'gives NaN, which is no number'],
    ['3 | modulo: 0', 'gives NaN, which is no number'],
  ])('that filters would round or lose are refused: %s', (field, message) => {
    expect(render(`{{ ${field} }}`)).toContain(message)
    expect(render(`{{ ${field} | json }}`)).toContain(message)
  })

  test.each([
    ['"12.50" | plus: 0', '12.5'],
    ['"007" | plus: "1."', '8'],
    ['"free" | plus: 1', '1'],
    ['9007199254740990 | plus: 1', '9007199254740991'],
    ['"0.1" | plus: "0.2"', '0.30000000000000004'],
    ['"0.30000000000000004" | times: 1', '0.30000000000000004'],
    ['"33.333333333333336" | plus: 0', '33.333333333333336'],
    ['"19.900000000000000000000" | times: 2', '39.8'],
    ['sum | minus: 0', '0.30000000000000004'],
    ['tenth | abs', '0.1'],
  ])('that doubles hold are counted with, however long they are: %s', (field, expected) => {
    expect(render(`{{ ${field} }}`, parseExact('{"sum":0.30000000000000004,"tenth":-0.1}'))).toBe(expected)
  })

  test.each([
    ['52.520006599999996', 'round: 2', '52.52'],
    ['52.520006599999996', 'floor', '52'],
    ['52.520006599999996', 'ceil', '53'],
    ['-52.520006599999996', 'floor', '-53'],
    ['-52.520006599999996', 'ceil', '-52'],
    ['3.333333333333333333', 'round: "3"', '3.333'],
    ['1.500000000000000000', 'round', '2'],
    ['1.50000000000000000001', 'round', '2'],
    ['-2.50000000000000000001', 'round', '-3'],
    ['1.49999999999999999999', 'round', '1'],
    ['1.00499999999999999999', 'round: 2', '1'],
    ['2.99999999999999999999', 'floor', '2'],
    ['1.00000000000000000001', 'ceil', '2'],
    ['-0.00000000000000000001234567890123456789', 'floor', '-1'],
    ['0.00000000000000000001234567890123456789', 'round: 5', '0'],
    ['1e-400', 'ceil', '1'],
    ['12345.678901234567890', 'round: -2', '12300'],
    ['45.678901234567890123', 'round: -2', '0'],
    ['45.678901234567890123', 'round: -9', '0'],
    ['9007199254740991.4', 'round', '9007199254740991'],
    ['9007199254740991.9', 'floor', '9007199254740991'],
    ['4503599627370497.50000001', 'round', '4503599627370498'],
  ])('of more digits than a double has may be rounded by them: %s | %s', (number, filter, expected) => {
    const scope = parseExact(`{"number":${number},"text":" ${number} "}`)
    expect(render(`{{ number | ${filter} }} {{ text | ${filter} }}`, scope)).toBe(`${expected} ${expected}`)
  })

  test.each([
    ['52.520006599999996', 'abs', 'cannot count with 52.520006599999996 exactly'],
    ['0.333333333333333333', 'times: 2', 'cannot count with 0.333333333333333333 exactly'],
    ['0.333333333333333333', 'round: 18', 'cannot count with 0.333333333333333333 exactly'],
    ['900719925474099.126', 'round: 2', 'cannot count with 900719925474099.126 exactly'],
    ['1.23456789012345678901', 'round: 0.5', 'cannot count with 1.23456789012345678901 exactly'],
    ['1.23456789012345678901', 'round: id', 'cannot count with 1.23456789012345678901 exactly'],
    ['9007199254740991.9', 'round', 'gives 9007199254740992, which is too large to be exact'],
    ['9007199254740993.5', 'floor', 'cannot count with 9007199254740993.5 exactly'],
    ['9007199254740993', 'floor', 'cannot count with 9007199254740993 exactly'],
    ['1e400', 'floor', 'cannot count with 1e400 exactly'],
  ])('whose result would lose digits are refused: %s | %s', (number, filter, message) => {
    const scope = parseExact(`{"number":${number},"text":"${number}","id":820982911946154508}`)
    expect(render(`{{ number | ${filter} }}`, scope)).toContain(message)
    expect(render(`{{ text | ${filter} }}`, scope)).toContain(message)
  })

  test.each(['', '1.'])('of millions of digits are refused in few words: %s999…', (start) => {
    const digits = `${start}${'9'.repeat(20_000_000)}`
    const scope = parseExact(`{"number":${digits},"text":"${digits}"}`)
    for (const field of ['number', 'text']) {
      for (const filter of ['plus: 1', 'round', 'floor'])
        expect(render(`{{ ${field} | ${filter} }}`, scope)).toMatch(
          /^.{0,60} with [0-9.]{50}… exactly.{0,20}$/,
        )
    }
    expect(render(`{{ ${'0.'.padEnd(60_000, '1')} }}`)).toMatch(
      /^.{0,60}[0-9.]{50}… is too long to be exact.{0,20}$/,
    )
  })

  test('are none in a long text, which counts as 0 like a short one', () => {
    expect(render('{{ long | plus: 1 }} {{ long | round }}')).toBe('1 0')
  })
})

test('templates cannot reach files or other templates', () => {
  for (const tag of [
    'include "/etc/passwd"',
    'render "a"',
    'layout "a"',
    'block a',
    'capture a',
    'cycle "a"',
    'echo name',
  ])
    expect(render(`{% ${tag} %}`)).toMatch(/^not compiled: tag "[a-z]+" not found/)
})

test('faults are named with line and column', () => {
  expect(render('a\n{{ name')).toBe('not compiled: output "{{ name" not closed, line:2, col:1')
  expect(render('{{ name | nope }}')).toContain('undefined filter: nope')
  expect(render('{% if %}x{% endif %}')).toContain('not compiled')
})

describe('everything has a limit', () => {
  test.each([
    ['a template', ' '.repeat(70_000), 'at most 65536 characters'],
    ['a range', '{% for i in (1..100000000) %}x{% endfor %}', 'memory'],
    ['the output of fields', '{% for i in (1..10) %}{{ long }}{% endfor %}', 'longer than 1000000'],
    ['the output of text', `{% for i in (1..1000) %}${'x'.repeat(2_000)}{% endfor %}`, 'longer than 1000000'],
    [
      'time',
      '{% for i in (1..2000) %}{% for j in (1..2000) %}{% if i == j %}{% endif %}{% endfor %}{% endfor %}',
      'more than 200 ms',
    ],
    ['doubling', `{% assign a = long %}${'{% assign a = a | append: a %}'.repeat(30)}{{ a }}`, 'memory'],
  ])('%s', (_what, text, message) => {
    expect(processorMs(() => expect(render(text)).toContain(message))).toBeLessThan(2_000)
  })
})

test('a machine that lets a template wait takes nothing from its time', () => {
  const compiled = compileTemplate('{{ a }}{% for i in (1..3) %}{{ a }}{% endfor %}')
  if (!compiled.ok) throw new Error(compiled.message)
  const waiting = new Int32Array(new SharedArrayBuffer(4))
  const rendered = renderTemplate(compiled.template, { a: 'x' }, (text) => {
    Atomics.wait(waiting, 0, 0, 300)
    return text
  })
  expect(rendered).toEqual({ ok: true, text: 'xxxx' })
})

test('any template over any scope gives text or a message', () => {
  const piece = fc.constantFrom(
    '{{',
    '}}',
    '{%',
    '%}',
    ' a ',
    '| upcase',
    'if a',
    'endif',
    'for i in a',
    'endfor',
    '.b',
    '[0]',
    '"x"',
    '-',
    ': 1',
  )
  fc.assert(
    fc.property(
      fc.array(piece, { maxLength: 14 }),
      fc.dictionary(fc.string(), fc.jsonValue()),
      (parts, scope) => {
        expect(typeof render(parts.join(''), { a: 1, ...scope } as Json)).toBe('string')
      },
    ),
    { numRuns: 500 },
  )
})

describe('headers', () => {
  const header = (text: string, scope: Json) => {
    const compiled = compileTemplate(text)
    if (!compiled.ok) throw new Error(compiled.message)
    const rendered = renderHeader(compiled.template, scope)
    return rendered.ok ? rendered.text : rendered.message
  }

  test('take what a header can carry', () => {
    expect(header('id={{ x }};\té', { x: 'ü 1' })).toBe('id=ü 1;\té')
  })

  test.each(['a\r\nX-Evil: 1', 'a\nb', '\u0000', '\u007f'])('refuse control characters: %j', (x) => {
    expect(header('{{ x }}', { x })).toBe('a header holds a control character')
  })

  test('refuse what is outside of ISO-8859-1 and what is too long', () => {
    expect(header('{{ x }}', { x: '€' })).toContain('outside of ISO-8859-1')
    expect(header('{{ x }}', { x: 'a'.repeat(8_001) })).toContain('at most 8000')
  })
})
