import { isNumeric, type Json, NumberText } from '../../../payload/exact-json.ts'
import { decimalText, NUMBER_DIGITS_MAX, numericDecimal } from '../decimal.ts'
import { Failure, shown } from '../failure.ts'

/** More binary digits than a number of the longest allowed length has. */
const LONGEST = 10n ** BigInt(NUMBER_DIGITS_MAX)

/** Text as it is, numbers as their exact digits, booleans as words. */
export function scalarText(value: Json): string | Failure {
  if (typeof value === 'string') return value
  if (typeof value === 'boolean') return String(value)
  if (isNumeric(value)) return numberDigits(value)
  return new Failure(`expected text or a number, got ${shown(value)}`)
}

/** A text step that also reads numbers, by their digits. */
export function onText(step: (text: string) => Json | Failure): (value: Json) => Json | Failure {
  return (value) => {
    const text = scalarText(value)
    return text instanceof Failure ? text : step(text)
  }
}

function numberDigits(value: number | bigint | NumberText): string | Failure {
  if (value instanceof NumberText) return value.text
  if (typeof value === 'bigint') {
    if (value >= LONGEST || value <= -LONGEST)
      return new Failure(`a number has more than ${NUMBER_DIGITS_MAX} digits`)
    return value.toString()
  }
  const decimal = numericDecimal(value)
  return decimal === undefined ? String(value) : decimalText(decimal)
}
