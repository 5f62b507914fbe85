import { afterAll, beforeAll, expect, test } from 'vitest'
import { freshDatabase } from '../world/database.ts'
import { eventually } from '../world/eventually.ts'
import { entryOf, openLedger, type TestLedger } from './world.ts'

let database: Awaited<ReturnType<typeof freshDatabase>>
let opened: TestLedger

beforeAll(async () => {
  database = await freshDatabase()
  opened = openLedger(database.url, { storeWaitMs: 60_000, pendingBytesMax: 2 ** 30 })
})
afterAll(async () => {
  await opened.close()
  await database.drop()
})

test('a large entry that PostgreSQL is busy with keeps no small one waiting', async () => {
  const { ledger, sql } = opened
  const dedupe = { key: 'held', windowSeconds: 3_600 }
  await ledger.record(entryOf({}, { dedupe }))
  const large = await sql.begin(async (transaction) => {
    await transaction`SELECT 1 FROM dedupe_keys WHERE key = 'held' FOR UPDATE`
    const body = Buffer.alloc(2_000_000, ' ')
    const waiting = ledger.record(entryOf({ body }, { dedupe }))
    await eventually(async () => {
      const blocked =
        await sql`SELECT 1 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()`
      expect(blocked).toHaveLength(1)
    })
    expect(await ledger.record(entryOf())).toHaveLength(1)
    return { waiting }
  })
  expect(await large.waiting).toEqual([expect.objectContaining({ duplicateOf: expect.any(String) })])
})

test('a payload is kept as it is, whatever lies beside it', async () => {
  const { ledger, sql } = opened
  const payloads = ['{"a":"é 𝄞 \\u0000"}', '""', `{"long":"${'ß'.repeat(70_000)}"}`, null]
  const entries = payloads.map((payload) => entryOf({}, { payload }))
  await Promise.all(entries.map((entry) => ledger.record(entry)))
  const ids = entries.map(({ events }) => events[0]?.id ?? '')
  const rows = await sql`SELECT payload FROM events WHERE id = ANY(${ids}::uuid[]) ORDER BY id`
  expect(rows.map(({ payload }) => payload)).toEqual(payloads)
})
