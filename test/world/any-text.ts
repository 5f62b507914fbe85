import fc from 'fast-check'

const SURROGATES = { first: 0xd800, count: 0x800 }
const LAST = 0x10ffff

/**
 * Texts of any code points but lone surrogates, as fast-check's own unit `binary` gives, which makes a table of all of
 * them first: a second and a half, and a hundred megabytes.
 */
export function anyText(constraints: fc.StringSharedConstraints = {}): fc.Arbitrary<string> {
  return fc.string({ unit: codePoint, ...constraints })
}

const codePoint = fc
  .integer({ min: 0, max: LAST - SURROGATES.count })
  .map((n) => String.fromCodePoint(n < SURROGATES.first ? n : n + SURROGATES.count))
