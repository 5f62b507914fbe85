import { isAscii } from 'node:buffer'
import { isObject, type Json, stringifyExact } from '../../src/payload/exact-json.ts'
import { readForm } from '../../src/payload/read-form.ts'
import { filled, joinParts, partsOf, promised, target } from '../target.ts'
import { sampleBodies } from './sample-bodies.ts'

const LIMITS = { depthMax: 20, keysMax: 300 }

export const form = target({
  name: 'form',
  reads: 'a charset, and a form in it',
  promise:
    'plain names and values as URLSearchParams reads them, all leaves texts (but of payload=<JSON>), within depth and ' +
    'count; keys such as __proto__ are keys; a refusal is short',
  seeds: [
    ...sampleBodies('form').map((body) => joinParts('', body)),
    joinParts('utf-8', 'a=1&b=2&b=3&c[]=4&c[]=5&d[e][f]=6&g=%C3%A9+%2B'),
    joinParts('', '__proto__[a]=1&constructor[prototype][b]=2&toString=3&[=4&a[=5&a]=6'),
    joinParts('iso-8859-1', 'a=%E9&b=\u00e9'),
    joinParts('', 'payload=%7B%22a%22%3A1%7D'),
    joinParts('', 'a=1&a[b]=2'),
    joinParts('', 'a[5]=1&a[]=2&a[0]=3&a[999999999]=4&a[]=5'),
    joinParts('utf-16', 'a=1'),
  ],
  words: [
    '&',
    '=',
    '[',
    ']',
    '[]',
    '%',
    '%00',
    '%C3',
    '%A9',
    '+',
    'a',
    'a[b]',
    '[0]',
    '[999999999]',
    'payload=',
    '%7B',
    ';',
  ],
  long: {
    fields: (bytes) => form1(bytes, 'a=1&'),
    'fields of many names': (bytes) =>
      joinParts(
        '',
        names(bytes, (at) => `${at}=`),
      ),
    'elements of one list': (bytes) => form1(bytes, 'a[]=&'),
    'indices of one list': (bytes) =>
      joinParts(
        '',
        names(bytes, (at) => `a[${at}]=`),
      ),
    ampersands: (bytes) => form1(bytes, '&'),
    'equal signs': (bytes) => form1(bytes, '='),
    'one value': (bytes) => form1(bytes, 'x'),
    escapes: (bytes) => form1(bytes, '%41'),
    'escapes of characters of several bytes': (bytes) => form1(bytes, '%C3%A9'),
    'escapes that are none': (bytes) => form1(bytes, '%C3'),
    'percent signs': (bytes) => form1(bytes, '%'),
    'plus signs': (bytes) => form1(bytes, '+'),
    brackets: (bytes) => form1(bytes, '[b]', 'a'),
    'brackets that do not close': (bytes) => form1(bytes, '[', 'a'),
    'brackets that pair up but for the last': (bytes) => form1(bytes, '[b]', 'a', '['),
    'deep names': (bytes) => form1(bytes, `a${'[b]'.repeat(90)}=&`),
  },
  read(input) {
    const [charset = EMPTY, body = EMPTY] = partsOf(input, 2)
    const limits = input.length > 9_000 ? { depthMax: 100, keysMax: 100_000 } : LIMITS
    return readForm(body, charset.length === 0 ? undefined : charset.toString('latin1'), limits)
  },
  judge(input, result) {
    const [charset = EMPTY, body = EMPTY] = partsOf(input, 2)
    if (!result.ok) {
      promised(result.message.length < 300, 'a refusal is short')
      return
    }
    const { value } = result
    // What counts are fields and groups; of a name that comes twice, its list is not one of them.
    promised(depthOf(value) <= LIMITS.depthMax + 1 && countOf(value) <= 2 * LIMITS.keysMax, 'limits hold')
    promised(stringifyExact(value).isWellFormed(), 'what is read can be written')
    if (charset.length > 0 || !isAscii(body)) return
    // The first & keeps a ? at the beginning from being dropped.
    const known = new URLSearchParams(`&${body.toString('utf8').replace(/^\ufeff/, '')}`)
    if (known.size === 1 && known.has('payload')) return
    promised(isObject(value) && hasTextsOnly(value), 'all leaves are texts')
    if ([...known.keys()].some((name) => /[[\]]/.test(name))) return
    for (const name of new Set(known.keys())) {
      const found = Object.getOwnPropertyDescriptor(value, name)?.value as Json | undefined
      const values = known.getAll(name)
      promised(
        values.length === 1 ? found === values[0] : JSON.stringify(found) === JSON.stringify(values),
        'plain fields are those of URLSearchParams',
      )
    }
  },
})

const EMPTY = Buffer.alloc(0)

function form1(bytes: number, piece: string, before = '', after = ''): Buffer {
  return joinParts('', filled(bytes, piece, before, after))
}

function names(bytes: number, nameAt: (at: number) => string): string {
  return Array.from({ length: Math.floor(bytes / 9) }, (_, at) => nameAt(at)).join('&')
}

function hasTextsOnly(value: Json): boolean {
  if (Array.isArray(value)) return value.every(hasTextsOnly)
  return isObject(value) ? Object.values(value).every(hasTextsOnly) : typeof value === 'string'
}

function depthOf(value: Json): number {
  if (!Array.isArray(value) && !isObject(value)) return 0
  return 1 + Math.max(0, ...Object.values(value).map(depthOf))
}

function countOf(value: Json): number {
  if (!Array.isArray(value) && !isObject(value)) return 0
  return Object.values(value).reduce<number>((sum, one) => sum + 1 + countOf(one), 0)
}
