import { afterAll, beforeAll, expect, test } from 'vitest'
import { newIntegrationId } from '../../src/platform/ids.ts'
import { freshDatabase } from '../world/database.ts'
import { openProcess, type Process, saveOrders, saveShop } from './world.ts'

let process: Process
let drop: () => Promise<void>
let shop: string

beforeAll(async () => {
  const database = await freshDatabase()
  drop = database.drop
  process = await openProcess(database.url)
  shop = await saveShop(process.integrations)
})

afterAll(async () => {
  await process.close()
  await drop()
})

const at = (seconds: number) => new Date(Date.UTC(2026, 0, 1, 0, 0, seconds))

async function usesOf(id: string): Promise<object> {
  const uses = await process.integrations.findSecretUses([id])
  return Object.fromEntries(uses.get(id) ?? [])
}

test('the latest use of each secret is kept, in whatever order uses are told', async () => {
  const { integrations } = process
  const [one, two] = [await saveOrders(integrations, shop), await saveOrders(integrations, shop)]
  const use = (integrationId: string, secretId: string, seconds: number) => ({
    integrationId,
    secretId,
    at: at(seconds),
  })
  await integrations.noteSecretUses([use(one, 'a', 5), use(two, 'a', 1), use(one, 'a', 9), use(one, 'a', 7)])
  expect(await usesOf(one)).toEqual({ a: at(9) })
  await integrations.noteSecretUses([use(one, 'a', 8), use(one, 'b', 3)])
  expect(await usesOf(one)).toEqual({ a: at(9), b: at(3) })
  await integrations.noteSecretUses([use(one, 'a', 10)])
  expect(await usesOf(one)).toEqual({ a: at(10), b: at(3) })
  expect(await usesOf(two)).toEqual({ a: at(1) })
  await integrations.noteSecretUses([])
})

test('an integration that is gone is passed over, and the others are written', async () => {
  const { integrations } = process
  const [gone, there] = [newIntegrationId(), await saveOrders(integrations, shop)]
  const uses = [gone, there].map((integrationId) => ({ integrationId, secretId: 'a', at: at(1) }))
  await integrations.noteSecretUses(uses)
  expect([await usesOf(gone), await usesOf(there)]).toEqual([{}, { a: at(1) }])
  await integrations.delete('integrations', there)
  await integrations.noteSecretUses(uses)
  expect(await usesOf(there)).toEqual({})
})

test('many edges that tell of many secrets at once do not hinder each other', async () => {
  const { integrations } = process
  const ids = await Promise.all(Array.from({ length: 5 }, () => saveOrders(integrations, shop)))
  const telling = Array.from({ length: 12 }, (_, edge) => {
    const uses = ids.flatMap((integrationId) =>
      ['a', 'b'].map((secretId) => ({ integrationId, secretId, at: at(edge) })),
    )
    return integrations.noteSecretUses(edge % 2 === 0 ? uses : uses.toReversed())
  })
  await Promise.all(telling)
  for (const id of ids) expect(await usesOf(id)).toEqual({ a: at(11), b: at(11) })
})
