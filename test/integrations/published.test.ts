import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { FetchText } from '../../src/integrations/integrations.ts'
import { freshDatabase } from '../world/database.ts'
import { eventually } from '../world/eventually.ts'
import { openProcess, type Process } from './world.ts'

let one: Process
let two: Process
let drop: () => Promise<void>

beforeAll(async () => {
  const database = await freshDatabase()
  drop = database.drop
  ;[one, two] = await Promise.all([openProcess(database.url), openProcess(database.url)])
})

afterAll(async () => {
  await Promise.all([one.close(), two.close()])
  await drop()
})

const NOW = new Date('2026-08-01T10:00:00Z')

function answering(text: string): FetchText & { asked: string[] } {
  const asked: string[] = []
  return Object.assign(
    async (url: string) => {
      asked.push(url)
      return { ok: true as const, text }
    },
    { asked },
  )
}

const github = (hooks: unknown) => answering(JSON.stringify({ hooks, web: ['198.51.100.0/24'] }))

test('a list is fetched from where its source publishes it, and every process has it at once', async () => {
  expect(one.integrations.publishedAddresses('github')).toEqual([])
  const fetchText = github(['192.30.252.0/22', '2a0a:a440::/29', '192.30.252.0/22', '140.82.112.7'])
  const refreshed = await one.integrations.refreshPublished('github', fetchText, NOW)
  expect(refreshed).toEqual({ ok: true, count: 3 })
  expect(fetchText.asked).toEqual(['https://api.github.com/meta'])
  const list = {
    source: 'github',
    entries: ['192.30.252.0/22', '2a0a:a440::/29', '140.82.112.7/32'],
    fetchedAt: NOW,
  }
  expect(one.integrations.publishedList('github')).toEqual(list)
  await eventually(() => expect(two.integrations.publishedList('github')).toEqual(list))
  expect(two.integrations.publishedAddresses('github')).toEqual(list.entries)
})

describe('the list before stays when what comes back', () => {
  test.each<[string, FetchText, RegExp]>([
    ['does not come', async () => ({ ok: false, message: 'api.github.com: timed out' }), /timed out/],
    ['is no JSON', answering('<html>'), /no list of addresses/],
    ['has another form', answering('{"hooks":"all"}'), /no list of addresses/],
    ['is empty', github([]), /empty|no list of addresses/],
    ['names everybody', github(['*']), /more than addresses|no list of addresses/],
    ['names a domain', github(['github.com']), /more than addresses|no list of addresses/],
    ['names half the world', github(['192.30.252.0/22', '128.0.0.0/1']), /lets in 128\.0\.0\.0\/1/],
    ['names all of IPv6', github(['::/0']), /lets in ::\/0/],
    ['names what is no address', github(['999.1.1.1']), /no list of addresses: hooks\.0: |999\.1\.1\.1/],
  ])('%s', async (_, fetchText, message) => {
    const known = github(['203.0.113.0/24'])
    await one.integrations.refreshPublished('github', known, NOW)
    const refreshed = await one.integrations.refreshPublished('github', fetchText, new Date())
    expect(refreshed).toEqual({ ok: false, message: expect.stringMatching(message) })
    expect(one.integrations.publishedList('github')).toMatchObject({
      entries: ['203.0.113.0/24'],
      fetchedAt: NOW,
    })
  })
})

test('a source that publishes none is not asked', async () => {
  const fetchText = answering('')
  expect(await one.integrations.refreshPublished('shopify', fetchText, NOW)).toEqual({
    ok: false,
    message: 'Shopify publishes no addresses',
  })
  expect(fetchText.asked).toEqual([])
})
