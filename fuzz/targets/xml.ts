import { isDeepStrictEqual } from 'node:util'
import { isObject, type Json } from '../../src/payload/exact-json.ts'
import { readAlwaysList, readXml } from '../../src/payload/read-xml.ts'
import { writeXml } from '../../src/payload/write-xml.ts'
import { filled, promised, target } from '../target.ts'
import { sampleBodies } from './sample-bodies.ts'

const LIMITS = { depthMax: 20, keysMax: 300 }
const ALWAYS_LIST = readAlwaysList(['order.items.item', 'a.b', 'a.__proto__'])

export const xml = target({
  name: 'xml',
  reads: 'XML documents',
  promise:
    'one root as the one key, texts only, within depth and count; written as XML and read again the same; no entity but ' +
    'the five is expanded, so what is read is no longer than what was sent; a refusal is short and names its place',
  seeds: [
    ...sampleBodies('xml'),
    '<a b="1" c=\'2\'>x<d/>y<!-- c --><?p i?><![CDATA[<&]]]]><![CDATA[>]]>&lt;&#65;&#x1F600;</a>',
    '<?xml version="1.0" encoding="utf-8"?><!DOCTYPE a SYSTEM "x.dtd"><a xml:space="preserve"> <b> </b> </a>',
    '<a><__proto__>1</__proto__><constructor b="2"/><toString/></a>',
    '<!DOCTYPE l [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><l>&b;</l>',
    '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>',
    `<a>${'long text '.repeat(30)}&amp;<b/>${'\t\n '.repeat(100)}</a>`,
  ],
  words: [
    '<a>',
    '</a>',
    '<a/>',
    '<b>',
    '</b>',
    '<!--',
    '-->',
    '<![CDATA[',
    ']]>',
    '<?',
    '?>',
    '<?xml version="1.0"?>',
    '<!DOCTYPE a>',
    '<!DOCTYPE a [',
    '<!ENTITY x "y">',
    '&lt;',
    '&amp;',
    '&x;',
    '&#0;',
    '&#x10FFFF;',
    '&#x',
    ' b="1"',
    " c='2'",
    '=',
    '"',
    "'",
    '>',
    '<',
    'xml:space="preserve"',
    '\u0001',
    '<__proto__>',
    '</__proto__>',
    '#text',
    ':@',
    '~',
  ],
  long: {
    'elements in one another': (bytes) => filled(bytes, '<a>'),
    'empty elements': (bytes) => filled(bytes, '<a/>', '<r>', '</r>'),
    'elements of many names': (bytes) => elements(bytes),
    attributes: (bytes) => attributes(bytes),
    'one text': (bytes) => filled(bytes, 'x', '<a>', '</a>'),
    'short texts': (bytes) => filled(bytes, 'x<b/>', '<a>', '</a>'),
    'blanks and comments': (bytes) => filled(bytes, ' <!---->', '<a>', '</a>'),
    'texts of 250 characters': (bytes) => filled(bytes, `${'x'.repeat(250)}<b/>`, '<a>', '</a>'),
    'texts of 260 characters': (bytes) => filled(bytes, `${'x'.repeat(260)}<b/>`, '<a>', '</a>'),
    references: (bytes) => filled(bytes, '&amp;', '<a>', '</a>'),
    'references in an attribute': (bytes) => filled(bytes, '&#65;', '<a b="', '"/>'),
    'ampersands that begin nothing': (bytes) => filled(bytes, '&', '<a>', '</a>'),
    comments: (bytes) => filled(bytes, '<!---->', '<a>', '</a>'),
    'comments that are not closed': (bytes) => filled(bytes, '<!-- ', '<a>'),
    instructions: (bytes) => filled(bytes, '<?p?>', '<a>', '</a>'),
    'CDATA sections': (bytes) => filled(bytes, '<![CDATA[x]]>', '<a>', '</a>'),
    'CDATA that is not closed': (bytes) => filled(bytes, '<![CDATA[', '<a>'),
    'brackets in CDATA': (bytes) => filled(bytes, ']', '<a><![CDATA[', ']]></a>'),
    'quotes in text': (bytes) => filled(bytes, '"', '<a>', '</a>'),
    'an attribute that is not closed': (bytes) => filled(bytes, ' b="', '<a'),
    'blanks in a tag': (bytes) => filled(bytes, ' ', '<a', '/>'),
    'blanks before a root': (bytes) => filled(bytes, ' \n', '', '<a/>'),
    'blanks in a declaration': (bytes) => filled(bytes, ' ', '<?xml version="1.0"', '?><a/>'),
    'blanks in a DOCTYPE': (bytes) => filled(bytes, ' ', '<!DOCTYPE a', 'x><a/>'),
    'a DOCTYPE that does not end': (bytes) => filled(bytes, "'", '<!DOCTYPE a PUBLIC "', ''),
    'one name': (bytes) => filled(bytes, 'n', '<', '/>'),
    'line ends before a fault': (bytes) => filled(bytes, '\n', '<a>', '<'),
    'entity declarations': (bytes) => filled(bytes, '<!ENTITY a "&a;&a;">', '<!DOCTYPE a [', ']><a>&a;</a>'),
    'brackets in tags': (bytes) => filled(bytes, '<', '<a>'),
  },
  read(input) {
    const limits = input.length > 9_000 ? { depthMax: 100, keysMax: 100_000 } : LIMITS
    return readXml(input.toString('utf8'), limits, ALWAYS_LIST)
  },
  judge(input, result) {
    if (!result.ok) {
      promised(result.message.length < 250, 'a refusal is short')
      promised(/\(line \d+, column \d+\)$/.test(result.message), 'a refusal names its place')
      return
    }
    const { value } = result
    promised(Object.keys(value).length === 1, 'the root is the one key')
    promised(hasTextsOnly(value), 'all that is read is text')
    promised(charsOf(value) <= input.length, 'what is read is no longer than what was sent')
    const written = writeXml(value, { rootName: 'unused' })
    promised(written.ok, 'what was read can be written')
    const again = readXml(written.xml, { depthMax: 100, keysMax: 100_000 }, ALWAYS_LIST)
    promised(again.ok && isDeepStrictEqual(again.value, value), 'written and read again it is the same')
  },
})

function hasTextsOnly(value: Json): boolean {
  if (Array.isArray(value)) return value.every(hasTextsOnly)
  return isObject(value) ? Object.values(value).every(hasTextsOnly) : typeof value === 'string'
}

/** Names and texts; a list's name was sent with each of its elements. */
function charsOf(value: Json): number {
  if (typeof value === 'string') return value.length
  if (Array.isArray(value)) return value.reduce<number>((sum, one) => sum + charsOf(one), 0)
  if (!isObject(value)) return 0
  return Object.entries(value).reduce(
    (sum, [key, one]) => sum + (key === '#text' ? 0 : key.length) + charsOf(one),
    0,
  )
}

function elements(bytes: number): Buffer {
  return Buffer.from(
    `<r>${Array.from({ length: Math.floor(bytes / 10) }, (_, at) => `<e${at}/>`).join('')}</r>`,
  )
}

function attributes(bytes: number): Buffer {
  return Buffer.from(
    `<r ${Array.from({ length: Math.floor(bytes / 11) }, (_, at) => `a${at}=""`).join(' ')}/>`,
  )
}
