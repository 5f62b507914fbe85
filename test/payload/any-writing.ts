import fc from 'fast-check'

/** Texts, each character written as some encoder does it, and by encoders of their own: nothing here is of the program. */

type Way = (character: string) => string

const unicode = (unit: string) => unit.charCodeAt(0).toString(16).padStart(4, '0')
const inUnits = (text: string, write: Way) => text.split('').map(write).join('')
const quoted: Way = (character) => JSON.stringify(character).slice(1, -1)

const JSON_WAYS: Way[] = [
  quoted,
  (character) => inUnits(character, (unit) => `\\u${unicode(unit)}`),
  (character) => inUnits(character, (unit) => `\\u${unicode(unit).toUpperCase()}`),
  (character) => (character === '/' ? '\\/' : quoted(character)),
]
const ENTITIES: Record<string, string> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
}
const OTHER_WAYS: Way[] = [
  (character) => `&#${character.codePointAt(0)};`,
  (character) => `&#x${character.codePointAt(0)?.toString(16)};`,
  (character) => `&#x00${character.codePointAt(0)?.toString(16).toUpperCase()};`,
  (character) => ENTITIES[character] ?? character,
  (character) => (ENTITIES[character] ?? character).replace('&', '\\u0026'),
  (character) => encodeURIComponent(character),
  (character) => encodeURIComponent(encodeURIComponent(character)),
  (character) => inUnits(Buffer.from(character).toString('latin1'), (byte) => `%${unicode(byte).slice(2)}`),
  (character) => new URLSearchParams([['', character]]).toString().slice(1),
]

const character = fc.oneof(
  fc.constantFrom(...' /\\"\'&<>+%;#=.@-_\n\t'),
  fc.constantFrom(...'abuxnABU0125', 'é', 'Ë', 'ß', 'σ', 'Ω', 'к', '€', '漢', '😀', '𐐀'),
  fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }),
)

export interface Written {
  text: string
  form: string
}

/** Without NUL and halves of characters, which no text of PostgreSQL can have, and the brackets that tests put around. */
export function anyWritten(languages: 'json' | 'anything'): fc.Arbitrary<Written> {
  const ways = languages === 'json' ? JSON_WAYS : [...JSON_WAYS, ...OTHER_WAYS]
  return fc
    .array(fc.tuple(character, fc.constantFrom(...ways), fc.boolean()), { minLength: 1, maxLength: 12 })
    .map((parts) => ({
      text: parts.map(([one]) => one).join(''),
      form: parts.map(([one, write, isOtherCase]) => write(isOtherCase ? otherCase(one) : one)).join(''),
    }))
    .filter(({ text }) => text.isWellFormed() && !/[\0⟦⟧]/.test(text))
}

function otherCase(one: string): string {
  const cases = [one.toLowerCase(), one.toUpperCase()]
  return cases.find((other) => other !== one && other.length === one.length) ?? one
}
