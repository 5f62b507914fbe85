/**
 * One case that is as long as the text, whatever stands around a letter: places in the one are places in the other. The
 * dotted capital I is the only letter whose lower case is longer (SpecialCasing.txt of Unicode).
 */
export function fold(text: string): string {
  return text
    .replaceAll('İ', 'i')
    .toLowerCase()
    .replace(SMALL_VARIANTS, (letter) => letter.toUpperCase().toLowerCase())
}

/** Small letters whose capital is that of another one, as of the long s. */
const SMALL_VARIANTS = /[\u0345µıſςϐϑϕϖϰϱϵ\u1c80-\u1c88ẛ\u1fbe]/g

/** A text in small and in capital letters, folded: they differ where a letter has no capital, as that of Straße. */
export function casesOf(text: string): string[] {
  return [...new Set([text, text.toLowerCase(), text.toUpperCase()].map(fold))]
}

let knownCapitals: Map<string, string[]> | undefined

/** By the folded character, every other one that is folded to it. */
export function capitals(): Map<string, string[]> {
  if (knownCapitals) return knownCapitals
  knownCapitals = new Map()
  for (let code = 0; code < CASED_CODES_END; code++) {
    const character = String.fromCodePoint(code)
    const folded = fold(character)
    if (folded !== character) knownCapitals.set(folded, [...(knownCapitals.get(folded) ?? []), character])
  }
  return knownCapitals
}

/** Beyond it there are no letters that have cases. */
const CASED_CODES_END = 0x20000
