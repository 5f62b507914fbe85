import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { batchIdOf } from '../../src/ledger/batch-id.ts'
import { type BatchRule, type Candidate, formBatches } from '../../src/ledger/form-batches.ts'

const RULE: BatchRule = {
  itemsMax: 3,
  bytesMax: 1_000,
  waitMs: 500,
  wrapBytes: 2,
  itemBytes: 1,
  onePerKey: false,
}

function candidate(id: string, more: Partial<Candidate> = {}): Candidate {
  const none = { orderKey: null, uniqueKey: null, behind: null, batchId: null }
  return { id, eventId: id, bytes: 10, waitedMs: 0, ...none, ...more }
}

/** The ids of each batch, and how long what is left over waits. */
function formed(candidates: Candidate[], rule: Partial<BatchRule> = {}, batchesMax = 100) {
  const { batches, againInMs } = formBatches(candidates, { ...RULE, ...rule }, batchesMax)
  return { batches: batches.map(({ members }) => members.map(({ id }) => id).join(' ')), againInMs }
}

const many = (text: string, more: Partial<Candidate> = {}) => text.split(' ').map((id) => candidate(id, more))

describe('deliveries that come together', () => {
  test('go as soon as a batch is full, and what is left over waits for others', () => {
    expect(formed(many('a b c d', { waitedMs: 100 }))).toEqual({ batches: ['a b c'], againInMs: 400 })
  })

  test('go with whatever there is once the oldest has waited long enough', () => {
    expect(formed([candidate('a'), candidate('b', { waitedMs: 500 })])).toEqual({
      batches: ['a b'],
      againInMs: null,
    })
  })

  test('fill a batch up to its bytes; one that is larger by itself goes alone', () => {
    const [small, large] = [{ bytes: 400 }, { bytes: 4_000 }]
    const given = [candidate('a', small), candidate('b', small), candidate('c', small), candidate('d', large)]
    expect(formed(given)).toEqual({ batches: ['a b', 'c', 'd'], againInMs: null })
  })

  test('make no more batches than may go', () => {
    expect(formed(many('a b c d e f g h i'), {}, 2).batches).toEqual(['a b c', 'd e f'])
  })

  test('stand in the order of their events, whatever their priority was', () => {
    expect(formed(many('c a b')).batches).toEqual(['a b c'])
  })
})

describe('a batch that failed as a whole', () => {
  const failed = many('b d', { batchId: 'x' })

  test('is made again of the same deliveries, at once, and what is new goes elsewhere', () => {
    const given = [candidate('a'), ...failed, candidate('c')]
    expect(formed(given)).toEqual({ batches: ['b d'], againInMs: 500 })
    const { batches } = formBatches(failed, RULE, 1)
    expect(batches[0]?.id).toBe(batchIdOf(['d', 'b']))
  })

  test('goes on without those that were taken out of it, under another id', () => {
    const [first] = formBatches(many('b', { batchId: 'x' }), RULE, 1).batches
    expect(first?.members.map(({ id }) => id)).toEqual(['b'])
    expect(first?.id).not.toBe(batchIdOf(['b', 'd']))
  })

  test('is not made again where the destination takes smaller ones by now', () => {
    expect(formed(many('a b c', { batchId: 'x' }), { itemsMax: 2 }).batches).toEqual(['a b'])
  })
})

describe('an order key', () => {
  const chain = [
    candidate('a', { orderKey: 'k' }),
    candidate('b', { orderKey: 'k', behind: 'a' }),
    candidate('c', { orderKey: 'k', behind: 'b' }),
  ]

  test('lets what waits behind one another go in one batch, also when the later is more urgent', () => {
    expect(formed(chain).batches).toEqual(['a b c'])
    expect(formed(chain.toReversed()).batches).toEqual(['a b c'])
  })

  test('lets none go in another batch than the one before it', () => {
    expect(formed(chain, { itemsMax: 2 })).toEqual({ batches: ['a b'], againInMs: null })
    expect(formed([...chain.slice(1), candidate('x')]).batches).toEqual([])
  })

  test('sends one at a time where each item may be refused', () => {
    const given = [...chain, candidate('x', { waitedMs: 500 })]
    expect(formed(given, { onePerKey: true }).batches).toEqual(['a x'])
  })

  test('is never broken, whatever waits in whatever order', () => {
    const arbitrary = fc.record({
      items: fc.array(
        fc.record({
          key: fc.constantFrom(null, 'k', 'l'),
          priority: fc.nat(3),
          bytes: fc.nat(400),
          failed: fc.nat(3),
        }),
        { maxLength: 40 },
      ),
      itemsMax: fc.integer({ min: 1, max: 6 }),
      onePerKey: fc.boolean(),
      batchesMax: fc.integer({ min: 1, max: 8 }),
    })
    fc.assert(
      fc.property(arbitrary, ({ items, itemsMax, onePerKey, batchesMax }) => {
        const last = new Map<string, string>()
        const made = items.map(({ key, bytes, priority, failed }, index) => {
          const id = String(index).padStart(3, '0')
          const behind = key === null ? null : (last.get(key) ?? null)
          if (key !== null) last.set(key, id)
          const batchId = failed === 0 ? `batch-${index % 3}` : null
          return { priority, one: candidate(id, { orderKey: key, behind, bytes, batchId, waitedMs: 600 }) }
        })
        const given = made.toSorted((a, b) => a.priority - b.priority).map(({ one }) => one)
        const { batches } = formBatches(given, { ...RULE, itemsMax, onePerKey }, batchesMax)
        const went = new Map(batches.flatMap(({ members }, at) => members.map(({ id }) => [id, at] as const)))
        expect(batches.flatMap(({ members }) => members)).toHaveLength(went.size)
        for (const { one } of made) {
          const at = went.get(one.id)
          if (at === undefined || one.behind === null) continue
          // Whatever goes, the one before it goes with it, and stands before it.
          expect(went.get(one.behind)).toBe(at)
          expect(onePerKey).toBe(false)
        }
        for (const { members } of batches) {
          expect(members.length).toBeLessThanOrEqual(itemsMax)
          const ids = members.map(({ id }) => id)
          expect(ids).toEqual(ids.toSorted())
        }
      }),
    )
  })
})

test('of one unique key one goes at a time', () => {
  expect(formed(many('a b', { uniqueKey: 'u', waitedMs: 500 })).batches).toEqual(['a'])
})

test('the id of a batch is that of its deliveries, in whatever order, and a UUID', () => {
  expect(batchIdOf(['a', 'b'])).toBe(batchIdOf(['b', 'a']))
  expect(batchIdOf(['a', 'b'])).not.toBe(batchIdOf(['a']))
  expect(batchIdOf(['a'])).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
})
