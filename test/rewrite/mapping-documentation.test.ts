import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { isObject, type JsonObject, parseExact } from '../../src/payload/exact-json.ts'
import { transformReference } from '../../src/rewrite/mapping/reference.ts'
import type { Mapping } from '../../src/rewrite/mapping/rule.ts'
import { mappingSchema } from '../../src/rewrite/mapping/schema.ts'
import { mapped } from './mapping-trial.ts'

const documentation = readFileSync(new URL('../../docs/mapping.md', import.meta.url), 'utf8')

test('the reference of transforms stands in the documentation as it is', () => {
  expect(documentation).toContain(transformReference())
})

const examples = [
  ...documentation.matchAll(
    /```json mapping\n(.*?)```\s+```json payload\n(.*?)```\s+```json result\n(.*?)```/gs,
  ),
].map(([, mapping = '', payload = '', result = '']) => ({ mapping, payload, result }))

test('no example is overlooked', () => {
  expect(examples).toHaveLength(documentation.split('```json mapping').length - 1)
  expect(examples.length).toBeGreaterThan(5)
})

test.each(examples)('documented mapping $mapping', async ({ mapping, payload, result }) => {
  const rules = mappingSchema.parse(parsedObject(mapping)) as Mapping
  expect(await mapped(rules, parseExact(payload))).toStrictEqual(parseExact(result))
})

function parsedObject(text: string): JsonObject {
  const value = parseExact(text)
  if (!isObject(value)) throw new Error('a mapping is an object')
  return value
}
