import { expect, test } from 'vitest'
import { openWay } from '../../chaos/world/way.ts'
import { createSearches, SearchTooLong } from '../../src/ledger/searches.ts'
import { connectPostgres } from '../../src/platform/postgres.ts'
import { freshDatabase } from '../world/database.ts'

test('a search that PostgreSQL never answers ends all the same, and gives its turn to the next', async () => {
  const database = await freshDatabase()
  const url = new URL(database.url)
  const way = await openWay(Number(url.port || 5432))
  url.port = String(way.port)
  const sql = connectPostgres(url.href, { connectionsMax: 2, applicationName: 'test' })
  const searches = createSearches(sql, { atOnceMax: 1, secondsMax: 1 })
  const search = () => searches.find((transaction) => transaction`SELECT 1 AS found`)

  expect(await search()).toMatchObject([{ found: 1 }])
  way.be('stalling')
  const silent = await Promise.allSettled([search(), search()])
  expect(silent).toEqual(Array(2).fill({ status: 'rejected', reason: expect.any(SearchTooLong) }))
  way.be('open')
  expect(await search()).toMatchObject([{ found: 1 }])

  await sql.end({ timeout: 1 })
  await way.close()
  await database.drop()
})
