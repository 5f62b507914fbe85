import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Json, parseExact } from '../../src/payload/exact-json.ts'
import { mergeFieldsOf } from '../../src/payload/merge-fields.ts'
import { compileTemplate, renderTemplate } from '../../src/payload/template.ts'
import { anyText } from '../world/any-text.ts'

function rendered(path: string, scope: Json): string {
  const compiled = compileTemplate(`{{ ${path} }}`)
  if (!compiled.ok) return `not compiled: ${compiled.message}`
  const result = renderTemplate(compiled.template, scope, (text) => text)
  return result.ok ? result.text : `not rendered: ${result.message}`
}

describe('the fields that templates can name', () => {
  test('have their path, an example and a kind', () => {
    const item = parseExact(
      `{"id":820982911946154508123,"order":{"total":"12.50","paid":true,"note":null,"line-items":[{"sku":"A"},{"sku":"B"}]},
        "tags":["x","y"],"odd key":{"a.b":1},"none":[],"empty":{}}`,
    )
    expect(mergeFieldsOf(item)).toEqual([
      { path: 'id', example: '820982911946154508123', kind: 'number' },
      { path: 'order.total', example: '12.50', kind: 'text' },
      { path: 'order.paid', example: 'true', kind: 'boolean' },
      { path: 'order.note', example: '', kind: 'null' },
      { path: 'order.line-items', example: '2 elements', kind: 'list' },
      { path: 'order.line-items[0].sku', example: 'A', kind: 'text' },
      { path: 'tags', example: '["x","y"]', kind: 'list' },
      { path: 'tags[0]', example: 'x', kind: 'text' },
      { path: '["odd key"]["a.b"]', example: '1', kind: 'number' },
      { path: 'none', example: '[]', kind: 'list' },
    ])
  })

  test('print in a template what their example says', () => {
    const keys = fc.oneof(
      anyText({ maxLength: 6 }),
      fc.constantFrom(
        'a',
        'size',
        'first',
        'last',
        'true',
        'nil',
        'empty',
        '__proto__',
        'constructor',
        'a-b',
        '1',
        'a b',
        'for',
        'contains',
        'and',
        'or',
        'not',
        'null',
        'blank',
        'false',
      ),
    )
    const { tree } = fc.letrec<{ tree: Json; object: Json }>((tie) => ({
      tree: fc.oneof(
        { maxDepth: 4 },
        fc.string({ maxLength: 20 }),
        fc.integer(),
        fc.boolean(),
        fc.constant(null),
        tie('object'),
        fc.array(tie('tree'), { maxLength: 3 }),
      ),
      object: fc.dictionary(keys, tie('tree'), { maxKeys: 5 }),
    }))
    fc.assert(
      fc.property(fc.dictionary(keys, tree, { maxKeys: 5 }), (item) => {
        for (const { path, example, kind } of mergeFieldsOf(item)) {
          if (kind !== 'list') expect(rendered(path, item), path).toBe(example)
          else expect(rendered(path, item), path).toMatch(/^\[/)
        }
      }),
      { numRuns: 200 },
    )
  })

  test('are limited in number, depth and length', () => {
    const many = Object.fromEntries(Array.from({ length: 2_000 }, (_, at) => [`f${at}`, at]))
    expect(mergeFieldsOf(many)).toHaveLength(500)
    let deep: Json = { end: 1 }
    for (let level = 0; level < 400; level++) deep = { a: deep, b: 1 }
    expect(mergeFieldsOf(deep).length).toBeLessThan(25)
    expect(mergeFieldsOf({ long: 'x'.repeat(1_000) })[0]?.example).toHaveLength(101)
    const list = Array.from({ length: 100_000 }, (_, at) => at)
    expect(mergeFieldsOf({ list })[0]?.example).toBe('100000 elements')
  })

  test('are none where a template sees nothing', () => {
    expect(mergeFieldsOf([1, 2])).toEqual([])
    expect(mergeFieldsOf('text')).toEqual([])
  })
})
