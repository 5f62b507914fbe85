import { z } from 'zod'
import { isNumeric, type Json } from '../../../payload/exact-json.ts'
import {
  type Decimal,
  decimalNumber,
  decimalText,
  fitsScale,
  fixedText,
  multiplyDecimals,
  numericDecimal,
  parseDecimal,
  roundingModes,
  withScale,
} from '../decimal.ts'
import { Failure } from '../failure.ts'
import { expected, type Transform, transform } from '../transform.ts'
import { onText } from './scalar-text.ts'

const notation = z
  .strictObject({
    decimal: z.enum(['.', ',']).optional(),
    group: z
      .string()
      .length(1)
      .regex(/[^0-9+-]/)
      .optional(),
  })
  .refine(({ decimal, group }) => (decimal ?? '.') !== group, 'decimal and group are the same character')
  .optional()
const decimals = z.number().int().min(0).max(30)
const rounding = z.union(
  [decimals, z.strictObject({ decimals, mode: z.enum(roundingModes).optional() })],
  'expected a number of decimals from 0 to 30, or {"decimals": …, "mode": …}',
)
const NOTATION_ARGS = 'nothing, or `{"decimal": ",", "group": "."}`'
const ROUNDING_ARGS = 'decimals, or `{"decimals": 2, "mode": "halfEven"}`'
const LONG = 12345678901234567890123n

export const numberTransforms: readonly Transform[] = [
  transform({
    name: 'number',
    on: 'each',
    args: NOTATION_ARGS,
    meaning:
      'Text as an exact number of any size; a number stays as it is. Marks of groups may be left out; otherwise the ' +
      'last group has three digits, the others two or three, the first one to three. Anything else is an error.',
    examples: [
      { from: ' 12.50 ', to: 12.5 },
      { from: '12345678901234567890123', to: LONG },
      { from: '1.234,56', args: { decimal: ',', group: '.' }, to: 1234.56 },
      { from: '1,00,000', args: { group: ',' }, to: 100000 },
    ],
    schema: notation,
    make: (args) => (value) => (isNumeric(value) ? value : readNumber(value, args, decimalNumber)),
  }),
  transform({
    name: 'integer',
    on: 'each',
    args: NOTATION_ARGS,
    meaning: 'Like `number`, and an error when there is a fraction (use `round` to lose it).',
    examples: [
      { from: '0042', to: 42 },
      { from: '12.00', to: 12 },
    ],
    schema: notation,
    make: (args) => (value) => readNumber(value, args, integerOf),
  }),
  transform({
    name: 'string',
    on: 'each',
    args: '',
    meaning: 'Numbers as their exact digits, booleans as `true` and `false`; text stays as it is.',
    examples: [
      { from: LONG, to: '12345678901234567890123' },
      { from: 12.5, to: '12.5' },
      { from: true, to: 'true' },
    ],
    schema: z.undefined(),
    make: () => onText((text) => text),
  }),
  transform({
    name: 'round',
    on: 'each',
    args: ROUNDING_ARGS,
    meaning:
      'A number (or numeric text) rounded as a decimal, never as a double. Modes: `halfUp` (default; a half goes ' +
      'away from zero), `halfDown`, `halfEven`, `up`, `down`, `ceil`, `floor`.',
    examples: [
      { from: 1.005, args: 2, to: 1.01 },
      { from: '2.5', args: { decimals: 0, mode: 'halfEven' }, to: 2 },
    ],
    schema: rounding,
    make: (args) => (value) => onDecimal(value, (decimal) => decimalNumber(rounded(decimal, args))),
  }),
  transform({
    name: 'fixed',
    on: 'each',
    args: ROUNDING_ARGS,
    meaning: 'A number as text with exactly that many decimals, rounded as `round` does.',
    examples: [{ from: 12.5, args: 2, to: '12.50' }],
    schema: rounding,
    make: (args) => (value) => onDecimal(value, (decimal) => fixedText(rounded(decimal, args))),
  }),
  transform({
    name: 'multiply',
    on: 'each',
    args: 'a factor, as a number or as text',
    meaning: 'The exact product.',
    examples: [
      { from: '19.99', args: 3, to: 59.97 },
      { from: 0.1, args: '0.2', to: 0.02 },
    ],
    schema: z.custom<Json>((value) => decimalOf(value as Json) !== undefined, 'the factor is not a number'),
    make: (args) => {
      const factor = decimalOf(args)
      return (value) =>
        onDecimal(value, (decimal) =>
          factor === undefined
            ? expected('a factor', args)
            : decimalNumber(multiplyDecimals(decimal, factor)),
        )
    },
  }),
]

/** Numbers, and text that is one. */
export function decimalOf(value: Json): Decimal | undefined {
  return typeof value === 'string' ? parseDecimal(value.trim()) : numericDecimal(value)
}

export function onDecimal(value: Json, step: (decimal: Decimal) => Json | Failure): Json | Failure {
  const decimal = decimalOf(value)
  return decimal === undefined ? expected('a number', value) : step(decimal)
}

function readNumber(
  value: Json,
  args: z.infer<typeof notation>,
  write: (decimal: Decimal) => Json | Failure,
): Json | Failure {
  const decimal = typeof value === 'string' ? parseDecimal(plainNotation(value, args)) : numericDecimal(value)
  return decimal === undefined ? expected('a number', value) : write(decimal)
}

function plainNotation(text: string, args: z.infer<typeof notation>): string {
  const { decimal = '.', group } = args ?? {}
  const trimmed = text.trim()
  const plain = group === undefined ? trimmed : withoutGroups(trimmed, decimal, group)
  if (decimal !== ',') return plain
  // A point that is neither the decimal sign nor the group sign makes the text no number.
  return plain.includes('.') ? '' : plain.replace(',', '.')
}

/** No number at all where a mark stands elsewhere: as a decimal sign it would multiply the value in silence. */
function withoutGroups(text: string, decimal: string, group: string): string {
  if (!text.includes(group)) return text
  const [whole = ''] = text.split(decimal, 1)
  const rest = text.slice(whole.length)
  const groups = whole.split(group)
  const isGrouped = groups.every((digits, index) => groupAt(index, groups.length).test(digits))
  return isGrouped && !rest.includes(group) ? groups.join('') + rest : ''
}

/** In India groups have two digits, except for the last: `12,34,567`. */
function groupAt(index: number, count: number): RegExp {
  if (index === 0) return /^[+-]?[1-9][0-9]{0,2}$/
  return index === count - 1 ? /^[0-9]{3}$/ : /^[0-9]{2,3}$/
}

function integerOf(decimal: Decimal): Json | Failure {
  if (fitsScale(decimal, 0)) return decimalNumber(decimal)
  return new Failure(`expected an integer, got ${decimalText(decimal)}`)
}

function rounded(decimal: Decimal, args: z.infer<typeof rounding>): Decimal {
  return typeof args === 'number'
    ? withScale(decimal, args, 'halfUp')
    : withScale(decimal, args.decimals, args.mode ?? 'halfUp')
}
