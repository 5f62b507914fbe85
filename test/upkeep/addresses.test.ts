import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import type { FetchText } from '../../src/integrations/integrations.ts'
import { createLog } from '../../src/platform/log.ts'
import { createMetrics } from '../../src/platform/metrics.ts'
import { createAddressRefresh } from '../../src/upkeep/addresses.ts'
import { startUpkeep } from '../../src/upkeep/upkeep.ts'
import { definitionOf, openProcess, type Process, saveOrders, saveShop } from '../integrations/world.ts'
import { openLedger } from '../ledger/world.ts'
import { freshDatabase } from '../world/database.ts'
import { eventually } from '../world/eventually.ts'

const HOUR_MS = 3_600_000
const GITHUB = 'https://api.github.com/meta'

let database: { url: string; drop(): Promise<void> }
let process: Process
let shop: string
let nowMs: number
let asked: string[]
let answer: Awaited<ReturnType<FetchText>>
let refreshDue: () => Promise<void>

beforeAll(async () => {
  database = await freshDatabase()
  process = await openProcess(database.url)
  shop = await saveShop(process.integrations)
})
afterAll(async () => {
  await process.close()
  await database.drop()
})

const fetchText: FetchText = async (url) => {
  asked.push(url)
  return answer
}

beforeEach(() => {
  nowMs = Date.parse('2026-08-01T10:00:00Z')
  asked = []
  answer = { ok: true, text: '{"hooks":["192.30.252.0/22"]}' }
  const now = () => new Date(nowMs)
  const options = { integrations: process.integrations, fetchText, now, log: createLog('silent') }
  refreshDue = createAddressRefresh(options, new AbortController().signal)
})
afterEach(async () => {
  for (const { id } of process.integrations.integrations())
    await process.integrations.delete('integrations', id)
  await process.sql`DELETE FROM published_addresses`
  await process.integrations.reload()
})

async function letIn(source: string, allowPublished: boolean): Promise<void> {
  const definition = definitionOf({ source, allowPublished, proof: { secrets: [{ secret: 'one' }] } })
  await saveOrders(process.integrations, shop, definition)
}

test('only lists that some integration lets in are fetched', async () => {
  await letIn('github', false)
  await letIn('shopify', true)
  await refreshDue()
  expect(asked).toEqual([])
  await letIn('github', true)
  await letIn('github', true)
  await refreshDue()
  expect(asked).toEqual([GITHUB])
  expect(process.integrations.publishedAddresses('github')).toEqual(['192.30.252.0/22'])
})

test('a list is fetched again once a day, whichever process fetched it before', async () => {
  await letIn('github', true)
  await refreshDue()
  nowMs += 23 * HOUR_MS
  await refreshDue()
  expect(asked).toHaveLength(1)
  nowMs += HOUR_MS
  answer = { ok: true, text: '{"hooks":["140.82.112.0/20"]}' }
  await refreshDue()
  expect(asked).toHaveLength(2)
  expect(process.integrations.publishedAddresses('github')).toEqual(['140.82.112.0/20'])
})

test('a failure keeps the list, and is tried again an hour later', async () => {
  await letIn('github', true)
  await refreshDue()
  nowMs += 24 * HOUR_MS
  answer = { ok: false, message: 'api.github.com answered 403' }
  await refreshDue()
  await refreshDue()
  expect(asked).toHaveLength(2)
  expect(process.integrations.publishedAddresses('github')).toEqual(['192.30.252.0/22'])
  nowMs += HOUR_MS
  await refreshDue()
  expect(asked).toHaveLength(3)
})

test('the clock does all this, and closing does not wait for a vendor that hangs', async () => {
  const ledger = openLedger(database.url)
  await letIn('github', true)
  let given: AbortSignal | undefined
  const upkeep = await startUpkeep({
    alerts: { assess: async () => {}, sendMessages: async () => {}, eraseContent: async () => {} },
    retentionDays: 0,
    metrics: createMetrics(),
    sealer: { open: (sealed) => sealed },
    alertSeconds: 3_600,
    ledger: ledger.ledger,
    integrations: process.integrations,
    fetchText: (url, signal) => {
      asked.push(url)
      given = signal
      return new Promise((resolve) => {
        signal?.addEventListener('abort', () => resolve({ ok: false, message: 'closed' }))
      })
    },
    now: () => new Date(nowMs),
    forgetAudits: async () => {},
    queue: { trouble: () => undefined, onGap() {} },
    requeue: async () => {},
    sweepSeconds: 0.02,
    lostSeconds: 60,
    alone: false,
    log: createLog('silent'),
  })
  await eventually(() => expect(asked).toEqual([GITHUB]))
  await upkeep.close()
  expect(given?.aborted).toBe(true)
  await ledger.close()
})
