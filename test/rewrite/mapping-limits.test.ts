import { describe, expect, test } from 'vitest'
import type { Json } from '../../src/payload/exact-json.ts'
import { compileMapping } from '../../src/rewrite/mapping/compile.ts'
import { MappingError } from '../../src/rewrite/mapping/failure.ts'
import type { Mapping } from '../../src/rewrite/mapping/rule.ts'
import { mapped, tryMapping } from './mapping-trial.ts'

describe('a mapping has limits', () => {
  test('of rules, those within $each counted', () => {
    const rules = (count: number) =>
      Object.fromEntries(Array.from({ length: count }, (_, i) => [`f${i}`, 'a']))
    expect(compileMapping(rules(1_000)).rules).toHaveLength(1_000)
    expect(() => compileMapping(rules(1_001))).toThrow('more than 1000 rules')
    expect(() => compileMapping({ l: { $each: 'a', fields: rules(1_000) } })).toThrow('more than 1000 rules')
  })

  test('of depth, without overflowing on the way to saying so', () => {
    let nested: Mapping = { x: 'y' }
    for (let i = 0; i < 8; i += 1) nested = { l: { $each: 'a', fields: nested } }
    expect(() => compileMapping(nested)).toThrow('nests at most')
    let deep: Json = 1
    for (let i = 0; i < 100_000; i += 1) deep = [deep]
    expect(() => compileMapping({ a: { value: deep } })).toThrow(MappingError)
  })

  test('of static values', () => {
    expect(() => compileMapping({ a: { value: Array.from({ length: 200_000 }, () => 0) } })).toThrow(
      'at most 100000 values',
    )
  })
})

describe('applying a mapping has limits', () => {
  test('a payload of any depth passes through without overflow', async () => {
    let deep: Json = 'core'
    for (let i = 0; i < 200_000; i += 1) deep = i % 2 === 0 ? { a: deep } : [deep]
    const value = await mapped({ x: 'deep', l: { $each: 'deep', fields: { '': '' } } }, { deep })
    expect((value as { x: Json }).x).toBe(deep)
    for (const name of ['toJson', 'unique']) {
      const written = await tryMapping({ x: { from: 'deep', transforms: [name] } }, { deep })
      expect(written).toMatchObject({ ok: false, message: expect.stringContaining('too deep') })
    }
  })

  test('a result that repeats the payload too often is refused before it is written', async () => {
    const payload = { items: Array.from({ length: 20_000 }, () => 'x'.repeat(100)) }
    const result = await tryMapping({ l: { $each: 'items', fields: { all: '$root' } } }, payload)
    expect(result).toMatchObject({ ok: false, message: expect.stringContaining('longer than') })
  })

  test('text made over and over is refused', async () => {
    const payload = { items: Array.from({ length: 1_000 }, () => 'x'.repeat(1_000)) }
    const fields = { all: { from: '$root', transforms: ['toJson'] } }
    const result = await tryMapping({ l: { $each: 'items', fields } }, payload)
    expect(result).toMatchObject({
      ok: false,
      rule: 'l[].all',
      message: expect.stringContaining('longer than'),
    })
  })

  test('lists of lists of lists end', async () => {
    const items = Array.from({ length: 300 }, () => 1)
    const inner = {
      $each: '$root.lists',
      fields: { x: { $each: '$root.lists', fields: { y: { value: 1 } } } },
    }
    const lists = { l: { $each: 'lists', fields: { x: inner } } }
    expect(await tryMapping({ ...padded(6), ...lists }, [{ items }, { lists: items }])).toMatchObject({
      ok: false,
      rule: expect.stringMatching(/^l\[\]\.x\[\]\.x/),
      message: expect.stringContaining('more than 2000000 values'),
    })
  })

  test('filling and padding lists is paid for', async () => {
    const payload = { items: Array.from({ length: 1_900 }, () => 1) }
    const values = { ok: false, message: expect.stringContaining('more than 2000000 values') }
    expect(await tryMapping(padded(2), payload)).toMatchObject({ ...values, rule: 'p1[].t[999]' })
    const fills = Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`p0[].f${i}`, { value: 1 }]))
    expect(await tryMapping({ ...padded(1), ...fills }, payload)).toMatchObject({
      ...values,
      rule: expect.stringMatching(/^p0\[\]\.f/),
    })
  })

  /** Rules that each use up nearly a thousand values for an item, at little cost: what comes after them is near the limit. */
  function padded(rules: number): Record<string, string> {
    return Object.fromEntries(Array.from({ length: rules }, (_, i) => [`p${i}[].t[999]`, 'items[]']))
  }

  test('a long list does not keep the process from other work', async () => {
    let turns = 0
    let running = true
    const count = () => {
      turns += 1
      if (running) setImmediate(count)
    }
    setImmediate(count)
    await mapped(
      { id: 'id' },
      Array.from({ length: 100_000 }, (_, id) => ({ id })),
    )
    running = false
    expect(turns).toBeGreaterThan(5)
  })
})

describe('what a stranger sends cannot make a transform cost more than it is worth', () => {
  test.each(['dM', 'yMyMyMyMyMyMyMyM', "y'1'M", 'dMMd', 'z-z', 'Hmss'])(
    'the date format %s, whose numbers can end in several places, is refused',
    (from) => {
      const mapping = { x: { from: 'd', transforms: [{ dateFormat: { from, to: 'iso' } }] } }
      expect(() => compileMapping(mapping)).toThrow(/several|nothing between|twice/)
    },
  )

  test.each([
    ['yyyyMMddHHmmss', '20240115103000', '2024-01-15T10:30:00Z'],
    ['d.M.yyyy H:m', '5.1.2024 9:07', '2024-01-05T09:07:00Z'],
    ['EEE, d MMM yyyy HH:mm:ss ZZZ', 'Mon, 15 Jan 2024 10:30:00 +0100', '2024-01-15T10:30:00+01:00'],
    ['MMMd yyyy', 'Jan5 2024', '2024-01-05T00:00:00Z'],
    ['yyyy-MM-dd HH:mm z', '2024-01-15 10:30 Europe/Berlin', '2024-01-15T10:30:00+01:00'],
  ])('the date format %s is read', async (from, given, iso) => {
    const mapping = { x: { from: 'd', transforms: [{ dateFormat: { from, to: 'iso' } }] } }
    expect(await mapped(mapping, { d: given })).toEqual({ x: iso })
  })

  test.each([
    [
      'replace',
      { replace: { search: 'a', with: 'x'.repeat(1_000) } },
      'a'.repeat(1_000_000),
      /replace: makes a text of more/,
    ],
    ['join', { join: 'x'.repeat(1_000) }, Array(600_000).fill('a'), /join: makes a text of more/],
    ['split', { split: 'a' }, 'a'.repeat(200_000), /split: more than 100000 parts/],
  ])('what %s would make too long is a failure before it is made', async (_name, transform, d, message) => {
    const result = await tryMapping({ x: { from: 'd', transforms: [transform] } }, { d })
    expect(result).toMatchObject({ ok: false, rule: 'x', message: expect.stringMatching(message) })
  })

  test('characters of two units are still counted as one', async () => {
    const transforms = [{ slice: { from: 1, to: 3 } }, 'capitalise']
    expect(await mapped({ x: { from: 'd', transforms } }, { d: '😀éa' })).toEqual({ x: 'Éa' })
    expect(await mapped({ x: { from: 'd', transforms: [{ truncate: 2 }] } }, { d: '😀😀😀' })).toEqual({
      x: '😀😀',
    })
  })
})
