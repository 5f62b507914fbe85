import { type Json, parseExact, stringifyExact } from '../../src/payload/exact-json.ts'
import { applyMapping } from '../../src/rewrite/mapping/apply.ts'
import { compileMapping } from '../../src/rewrite/mapping/compile.ts'
import { MappingError } from '../../src/rewrite/mapping/failure.ts'
import type { Mapping } from '../../src/rewrite/mapping/rule.ts'
import { joinParts, partsOf, promised, target } from '../target.ts'

const PAYLOAD =
  '{"id":12345678901234567890,"name":" Ada ","price":"1.005","date":"2024-01-15T10:30:00Z","items":[{"sku":"a","n":1},{"sku":"b","n":"2"}],"none":null}'

const seed = (mapping: unknown, payload = PAYLOAD) => joinParts(JSON.stringify(mapping), payload)

export const mapping = target({
  name: 'mapping',
  reads: 'a field mapping, and a payload',
  promise:
    'refused by the name of a rule, or a value that can be written, or a failure that names rule and place',
  seeds: [
    seed({ 'customer.id': 'id', name: { from: 'name', transforms: ['trim', 'upper'] } }),
    seed({
      'lines[].sku': 'items[].sku',
      'lines[].n': { from: 'items[].n', transforms: ['number', { multiply: '2.5' }] },
    }),
    seed({
      l: {
        $each: 'items',
        fields: { s: 'sku', all: '$root.name', p: '$parent.id' },
        where: { path: 'n', op: 'greater', value: 1 },
      },
    }),
    seed({
      d: {
        from: 'date',
        transforms: [{ dateFormat: { from: 'iso', to: 'dd.MM.yyyy', zone: 'Europe/Berlin' } }],
      },
    }),
    seed({
      d: { from: 'name', transforms: [{ dateFormat: { from: 'd.M.yyyy H:mm', to: 'iso', locale: 'de' } }] },
    }),
    seed({ p: { from: 'price', transforms: [{ round: { decimals: 2, mode: 'halfEven' } }, { fixed: 2 }] } }),
    seed({
      p: { from: 'price', transforms: [{ minorUnits: { currency: 'EUR', mode: 'up' } }, 'toJson', 'json'] },
    }),
    seed({
      t: { from: 'items[].sku', transforms: [{ join: ',' }, { split: 'a' }, 'compact', 'unique', 'first'] },
    }),
    seed({
      v: { value: { a: [1, { b: null }] } },
      w: { from: 'x', default: 1, keepNull: true },
      'w2[2].x': 'id',
    }),
    seed({
      n: {
        from: 'name',
        transforms: [
          { replace: { search: 'a', with: '$&' } },
          { slice: { from: -2 } },
          { padStart: 9 },
          { lookup: { table: { x: 1 }, default: 2 } },
        ],
      },
    }),
    seed({ '': 'items' }),
    seed({ __proto__x: 'constructor', 'a["__proto__"]': 'id', 'a["constructor"].prototype.y': 'id' }),
  ],
  words: [
    '"from":',
    '"value":',
    '"$each":',
    '"fields":',
    '"where":',
    '"when":',
    '"default":',
    '"required":true',
    '"transforms":[',
    ...[
      'trim',
      'number',
      'integer',
      'round',
      'fixed',
      'multiply',
      'dateFormat',
      'minorUnits',
      'majorUnits',
      'boolean',
      'lookup',
      'json',
      'toJson',
      'unique',
      'sum',
      'flatten',
      'join',
      'split',
      'slice',
      'truncate',
      'padStart',
      'replace',
      'prefix',
      'capitalise',
      'count',
      'first',
      'compact',
    ].map((name) => `"${name}"`),
    '{"dateFormat":{"from":"',
    '"to":"',
    'yMdHms',
    'yyyy-MM-dd',
    '"items[]"',
    '"items[].sku"',
    '"$root"',
    '"$parent"',
    '"$request"',
    '[]',
    '{',
    '}',
    ',',
    ':',
    '1e400',
    '\n---\n',
  ],
  bytesMax: 200_000,
  long: {
    rules: (bytes) =>
      seed(
        Object.fromEntries(Array.from({ length: Math.min(990, bytes / 12) }, (_, at) => [`f${at}`, 'id'])),
      ),
    elements: (bytes) => seed({ 'l[].x': 'l[].x' }, `{"l":[${'{"x":1},'.repeat(bytes / 8)}{}]}`),
    'a text that is cut in pieces': (bytes) =>
      seed(
        { l: { from: 't', transforms: [{ split: 'a' }, 'unique'] } },
        JSON.stringify({ t: 'ab'.repeat(bytes / 2) }),
      ),
    'a text that is replaced': (bytes) =>
      seed(
        {
          l: {
            from: 't',
            transforms: [{ replace: { search: 'a', with: 'bb' } }, { slice: { from: 1 } }, 'capitalise'],
          },
        },
        JSON.stringify({ t: 'a'.repeat(bytes) }),
      ),
    'a long number': (bytes) =>
      seed(
        { l: { from: 't', transforms: ['number', { multiply: 2 }] } },
        JSON.stringify({ t: '7'.repeat(bytes) }),
      ),
    'zeros behind a point': (bytes) =>
      seed(
        { l: { from: 't', transforms: ['number', { round: 2 }] } },
        JSON.stringify({ t: `1.${'0'.repeat(bytes)}1` }),
      ),
    'a sum': (bytes) =>
      seed({ l: { from: 't', transforms: ['sum'] } }, `{"t":[${'1.5,'.repeat(bytes / 4)}1]}`),
    'JSON in a text': (bytes) =>
      seed(
        { l: { from: 't', transforms: ['json', 'toJson'] } },
        JSON.stringify({ t: `[${'"\\\\",'.repeat(bytes / 9)}1]` }),
      ),
    'blanks to be cut': (bytes) =>
      seed(
        { l: { from: 't', transforms: ['trim', 'number', 'blankToNull'] } },
        JSON.stringify({ t: `${' '.repeat(bytes)}1${' '.repeat(bytes)}x` }),
      ),
    'a date that is none': (bytes) =>
      seed(
        { l: { from: 't', transforms: [{ dateFormat: { from: 'd.M.y H:m:s', to: 'iso' } }] } },
        JSON.stringify({ t: '1'.repeat(bytes) }),
      ),
  },
  async read(input) {
    const [written, payload] = partsOf(input, 2).map(jsonOf)
    if (written === undefined || payload === undefined) return undefined
    try {
      const compiled = compileMapping(written as unknown as Mapping)
      return {
        applied: await applyMapping(compiled, { payload, request: {}, event: {}, source: {} }, noExpressions),
      }
    } catch (error) {
      if (error instanceof MappingError) return { refused: error.message }
      throw error
    }
  },
  judge(_input, result) {
    if (!result) return
    if ('refused' in result)
      promised(result.refused.length < 5_000, 'a refusal is no longer than the mapping')
    else if (result.applied.ok)
      promised(typeof stringifyExact(result.applied.value) === 'string', 'a value can be written')
    else promised(result.applied.message.length < 500, 'a failure is short')
  },
})

const noExpressions = async (expressions: readonly string[]) =>
  expressions.map(() => ({ ok: false as const, message: 'no expressions here' }))

function jsonOf(bytes: Buffer): Json | undefined {
  try {
    return parseExact(bytes.toString('utf8'))
  } catch {
    return undefined
  }
}
