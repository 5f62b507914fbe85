/**
 * What a function finds beside the language itself, and what of the language is taken away.
 *
 * WebAssembly takes memory past the isolate's limit; shared memory and its waits can block a thread; a finalizer
 * would run after its call has ended, within the next one.
 */
export function shapeGlobals(target: Record<string, unknown>): void {
  for (const name of ['WebAssembly', 'SharedArrayBuffer', 'Atomics', 'FinalizationRegistry', 'WeakRef'])
    delete target[name]
  for (const [name, value] of Object.entries({ atob, btoa, structuredClone }))
    Object.defineProperty(target, name, { value, writable: true, enumerable: false, configurable: true })
}

const BASE64 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'

export function btoa(data: unknown): string {
  const text = `${data}`
  let encoded = ''
  for (let at = 0; at < text.length; at += 3) {
    const codes = [text.charCodeAt(at), text.charCodeAt(at + 1), text.charCodeAt(at + 2)]
    if (codes.some((code) => code > 255)) throw new RangeError('btoa: a character is beyond Latin-1')
    const [first = 0, second = 0, third = 0] = codes.map((code) => code || 0)
    const bits = (first << 16) | (second << 8) | third
    const digits = [bits >> 18, (bits >> 12) & 63, (bits >> 6) & 63, bits & 63]
    const group = digits.map((digit) => BASE64[digit]).join('')
    encoded += group.slice(0, text.length - at + 1).padEnd(4, '=')
  }
  return encoded
}

export function atob(data: unknown): string {
  const text = `${data}`.replace(/[\t\n\f\r ]/g, '').replace(/={1,2}$/, '')
  if (text.length % 4 === 1 || /[^A-Za-z0-9+/]/.test(text))
    throw new RangeError('atob: the text is not base64')
  let decoded = ''
  let bits = 0
  for (let at = 0; at < text.length; at += 1) {
    bits = ((bits << 6) | BASE64.indexOf(text[at] as string)) & 0xffff
    const pending = (at % 4) * 2
    if (pending > 0) decoded += String.fromCharCode((bits >> (6 - pending)) & 0xff)
  }
  return decoded
}

/** For what payloads are made of: primitives, arrays, plain objects, dates, maps and sets; keeps cycles. */
function structuredClone<T>(value: T): T {
  return cloneInto(value, new Map()) as T
}

function cloneInto(value: unknown, seen: Map<object, unknown>): unknown {
  if (typeof value === 'function' || typeof value === 'symbol')
    throw new TypeError(`structuredClone: a ${typeof value} cannot be cloned`)
  if (typeof value !== 'object' || value === null || JSON.isRawJSON(value)) return value
  if (seen.has(value)) return seen.get(value)
  if (value instanceof Date) return new Date(value.getTime())
  if (value instanceof Map) return cloneMap(value, seen)
  if (value instanceof Set) return cloneSet(value, seen)
  const copy: object = Array.isArray(value) ? new Array(value.length) : {}
  seen.set(value, copy)
  for (const key of Object.keys(value)) {
    const item = cloneInto((value as Record<string, unknown>)[key], seen)
    Object.defineProperty(copy, key, { value: item, writable: true, enumerable: true, configurable: true })
  }
  return copy
}

function cloneMap(value: Map<unknown, unknown>, seen: Map<object, unknown>): Map<unknown, unknown> {
  const copy = new Map<unknown, unknown>()
  seen.set(value, copy)
  for (const [key, item] of value) copy.set(cloneInto(key, seen), cloneInto(item, seen))
  return copy
}

function cloneSet(value: Set<unknown>, seen: Map<object, unknown>): Set<unknown> {
  const copy = new Set<unknown>()
  seen.set(value, copy)
  for (const item of value) copy.add(cloneInto(item, seen))
  return copy
}
