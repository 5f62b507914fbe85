import { afterAll, beforeAll, expect, test } from 'vitest'
import { createRefusalQuota } from '../../src/edge/refusal-quota.ts'
import { eventually } from '../world/eventually.ts'
import { type EdgeWorld, startEdge } from './world.ts'

let world: EdgeWorld

beforeAll(async () => {
  world = await startEdge({
    TRUSTED_PROXIES: '127.0.0.1',
    RETRIEVE_ALLOWED_LIST: '203.0.113.5',
    REFUSALS_LOGGED_PER_MINUTE: '7',
  })
})
afterAll(() => world.close())

async function flood(count: number, ask: (at: number) => Promise<unknown>): Promise<void> {
  for (let done = 0; done < count; done += 50)
    await Promise.all(Array.from({ length: 50 }, (_, at) => ask(done + at)))
}

/** What was written of a refusal, once it is so much and has had a moment to become more. */
async function written(outcome: string, least: number) {
  const count = async () => (await world.requests(`outcome=${outcome}`)).length
  await eventually(async () => expect(await count()).toBeGreaterThanOrEqual(least))
  await new Promise((resolve) => setTimeout(resolve, 100))
  const rows = await count()
  const lines = world.lines.filter((line) => line.includes(`"outcome":"${outcome}"`)).length
  return { rows, lines }
}

test('200 refusals of one sender are seven rows and seven lines, and all are counted', async () => {
  const id = await world.integration()
  await flood(200, () => world.send(id, '{', { 'x-forwarded-for': '203.0.113.5' }))
  expect(await world.counted('unreadable')).toBe(200)
  expect(await written('unreadable', 7)).toEqual({ rows: 7, lines: 7 })
})

test('ids that do not exist share one bucket, whatever their number', async () => {
  await flood(200, (at) => world.send(`no-such-${at}`, '{}', { 'x-forwarded-for': '203.0.113.5' }))
  expect(await world.counted('unknown_integration')).toBe(200)
  expect(await written('unknown_integration', 7)).toEqual({ rows: 7, lines: 7 })
})

test('one noisy sender does not hide the refusals of another, nor those for another reason', async () => {
  const id = await world.integration()
  await flood(50, () => world.send(id, '{', { 'x-forwarded-for': '203.0.113.5' }))
  await world.send(id, '{}', { 'x-forwarded-for': '203.0.113.5', 'content-type': 'image/gif' })
  await world.send(id, '{}', { 'x-forwarded-for': '198.51.100.9' })
  await eventually(async () => {
    const reasons = (await world.requests(`integrationId=${id}`)).map((row) => row.outcome)
    expect(reasons).toContain('unsupported_media_type')
    expect(reasons).toContain('not_allowed')
  })
})

test('sources that are invented one by one are no flood of writes either', async () => {
  const id = await world.integration()
  const before = await world.counted('not_allowed')
  await flood(450, (at) => world.send(id, '{}', { 'x-forwarded-for': `2001:db8::${at.toString(16)}` }))
  expect((await world.counted('not_allowed')) - before).toBe(450)
  expect((await written('not_allowed', 6 * 50)).rows).toBeLessThanOrEqual(7 * 50)
})

test('a new minute begins with the sum of what was only counted', () => {
  const quota = createRefusalQuota(2)
  const refusal = { integrationId: 'a', outcome: 'unreadable', sourceIp: '203.0.113.5' }
  expect(Array.from({ length: 5 }, () => quota.mayTellInFull(refusal))).toEqual([
    true,
    true,
    false,
    false,
    false,
  ])
  expect(quota.nextMinute()).toEqual([{ integrationId: 'a', outcome: 'unreadable', refusals: 3 }])
  expect(quota.mayTellInFull(refusal)).toBe(true)
  expect(quota.nextMinute()).toEqual([])
  expect(createRefusalQuota(0).mayTellInFull(refusal)).toBe(false)
})

test('what was only counted is in the log when the gateway stops', async () => {
  const other = await startEdge({ RETRIEVE_ALLOWED_LIST: '', REFUSALS_LOGGED_PER_MINUTE: '1' })
  const id = await other.integration()
  for (let sent = 0; sent < 4; sent++) await other.send(id)
  await other.close()
  const last = other.lines.map((line) => JSON.parse(line)).find((line) => line.refusals !== undefined)
  expect(last).toMatchObject({ integrationId: id, outcome: 'not_allowed', refusals: 3 })
})
