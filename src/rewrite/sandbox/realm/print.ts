import { readableStack } from './describe-error.ts'
import {
  charCodeAt,
  DateClass,
  dateText,
  dateTime,
  ErrorClass,
  isArray,
  isNotNumber,
  MapClass,
  mapForEach,
  objectKeys,
  PromiseClass,
  RegExpClass,
  SetClass,
  setForEach,
  slice,
  toText,
} from './primordials.ts'
import { queueManager } from './queue-manager.ts'

const DEPTH_MAX = 12

/**
 * The arguments of a console call as one text: strings as they are, everything else much like JSON, with bigints
 * as digits, errors with their stack, cycles and traps marked. Stops near `charsMax`.
 */
export function printArguments(values: readonly unknown[], charsMax: number): string {
  let text = ''
  for (let index = 0; index < values.length && text.length <= charsMax; index += 1) {
    const value = values[index]
    if (index > 0) text += ' '
    text += typeof value === 'string' ? value : printSafely(value, charsMax - text.length)
  }
  return text
}

/** How many UTF-16 units of the text fit into so many bytes of UTF-8, and the bytes that they take. */
export function fitUtf8(text: string, bytesMax: number): { units: number; bytes: number } {
  let bytes = 0
  let units = 0
  while (units < text.length) {
    const code = charCodeAt(text, units)
    const paired = code >= 0xd800 && code < 0xdc00 && units + 1 < text.length
    const size = code < 0x80 ? 1 : code < 0x800 ? 2 : paired ? 4 : 3
    if (bytes + size > bytesMax) break
    bytes += size
    units += paired ? 2 : 1
  }
  return { units, bytes }
}

interface Printing {
  charsLeft: number
  ancestors: object[]
}

function printSafely(value: unknown, charsMax: number): string {
  try {
    return print(value, { charsLeft: charsMax, ancestors: [] }, true)
  } catch {
    return '[unprintable]'
  }
}

function print(value: unknown, printing: Printing, outermost: boolean): string {
  const text =
    (typeof value === 'object' && value !== null) || typeof value === 'function'
      ? printObject(value, printing, outermost)
      : printPrimitive(value, printing)
  printing.charsLeft -= text.length
  return text
}

function printPrimitive(value: unknown, printing: Printing): string {
  if (typeof value !== 'string') return toText(value)
  const shown = value.length > printing.charsLeft ? slice(value, 0, printing.charsLeft + 1) : value
  return JSON.stringify(shown)
}

function printObject(value: object, printing: Printing, outermost: boolean): string {
  if (value === queueManager) return '[queueManager: Sluice has none]'
  if (typeof value === 'function')
    return `[Function ${toText((value as { name?: unknown }).name) || 'anonymous'}]`
  const { ancestors } = printing
  for (let index = 0; index < ancestors.length; index += 1)
    if (ancestors[index] === value) return '[Circular]'
  if (ancestors.length >= DEPTH_MAX) return isArray(value) ? '[…]' : '{…}'
  ancestors[ancestors.length] = value
  try {
    return printKind(value, printing, outermost)
  } catch (error) {
    return `[threw: ${error instanceof ErrorClass ? toText(error.message) : 'something'}]`
  } finally {
    ancestors.length -= 1
  }
}

function printKind(value: object, printing: Printing, outermost: boolean): string {
  if (value instanceof ErrorClass) return outermost ? readableStack(value) : `[${toText(value)}]`
  if (value instanceof DateClass) return isNotNumber(dateTime(value)) ? 'Invalid Date' : dateText(value)
  if (value instanceof RegExpClass) return toText(value)
  if (value instanceof PromiseClass) return 'Promise {}'
  if (value instanceof MapClass) return printMap(value, printing)
  if (value instanceof SetClass) return printSet(value, printing)
  if (JSON.isRawJSON(value)) return JSON.stringify(value)
  if (isArray(value)) return printList(value, printing)
  return printPlain(value, printing)
}

function printMap(value: Map<unknown, unknown>, printing: Printing): string {
  let text = ''
  mapForEach(value, (item, key) => {
    if (printing.charsLeft < 0) return
    text += `${text && ','}${print(key, printing, false)}=>${print(item, printing, false)}`
  })
  return `Map{${text}}`
}

function printSet(value: Set<unknown>, printing: Printing): string {
  let text = ''
  setForEach(value, (item) => {
    if (printing.charsLeft < 0) return
    text += `${text && ','}${print(item, printing, false)}`
  })
  return `Set{${text}}`
}

function printList(value: unknown[], printing: Printing): string {
  let text = ''
  for (let index = 0; index < value.length && printing.charsLeft >= 0; index += 1)
    text += `${index > 0 ? ',' : ''}${print(value[index], printing, false)}`
  return `[${text}]`
}

function printPlain(value: object, printing: Printing): string {
  let text = ''
  const keys = objectKeys(value)
  for (let index = 0; index < keys.length && printing.charsLeft >= 0; index += 1) {
    const key = keys[index] as string
    const name = JSON.stringify(key.length > printing.charsLeft ? slice(key, 0, printing.charsLeft + 1) : key)
    printing.charsLeft -= name.length + 2
    text += `${text && ','}${name}:${printProperty(value, key, printing)}`
  }
  return `{${text}}`
}

/** A getter that throws spoils its own property only. */
function printProperty(holder: object, key: string, printing: Printing): string {
  try {
    return print((holder as Record<string, unknown>)[key], printing, false)
  } catch (error) {
    return `[threw: ${error instanceof ErrorClass ? toText(error.message) : 'something'}]`
  }
}
