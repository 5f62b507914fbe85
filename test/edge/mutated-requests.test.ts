/** Requests that were changed by chance, byte by byte, to a running gateway. `npm run fuzz -- --target edge` goes on. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { foundInputs } from '../../fuzz/found.ts'
import { createRandom } from '../../fuzz/random.ts'
import { changedRequest, exchange, requestSeeds, wrongIn } from '../../fuzz/requests.ts'
import { type EdgeWorld, expectHealthy, startEdge } from './world.ts'

const SEED = 20_260_101
const REQUESTS = 400
const AT_ONCE = 8
const ANSWER_MS_MAX = 15_000

let world: EdgeWorld
let open: string
let signed: string

beforeAll(async () => {
  world = await startEdge({ BODY_WAIT_MS: '1000', BASE_DOMAIN: 'example.com' })
  open = await world.integration({ split: '', dedupe: { by: 'fields', fields: ['a', 'b.c'] } })
  const proof = { secrets: [{ secret: 'shpss_0123456789abcdef' }] }
  signed = await world.integration({ source: 'shopify', proof, onUnproven: 'quarantine' })
})
afterAll(() => world.close())

test('no request that was changed by chance is answered with a 5xx, left hanging, or harms the gateway', async () => {
  const random = createRandom(SEED)
  const seeds = requestSeeds([open, signed])
  const requests = [
    ...foundInputs('edge').map(([, input]) => input),
    ...seeds,
    ...Array.from({ length: REQUESTS }, () => changedRequest(seeds, random)),
  ]
  const wrong: string[] = []
  while (requests.length > 0)
    await Promise.all(
      requests.splice(0, AT_ONCE).map(async (request) => {
        const found = wrongIn(await exchange(world.port, request, ANSWER_MS_MAX))
        if (found !== undefined) wrong.push(`${found} to ${JSON.stringify(request.toString('latin1'))}`)
      }),
    )
  expect(wrong).toEqual([])
  expect(({} as Record<string, unknown>).a).toBeUndefined()
  await expectHealthy(world, open)
})
