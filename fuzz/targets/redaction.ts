import { isObject, type Json, parseExact, stringifyExact } from '../../src/payload/exact-json.ts'
import { MASK, redactFields } from '../../src/payload/redact-fields.ts'
import { redactionOf } from '../../src/payload/redaction.ts'
import { filled, joinParts, partsOf, promised, target } from '../target.ts'

const PATHS = ['customer.email', '**.card', 'lines[].holder']
/** What is shorter is looked for as a word of its own, or not at all. */
const FOUND_CHARS_MIN = 6

export const redaction = target({
  name: 'redaction',
  reads: 'a payload of which some fields are hidden, and a text to be shown that may hold what stood there',
  promise:
    'what stood in a hidden field is in nothing that is shown: neither the payload nor the text; what is shown of a payload is JSON of the same shape',
  seeds: [
    joinParts('{"customer":{"email":"jane@example.com"}}', 'sent to jane@example.com'),
    joinParts('{"customer":{"email":"Jane@Example.com"}}', 'İ sent to Jane@Example.com'),
    joinParts('{"lines":[{"holder":{"name":"Jane Doe","card":4111111111111111}}]}', '4111111111111111 Jane'),
    joinParts('{"a":[{"card":"4111 1111"}],"b":"4111 1111"}', '\\u0034111 1111'),
    joinParts('{"customer":{"email":"a\\"b<c>&d e/f"}}', 'a\\"b<c>&d e/f a&quot;b&lt;c a%22b'),
    joinParts('{"card":"***"}', '***'),
    joinParts('{"__proto__":{"card":"abcdef"}}', 'abcdefabcdef'),
  ],
  words: [
    '"card":',
    '"customer":{"email":',
    '"lines":[{"holder":',
    'jane@example.com',
    'İ',
    'ß',
    '\\u0041',
    '***',
    '{',
    '}',
    '[',
    ']',
    '"',
    '\n---\n',
  ],
  bytesMax: 100_000,
  long: {
    'one that begins at every place': (bytes) =>
      joinParts(`{"card":"${'a'.repeat(1_000)}b"}`, filled(bytes, 'a')),
    'one that stands at every place': (bytes) => joinParts('{"card":"aaaaaa"}', filled(bytes, 'a')),
    'many hidden': (bytes) => joinParts(filled(bytes, '"aaaaaaa",', '{"card":[', '1]}'), filled(bytes, 'a')),
    'hidden deep down': (bytes) => joinParts(filled(Math.min(bytes, 2_000), '{"x":', '', '{"card":1}'), ''),
  },
  read(input) {
    const [payload = '', text = ''] = partsOf(input, 2).map((part) => part.toString())
    const value = parsed(payload)
    if (value === undefined) return undefined
    const { masked, texts } = redactFields(value, PATHS)
    const hiding = redactionOf(texts)
    const bytes = Buffer.from(text)
    return {
      value,
      masked,
      texts,
      text,
      shown: hiding.text(text),
      bytes: hiding.bytes(bytes).toString(),
      json: hiding.json(masked),
    }
  },
  judge(_input, read) {
    if (!read) return
    const { value, masked, texts, text, shown, bytes, json } = read
    promised(isSameShape(value, masked), 'what is shown has the same shape')
    parseExact(stringifyExact(json))
    if (texts === 'everything') {
      promised(shown === '' || shown === MASK, 'of too much to hide nothing is shown')
      return
    }
    if (texts.length === 0) promised(shown === text, 'where nothing is hidden all is shown')
    for (const hidden of texts) {
      if (hidden.length < FOUND_CHARS_MIN || MASK.repeat(hidden.length).includes(hidden)) continue
      for (const place of [shown, bytes]) promised(!place.includes(hidden), 'what is hidden is not shown')
      promised(!leavesOf(json).includes(hidden), 'what is hidden is not shown in data')
    }
  },
})

function parsed(text: string): Json | undefined {
  try {
    return parseExact(text)
  } catch {
    return undefined
  }
}

function isSameShape(value: Json, masked: Json): boolean {
  if (masked === MASK) return true
  if (Array.isArray(value) && Array.isArray(masked))
    return (
      value.length === masked.length && value.every((held, index) => isSameShape(held, masked[index] ?? null))
    )
  if (!isObject(value) || !isObject(masked)) return Array.isArray(value) === Array.isArray(masked)
  const held = new Map(Object.entries(masked))
  return Object.entries(value).every(([key, one]) => held.has(key) && isSameShape(one, held.get(key) ?? null))
}

function leavesOf(value: Json): string[] {
  if (Array.isArray(value)) return value.flatMap(leavesOf)
  if (isObject(value)) return Object.values(value).flatMap(leavesOf)
  return typeof value === 'string' ? [value] : []
}
