import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { cameTo, openRoad, type Road } from './world.ts'

let road: Road

beforeAll(async () => {
  road = await openRoad()
})

afterAll(() => road.close())

/** Short, around 2^53 and 2^64, and as long as identifiers never get. */
const digits = fc.oneof(
  fc.bigInt({ min: -(2n ** 70n), max: 2n ** 70n }),
  fc.bigInt({ min: 2n ** 53n - 4n, max: 2n ** 53n + 4n }),
  fc.bigInt({ min: 10n ** 400n, max: 10n ** 401n }),
  fc.maxSafeInteger().map(BigInt),
)
const texts = fc.array(digits.map(String), { minLength: 100, maxLength: 300 })

test('integers of any size come through a function and a mapping with every digit', async () => {
  await road.api.rewriteFunction(
    road.shop,
    'copy',
    `const copies = job.data.data.map((n) => ({ n, deep: [[n]], text: String(n) }))
     return { jobStatus: 1, data: { batch: JSON.parse(JSON.stringify(copies)) } }`,
  )
  const mapping = { list: { $each: 'batch', fields: { id: 'n', 'in.depth': 'deep[0][0]', text: 'text' } } }
  let round = 0
  await fc.assert(
    fc.asyncProperty(texts, async (numbers) => {
      round += 1
      const at = `/numbers-${round}`
      const id = await road.integration([
        { id: 'copy', kind: 'transform', function: 'copy', next: ['push'] },
        { id: 'push', kind: 'push', destination: await road.destination(at), mapping },
      ])
      expect((await road.world.send(id, `[${numbers.join(',')}]`)).status).toBe(200)
      await road.api.eventIn(id, 'delivered')
      const wanted = numbers.map((n) => `{"id":${n},"text":"${n}","in":{"depth":${n}}}`)
      expect(cameTo(road.receiver, at)).toEqual([`{"list":[${wanted.join(',')}]}`])
    }),
    { numRuns: 12, endOnFailure: true },
  )
})

test('numbers that no double holds are sent as they came by a mapping, and never rounded in silence', async () => {
  const id = await road.integration([
    {
      id: 'push',
      kind: 'push',
      destination: await road.destination('/decimals'),
      mapping: { a: 'a', b: 'b', c: 'c' },
    },
  ])
  await road.world.send(id, '{"a":1e400,"b":0.12345678901234567890,"c":-0.10}')
  await road.api.eventIn(id, 'delivered')
  expect(cameTo(road.receiver, '/decimals')).toEqual(['{"a":1e400,"b":0.12345678901234567890,"c":-0.1}'])
})
