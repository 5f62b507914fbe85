import { ErrorClass, slice, toText } from './primordials.ts'

const MESSAGE_CHARS_MAX = 2_000
/** The name that the realm's own code carries in stack traces. */
export const REALM_FILE = 'sluice:realm'

/** `TypeError: x is not a function (my-function, line 3)`, for whatever was thrown, traps included. */
export function describeThrown(thrown: unknown, fileName: string): string {
  try {
    if (!(thrown instanceof ErrorClass)) return cut(`threw ${describeValue(thrown)}`)
    const place = lineWithin(readText(thrown.stack), fileName)
    const text = `${readText(thrown.name) || 'Error'}: ${readText(thrown.message)}`
    return cut(text) + (place === undefined ? '' : ` (${fileName}, line ${place})`)
  } catch {
    return 'threw something that throws when it is looked at'
  }
}

/** The stack without the realm's own lines, or name and message where there is none. */
export function readableStack(error: Error): string {
  const stack = readText(error.stack)
  if (stack === '') return `${readText(error.name) || 'Error'}: ${readText(error.message)}`
  return stack
    .split('\n')
    .filter((line) => !line.includes(REALM_FILE) && !line.includes('<isolated-vm>'))
    .join('\n')
}

export function cut(text: string): string {
  return text.length > MESSAGE_CHARS_MAX ? `${slice(text, 0, MESSAGE_CHARS_MAX)}…` : text
}

function describeValue(value: unknown): string {
  if (typeof value === 'string') return value
  if (typeof value !== 'object' || value === null) return toText(value)
  const message = (value as { message?: unknown }).message
  return typeof message === 'string' ? message : (JSON.stringify(value) ?? 'an object')
}

function readText(value: unknown): string {
  return typeof value === 'string' ? value : ''
}

/** The line of the first stack entry in the function's own file. */
function lineWithin(stack: string, fileName: string): string | undefined {
  const at = stack.indexOf(`${fileName}:`)
  if (at < 0) return undefined
  return /^[0-9]+/.exec(slice(stack, at + fileName.length + 1))?.[0]
}
