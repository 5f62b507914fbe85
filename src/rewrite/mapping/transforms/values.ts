import { z } from 'zod'
import { getKey, isObject, type Json, type JsonObject, parseExact } from '../../../payload/exact-json.ts'
import { jsonShape } from '../../../payload/json-shape.ts'
import { Failure, type Outcome, shown } from '../failure.ts'
import { expected, type Transform, transform } from '../transform.ts'
import { jsonText } from './json-text.ts'
import { scalarText } from './scalar-text.ts'

const TRUE_WORDS = ['true', '1', 'yes', 'y', 'on']
const FALSE_WORDS = ['false', '0', 'no', 'n', 'off']
/** As deep as any body may be; deeper text would overflow whoever writes it out again. */
const JSON_DEPTH_MAX = 200
/** As many as a body may have. */
const VALUES_MAX = 100_000
const VALUES_MAX_SHOWN = `${VALUES_MAX / 1_000},000`

const words = z.array(z.string()).max(100).optional()
const anyJson = z.custom<Json>((value) => value !== undefined, 'a value is missing')

export const valueTransforms: readonly Transform[] = [
  transform({
    name: 'boolean',
    on: 'each',
    args: 'nothing, or more words: `{"true": ["paid"], "false": ["open"]}`',
    meaning:
      `True: ${TRUE_WORDS.join(', ')}. False: ${FALSE_WORDS.join(', ')}. In either case of letters, as text, ` +
      'number or boolean; anything else is an error.',
    examples: [
      { from: 'Yes', to: true },
      { from: 0, to: false },
      { from: 'open', args: { true: ['paid'], false: ['open'] }, to: false },
    ],
    schema: z.strictObject({ true: words, false: words }).optional(),
    make: (args) => booleanReader(args?.true ?? [], args?.false ?? []),
  }),
  transform({
    name: 'lookup',
    on: 'each',
    args: '`{"table": {"key": value, …}, "default": value}`',
    meaning:
      'The value beside a key of a table; numbers and booleans are looked up by their text. A key that is missing ' +
      'gives `default`, and is an error where there is none.',
    examples: [
      { from: 'paid', args: { table: { paid: 'PROCESSING', refunded: 'CLOSED' } }, to: 'PROCESSING' },
      { from: 'odd', args: { table: { paid: 1 }, default: null }, to: null },
    ],
    schema: z.strictObject({
      table: z.custom<JsonObject>((value) => isObject(value as Json), 'the table is not an object'),
      default: anyJson.optional(),
    }),
    make: (args) => (value) => lookUp(value, args.table, args.default),
  }),
  transform({
    name: 'default',
    on: 'whole',
    args: 'any value',
    meaning: 'Another value in place of null, also in place of nulls in a list.',
    examples: [
      { from: null, args: 'none', to: 'none' },
      { from: ['a', null], args: '', to: ['a', ''] },
    ],
    schema: anyJson,
    make: (args) => (value) => (Array.isArray(value) ? value.map((item) => item ?? args) : (value ?? args)),
  }),
  transform({
    name: 'json',
    on: 'each',
    args: '',
    meaning: `JSON text as the value it describes, numbers exact; at most ${JSON_DEPTH_MAX} levels deep, and ${VALUES_MAX_SHOWN} keys and elements.`,
    examples: [{ from: '{"id": 12345678901234567890123}', to: { id: 12345678901234567890123n } }],
    schema: z.undefined(),
    make: () => readJson,
  }),
  transform({
    name: 'toJson',
    on: 'whole',
    args: '',
    meaning: 'Any value as JSON text, numbers exact.',
    examples: [{ from: { id: 7, tags: ['a'] }, to: '{"id":7,"tags":["a"]}' }],
    schema: z.undefined(),
    make: () => jsonText,
  }),
]

function booleanReader(moreTrue: readonly string[], moreFalse: readonly string[]): (value: Json) => Outcome {
  const trueWords = wordSet(TRUE_WORDS, moreTrue)
  const falseWords = wordSet(FALSE_WORDS, moreFalse)
  const both = [...trueWords].find((word) => falseWords.has(word))
  if (both !== undefined) throw new RangeError(`arguments: ${JSON.stringify(both)} is both true and false`)
  return (value) => {
    const text = scalarText(value)
    if (text instanceof Failure) return text
    const word = text.trim().toLowerCase()
    if (trueWords.has(word)) return true
    return falseWords.has(word) ? false : expected('a word for true or false', value)
  }
}

function wordSet(known: readonly string[], more: readonly string[]): Set<string> {
  return new Set([...known, ...more.map((word) => word.trim().toLowerCase())])
}

function lookUp(value: Json, table: JsonObject, otherwise: Json | undefined): Outcome {
  const key = scalarText(value)
  if (key instanceof Failure) return key
  // A null in the table, or as default, is an answer; only a missing one is not.
  if (Object.hasOwn(table, key)) return getKey(table, key)
  return otherwise !== undefined ? otherwise : new Failure(`the table has no entry for ${shown(key)}`)
}

function readJson(value: Json): Outcome {
  if (typeof value !== 'string') return expected('JSON text', value)
  const { depth, values } = jsonShape(value)
  if (depth > JSON_DEPTH_MAX) return new Failure(`the JSON text is deeper than ${JSON_DEPTH_MAX} levels`)
  if (values > VALUES_MAX)
    return new Failure(`the JSON text has ${values} keys and elements, more than ${VALUES_MAX}`)
  try {
    return parseExact(value)
  } catch (error) {
    return new Failure(`not JSON: ${error instanceof Error ? error.message : String(error)}`)
  }
}
