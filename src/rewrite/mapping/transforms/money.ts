import { z } from 'zod'
import { currencyExponent } from '../currency.ts'
import {
  type Decimal,
  decimalNumber,
  decimalText,
  fitsScale,
  type RoundingMode,
  roundingModes,
  shiftPoint,
  withScale,
} from '../decimal.ts'
import { Failure, shown } from '../failure.ts'
import { type Look, type Site, type Transform, transform } from '../transform.ts'
import { onDecimal } from './numbers.ts'

interface MoneyArgs {
  currency?: string | undefined
  currencyFrom?: string | undefined
  exponent?: number | undefined
  mode?: RoundingMode | undefined
}

const money = z
  .union(
    [
      z.string(),
      z.strictObject({
        currency: z.string().optional(),
        currencyFrom: z.string().optional(),
        exponent: z.number().int().min(0).max(12).optional(),
        mode: z.enum(roundingModes).optional(),
      }),
    ],
    'expected a currency code, or {"currency": …} or {"currencyFrom": …} or {"exponent": …} with an optional "mode"',
  )
  .transform((args): MoneyArgs => (typeof args === 'string' ? { currency: args } : args))
  .refine(
    (args) => namedWays(args).length === 1,
    'expected exactly one of currency, currencyFrom and exponent',
  )
const MONEY_ARGS =
  'a currency code, or an object with `currency`, `currencyFrom` (a path) or `exponent`, and optionally `mode`'

export const moneyTransforms: readonly Transform[] = [
  transform({
    name: 'minorUnits',
    on: 'each',
    args: MONEY_ARGS,
    meaning:
      'A price as a count of the currency’s smallest unit (ISO 4217: none of JPY, two of EUR, three of KWD). More ' +
      'decimals than the currency has are an error unless `mode` says how to round.',
    examples: [
      { from: '12.34', args: 'EUR', to: 1234 },
      { from: '1500.00', args: 'JPY', to: 1500 },
      { from: 1.5, args: { currency: 'KWD' }, to: 1500 },
      { from: '0.125', args: { exponent: 2, mode: 'halfUp' }, to: 13 },
    ],
    schema: money,
    make: (args, site) =>
      withExponent(args, site, (decimal, exponent) => minorUnits(decimal, exponent, args)),
  }),
  transform({
    name: 'majorUnits',
    on: 'each',
    args: MONEY_ARGS,
    meaning:
      'The reverse: a count of smallest units as a price. Follow it with `fixed` for text such as `12.30`.',
    examples: [
      { from: 1234, args: 'EUR', to: 12.34 },
      { from: '1500', args: 'JPY', to: 1500 },
    ],
    schema: money,
    make: (args, site) =>
      withExponent(args, site, (decimal, exponent) => decimalNumber(shiftPoint(decimal, -exponent))),
  }),
]

function namedWays(args: { currency?: unknown; currencyFrom?: unknown; exponent?: unknown }): unknown[] {
  return [args.currency, args.currencyFrom, args.exponent].filter((way) => way !== undefined)
}

function withExponent(
  args: MoneyArgs,
  site: Site,
  step: (decimal: Decimal, exponent: number) => ReturnType<typeof minorUnits>,
) {
  const exponentFor = exponentReader(args, site)
  return (value: Parameters<typeof onDecimal>[0], look: Look) => {
    const exponent = exponentFor(look)
    return exponent instanceof Failure ? exponent : onDecimal(value, (decimal) => step(decimal, exponent))
  }
}

function exponentReader(args: MoneyArgs, site: Site): (look: Look) => number | Failure {
  const { currency, currencyFrom, exponent } = args
  if (currencyFrom !== undefined) {
    const path = site.path(currencyFrom)
    return (look) => {
      const [code, ...others] = look(path)
      if (typeof code !== 'string')
        return new Failure(
          `expected a currency code at ${currencyFrom}, got ${code === undefined ? 'nothing' : shown(code)}`,
        )
      const other = others.find((one) => one !== code)
      if (other !== undefined)
        return new Failure(`expected one currency at ${currencyFrom}, got ${shown(code)} and ${shown(other)}`)
      return currencyExponent(code) ?? new Failure(`no currency ${shown(code)} with minor units is known`)
    }
  }
  const fixed = exponent ?? currencyExponent(currency ?? '')
  if (fixed === undefined)
    throw new RangeError(
      `no currency ${JSON.stringify(currency)} with minor units is known; name its exponent`,
    )
  return () => fixed
}

function minorUnits(decimal: Decimal, exponent: number, args: MoneyArgs) {
  const shifted = shiftPoint(decimal, exponent)
  if (args.mode !== undefined) return decimalNumber(withScale(shifted, 0, args.mode))
  if (fitsScale(shifted, 0)) return decimalNumber(shifted)
  return new Failure(
    `${decimalText(decimal)} has more decimals than the currency (${exponent}); name a rounding mode to round it`,
  )
}
