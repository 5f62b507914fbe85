import { z } from 'zod'
import { isNumeric, type Json } from '../../../payload/exact-json.ts'
import { addDecimals, type Decimal, decimalNumber } from '../decimal.ts'
import { Failure, type Outcome } from '../failure.ts'
import { expected, type Transform, transform } from '../transform.ts'
import { jsonText } from './json-text.ts'
import { decimalOf } from './numbers.ts'
import { scalarText } from './scalar-text.ts'
import { TEXT_CHARACTERS_MAX, tooLong } from './text-length.ts'

export const listTransforms: readonly Transform[] = [
  listTransform({
    name: 'first',
    meaning: 'The first element; nothing of an empty list.',
    examples: [{ from: ['a', 'b'], to: 'a' }],
    step: (list) => list[0],
  }),
  listTransform({
    name: 'last',
    meaning: 'The last element; nothing of an empty list.',
    examples: [{ from: ['a', 'b'], to: 'b' }],
    step: (list) => list.at(-1),
  }),
  listTransform({
    name: 'count',
    meaning: 'How many elements there are.',
    examples: [
      { from: ['a', 'b'], to: 2 },
      { from: [], to: 0 },
    ],
    step: (list) => list.length,
  }),
  listTransform({
    name: 'unique',
    meaning: 'Each value once, at its first place. `1` and `"1"` are different.',
    examples: [{ from: ['a', 'b', 'a'], to: ['a', 'b'] }],
    step: unique,
  }),
  listTransform({
    name: 'compact',
    meaning: 'Without nulls and without blank texts.',
    examples: [{ from: ['a', null, ' ', 0], to: ['a', 0] }],
    step: (list) => list.filter((item) => item !== null && !(typeof item === 'string' && item.trim() === '')),
  }),
  listTransform({
    name: 'flatten',
    meaning: 'With the elements of inner lists in their place, one level deep.',
    examples: [{ from: [['a', 'b'], 'c', []], to: ['a', 'b', 'c'] }],
    step: (list) => list.flat(),
  }),
  listTransform({
    name: 'sum',
    meaning: 'The exact sum of numbers and numeric texts; nulls are passed over, an empty list gives 0.',
    examples: [
      { from: [0.1, 0.2], to: 0.3 },
      { from: ['19.99', 5, null], to: 24.99 },
    ],
    step: sum,
  }),
  transform({
    name: 'join',
    on: 'list',
    args: 'the text between',
    meaning: 'One text of all elements; nulls are passed over.',
    examples: [{ from: ['Ada', null, 'Lovelace'], args: ' ', to: 'Ada Lovelace' }],
    schema: z.string().max(1_000),
    make: (args) => (value) => (Array.isArray(value) ? join(value, args) : expected('a list', value)),
  }),
]

interface ListTransform extends Pick<Transform, 'name' | 'meaning' | 'examples'> {
  step(list: readonly Json[]): Outcome
}

function listTransform({ step, ...described }: ListTransform): Transform {
  return transform({
    ...described,
    on: 'list',
    args: '',
    schema: z.undefined(),
    make: () => (value) => (Array.isArray(value) ? step(value) : expected('a list', value)),
  })
}

function unique(list: readonly Json[]): Outcome {
  const seen = new Map<string, Json>()
  for (const item of list) {
    const key = jsonText(item)
    if (key instanceof Failure) return key
    if (!seen.has(key)) seen.set(key, item)
  }
  return [...seen.values()]
}

function sum(list: readonly Json[]): Outcome {
  let total: Decimal = { digits: 0n, scale: 0 }
  for (const [index, item] of list.entries()) {
    if (item === null) continue
    const decimal = isNumeric(item) || typeof item === 'string' ? decimalOf(item) : undefined
    if (decimal === undefined) return new Failure(`element ${index}: ${expected('a number', item).message}`)
    total = addDecimals(total, decimal)
  }
  return decimalNumber(total)
}

function join(list: readonly Json[], between: string): Outcome {
  const texts: string[] = []
  let characters = 0
  for (const [index, item] of list.entries()) {
    if (item === null) continue
    const text = scalarText(item)
    if (text instanceof Failure) return new Failure(`element ${index}: ${text.message}`)
    characters += text.length + between.length
    if (characters > TEXT_CHARACTERS_MAX) return tooLong()
    texts.push(text)
  }
  return texts.join(between)
}
