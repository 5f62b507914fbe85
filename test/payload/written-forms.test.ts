import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { fold } from '../../src/payload/letter-cases.ts'
import { patternOf } from '../../src/payload/written-patterns.ts'
import { finderOf, replaceAt } from '../../src/payload/written-places.ts'
import { anyWritten } from './any-writing.ts'

describe('a text that is written somehow, each character by itself', () => {
  test('is found as a whole', () => {
    fc.assert(
      fc.property(anyWritten('anything'), ({ text, form }) => {
        const given = `⟦${form}⟧`
        const places = finderOf([text]).placesIn(given)
        expect(places && replaceAt(given, places, '')).toBe('⟦⟧')
      }),
      { numRuns: 2_000 },
    )
  })

  test('is found among others that begin alike', () => {
    fc.assert(
      fc.property(anyWritten('json'), fc.array(fc.string(), { maxLength: 5 }), ({ text, form }, ends) => {
        const others = ends.map((end) => `${text}${end}⟧`)
        const places = finderOf([...others, text]).placesIn(`⟦${form}|`)
        expect(places?.[0]).toMatchObject({ from: 1, to: form.length + 1 })
      }),
    )
  })

  test('is in what the expression for the database matches', () => {
    for (const languages of ['json', 'anything'] as const)
      fc.assert(
        fc.property(anyWritten(languages), ({ text, form }) => {
          expect(form).toMatch(new RegExp(patternOf(text, languages), 'i'))
          expect(JSON.stringify(form)).toMatch(new RegExp(patternOf(text, languages), 'i'))
        }),
        { numRuns: 500 },
      )
  })
})

test('a letter is one in all of its cases, as long as they are as long', () => {
  for (let code = 0; code <= 0x10ffff; code++) {
    const letter = String.fromCodePoint(code)
    const folded = fold(letter)
    if (folded.length !== letter.length) expect.fail(`${letter} is of another length`)
    for (const other of [letter.toLowerCase(), letter.toUpperCase()])
      if (other.length === letter.length && fold(other) !== folded) expect.fail(`${letter} is not ${other}`)
  }
})
