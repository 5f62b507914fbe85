import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { checkDestination, destinationConfigSchema } from '../../src/integrations/destination-config.ts'

const documentation = readFileSync(new URL('../../docs/destinations.md', import.meta.url), 'utf8')
const examples = [...documentation.matchAll(/```json destination\n(.*?)```/gs)].map(([, text = '']) => text)

test('no example is overlooked', () => {
  expect(examples).toHaveLength(documentation.split('```json ').length - 1)
  expect(examples.length).toBeGreaterThan(15)
})

test.each(examples)('documented destination %s', (text) => {
  expect(checkDestination(JSON.parse(text))).toMatchObject({ ok: true })
})

test('every option and every choice of the config stands in the documentation', () => {
  const schema = z.toJSONSchema(destinationConfigSchema, { io: 'input', unrepresentable: 'any' })
  const words = [...wordsOf(schema)]
  expect(words).toEqual(expect.arrayContaining(['clientCertificate', 'passphrase', 'delaysMs', 'base64url']))
  expect(words.filter((word) => !documentation.includes(`\`${word}\``))).toEqual([])
})

/** Keys, and texts that may be chosen. */
function wordsOf(schema: unknown, words = new Set<string>()): Set<string> {
  if (typeof schema !== 'object' || schema === null) return words
  for (const [key, held] of Object.entries(schema)) {
    if (key === 'properties') for (const name of Object.keys(held)) words.add(name)
    if (key === 'enum') for (const word of held) words.add(word)
    if (key === 'const') words.add(held)
    wordsOf(held, words)
  }
  return words
}
