import { getKey, isObject, type Json } from '../../src/payload/exact-json.ts'
import { formatPath, PathError, parsePath, resolvePath } from '../../src/payload/path.ts'
import { readAlwaysList } from '../../src/payload/read-xml.ts'
import { filled, promised, target } from '../target.ts'

const PAYLOAD: Json = {
  order: {
    items: [{ sku: 'a', '@id': '1' }, { sku: 'b' }, null, [1, [2]]],
    'odd.key': { '': 'x', '[]': 'y' },
  },
  a: { b: { c: 1 } },
}

export const path = target({
  name: 'path',
  reads: 'a path into a payload',
  promise:
    'read, or refused with its place; written again it is the same path; it leads to own keys and nowhere else',
  seeds: [
    'order.items[0].sku',
    'order.items[].sku',
    'order["odd.key"][""]',
    'a.b.c',
    'webhook.@id',
    '["\\u005f_proto__"].constructor',
    '[][][0][999999999]',
    '',
    'a..b',
    'a[b]',
  ],
  words: [
    '.',
    '[',
    ']',
    '[]',
    '[0]',
    '["',
    '"]',
    '\\"',
    '\\u0041',
    'order',
    'items',
    'sku',
    '@id',
    'length',
    'toString',
  ],
  bytesMax: 1_000,
  long: {
    'one name': (bytes) => filled(bytes, 'a'),
    names: (bytes) => filled(bytes, 'a.', '', 'a'),
    'every element': (bytes) => filled(bytes, '[]'),
    'a quoted key that does not end': (bytes) => filled(bytes, '\\"', '["'),
    'keys in quotes': (bytes) => filled(bytes, '["a"]'),
  },
  read(input) {
    const text = input.toString('utf8')
    try {
      const steps = parsePath(text)
      readAlwaysList([text])
      return { steps, found: resolvePath(PAYLOAD, steps) }
    } catch (error) {
      if (error instanceof PathError) return { refused: error.message }
      throw error
    }
  },
  judge(_input, result) {
    if ('refused' in result) {
      promised(/ at position \d+ of path "/.test(result.refused), 'a refusal names its place')
      return
    }
    const written = formatPath(result.steps)
    // A path is limited in its length; with its keys in quotes it may be longer.
    if (written.length <= 1_000)
      promised(formatPath(parsePath(written)) === written, 'written again it is the same')
    promised(result.found.every(isWithin), 'it leads to own keys')
  },
})

const within = new Set<Json>()
collect(PAYLOAD)

function collect(value: Json): void {
  within.add(value)
  if (Array.isArray(value)) value.forEach(collect)
  else if (isObject(value)) for (const key of Object.keys(value)) collect(getKey(value, key) ?? null)
}

function isWithin(value: Json): boolean {
  return within.has(value)
}
