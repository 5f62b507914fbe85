import { type BodyLanguage, compileBodyTemplate, renderBody } from '../../src/payload/body-template.ts'
import { isObject, type Json, parseExact } from '../../src/payload/exact-json.ts'
import { renderHeader } from '../../src/payload/header-template.ts'
import { compileTemplate } from '../../src/payload/template.ts'
import { compileUrlTemplate, renderUrl } from '../../src/payload/url-template.ts'
import { checkXml } from '../../src/payload/xml-check.ts'
import { joinParts, partsOf, promised, target } from '../target.ts'

const PAYLOAD =
  '{"id":12345678901234567890,"name":"A \\"b\\" <c> & {{d}}","n":1.50,"list":[{"sku":"a"},{"sku":"b/../?&#"}],"none":null,"o":{"p":{}}}'
const KINDS = ['json', 'xml', 'form', 'text', 'url', 'header'] as const

export const template = target({
  name: 'template',
  reads: 'a kind of template (json, xml, form, text, url or header), a template, and a payload',
  promise:
    'rendered, or a short sentence; JSON is JSON, XML is well-formed, a ' +
    'URL stays on its host and path, a header has no line end; within length',
  seeds: [
    joinParts(
      'json',
      '{"id":{{ id }},"n":"x{{ name }}","l":[{% for i in list %}"{{ i.sku }}",{% endfor %}0]}',
      PAYLOAD,
    ),
    joinParts('xml', '<a b="{{ name }}"><c>{{ id }}</c><![CDATA[{{ name }}]]></a>', PAYLOAD),
    joinParts('form', 'id={{ id }}&{{ name }}={{ n }}', PAYLOAD),
    joinParts('text', '{% if none %}x{% else %}{{ list | map: "sku" | join: "," }}{% endif %}', PAYLOAD),
    joinParts('url', 'https://example.com/a/{{ name }}?b={{ list[1].sku }}', PAYLOAD),
    joinParts('header', 'Bearer {{ name | upcase }}', PAYLOAD),
    joinParts(
      'text',
      '{% assign x = name | split: "" %}{% case n %}{% when 1.5 %}{{ x | size }}{% endcase %}',
      PAYLOAD,
    ),
    joinParts(
      'text',
      '{{ n | plus: 1 | times: 2 | divided_by: 3 | round: 2 }} {{ "2020-01-01" | date: "%Y %10d" }}',
      PAYLOAD,
    ),
    joinParts('json', '{{ o | json }}', PAYLOAD),
    joinParts(
      'text',
      '{% raw %}{{ x }}{% endraw %}{% comment %}{{ y }}{% endcomment %}{{ id.toString.constructor }}',
      PAYLOAD,
    ),
    joinParts(
      'text',
      '{{ name | replace: "A", name | append: name | slice: 0, 3 | url_encode | base64_encode }}',
      PAYLOAD,
    ),
  ],
  words: [
    '{{',
    '}}',
    '{%',
    '%}',
    '{{ id }}',
    '{{ name }}',
    '{{-',
    '-%}',
    '|',
    ' | json',
    ' | append: name',
    ' | split: ""',
    ' | join: name',
    ' | replace: "", name',
    ' | sort',
    ' | date: name',
    ' | date: "%1000000d"',
    ' | times: 9999999999',
    ' | slice: -5, 3',
    ' | truncate: 3',
    ' | default: 1',
    '{% for i in list %}',
    '{% for i in (1..1000) %}',
    '{% endfor %}',
    '{% if ',
    '{% endif %}',
    '{% assign name = ',
    '{% raw %}',
    '{% break %}',
    ' contains ',
    ' == ',
    'list',
    'list[0]',
    'o.p',
    '__proto__',
    'constructor',
    '"',
    "'",
    '\\',
    '<',
    ']]>',
    '..',
    '/',
    'https://example.com/',
    '\n---\n',
  ],
  bytesMax: 60_000,
  long: {
    fields: (bytes) => joinParts('text', '{{ id }}'.repeat(bytes / 8), PAYLOAD),
    'fields that do not end': (bytes) => joinParts('text', '{{'.repeat(bytes / 2), PAYLOAD),
    'tags that do not end': (bytes) => joinParts('text', '{%'.repeat(bytes / 2), PAYLOAD),
    filters: (bytes) => joinParts('text', `{{ id ${'| upcase '.repeat(bytes / 9)}}}`, PAYLOAD),
    blanks: (bytes) => joinParts('text', `{{${' '.repeat(bytes)}id }}`, PAYLOAD),
    'blanks that are cut': (bytes) => joinParts('text', `x${' '.repeat(bytes)}{{- id }}`, PAYLOAD),
    'conditions in one another': (bytes) =>
      joinParts('text', '{% if id %}'.repeat(Math.min(300, bytes / 11)), PAYLOAD),
    'one string': (bytes) => joinParts('text', `{{ "${'\\"'.repeat(bytes / 2)}" }}`, PAYLOAD),
    operators: (bytes) => joinParts('text', `{% if id ${'== id '.repeat(bytes / 6)}%}{% endif %}`, PAYLOAD),
    'a long field in JSON': (bytes) =>
      joinParts('json', '{"a":"{{ t }}"}', JSON.stringify({ t: '"\\'.repeat(bytes / 4) })),
    'a long field in XML': (bytes) =>
      joinParts('xml', '<a>{{ t }}</a>', JSON.stringify({ t: '<&'.repeat(bytes / 2) })),
    'a long field in a URL': (bytes) =>
      joinParts('url', 'https://a/{{ t }}', JSON.stringify({ t: '/.'.repeat(bytes / 2) })),
    'a long list': (bytes) =>
      joinParts(
        'text',
        '{{ l | sort | uniq | join: "," }}',
        JSON.stringify({ l: Array.from({ length: bytes / 6 }, (_, at) => `${(at * 7_919) % 9_973}`) }),
      ),
    'a long text with filters': (bytes) =>
      joinParts(
        'text',
        '{{ t | strip | strip_newlines | capitalize | url_encode | truncate: 9 }}',
        JSON.stringify({ t: ' \r'.repeat(bytes / 3) }),
      ),
  },
  read(input) {
    const [kind = '', text = '', payload = ''] = partsOf(input, 3).map((part) => part.toString('utf8'))
    const scope = jsonOf(payload)
    const known = KINDS.find((one) => one === kind) ?? 'text'
    return { kind: known, text, result: rendered(known, text, scope) }
  },
  judge(_input, { kind, text, result }) {
    if (!result.ok) {
      promised(result.message.length < 1_000, 'a problem is told in a short sentence')
      return
    }
    promised(result.text.length <= 1_000_000, 'within length')
    if (kind === 'json') promised(isJson(result.text), 'JSON is JSON')
    if (kind === 'xml')
      promised(checkXml(result.text, { depthMax: 500, keysMax: 1_000_000 }).ok, 'XML is well-formed')
    if (kind === 'header') promised(!/[\r\n\0]/.test(result.text), 'a header has no line end')
    if (kind !== 'url') return
    const [written, made] = [/^https?:\/\/[^/?]*/i.exec(text)?.[0] ?? '', new URL(result.text)]
    promised(made.origin === new URL(written).origin && made.hash === '', 'a URL stays on its host')
    promised(made.username === '' && made.password === '', 'a URL has no user')
  },
})

function rendered(kind: (typeof KINDS)[number], text: string, scope: Json) {
  if (kind === 'url') {
    const compiled = compileUrlTemplate(text)
    return compiled.ok ? renderUrl(compiled.template, scope) : compiled
  }
  if (kind === 'header') {
    const compiled = compileTemplate(text)
    return compiled.ok ? renderHeader(compiled.template, scope) : compiled
  }
  const compiled = compileBodyTemplate(text, kind satisfies BodyLanguage)
  return compiled.ok ? renderBody(compiled.template, scope) : compiled
}

function jsonOf(text: string): Json {
  try {
    const value = parseExact(text)
    return isObject(value) ? value : {}
  } catch {
    return {}
  }
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}
