import { describe, expect, test } from 'vitest'
import { createDocuments, type DocumentsOptions } from '../../src/sources/sources.ts'

const KEY = 'https://keys.example.com/a.pem'

/** A site with its documents, and a clock that stands still until it is set. */
function createSite(options: Partial<DocumentsOptions> = {}) {
  const site = {
    nowMs: 1_000_000,
    documents: new Map([[KEY, 'key a']]),
    asked: [] as string[],
  }
  const documents = createDocuments({
    async fetch(url) {
      site.asked.push(url)
      return site.documents.get(url)
    },
    now: () => site.nowMs,
    ...options,
  })
  return Object.assign(site, documents)
}

describe('a document is fetched once', () => {
  test('and kept, for as long as is said', async () => {
    const site = createSite({ keptMs: 60_000 })
    expect(await site.fetchText(KEY)).toBe('key a')
    site.documents.set(KEY, 'key b')
    site.nowMs += 59_999
    expect(await site.fetchText(KEY)).toBe('key a')
    site.nowMs += 1
    expect(await site.fetchText(KEY)).toBe('key b')
    expect(site.asked).toEqual([KEY, KEY])
  })

  test('but kept no longer than a day, whatever is said', async () => {
    const site = createSite({ keptMs: 10 * 86_400_000 })
    await site.fetchText(KEY)
    site.nowMs += 86_400_000 - 1
    await site.fetchText(KEY)
    expect(site.asked).toHaveLength(1)
    site.nowMs += 1
    await site.fetchText(KEY)
    expect(site.asked).toHaveLength(2)
  })

  test('for all who wait for it', async () => {
    const site = createSite()
    const texts = await Promise.all(Array.from({ length: 50 }, () => site.fetchText(KEY)))
    expect(new Set(texts)).toEqual(new Set(['key a']))
    expect(site.asked).toEqual([KEY])
  })

  test('and again when the one before broke, for all who waited', async () => {
    let broken = true
    const site = createSite({
      fetch: async () => {
        if (broken) throw new Error('no socket')
        return 'key a'
      },
    })
    const waiting = await Promise.allSettled([site.fetchText(KEY), site.fetchText(KEY)])
    expect(waiting.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    broken = false
    expect(await site.fetchText(KEY)).toBe('key a')
  })

  test('and again when the one before broke before it began', async () => {
    let broken = true
    const site = createSite({
      fetch: (url) => {
        if (broken) throw new TypeError(`${url} is no address`)
        return Promise.resolve('key a')
      },
    })
    await expect(site.fetchText(KEY)).rejects.toThrow('no address')
    broken = false
    expect(await site.fetchText(KEY)).toBe('key a')
  })
})

describe('what cannot be had', () => {
  const missing = 'https://keys.example.com/missing.pem'

  test('is not asked for again at once, but soon', async () => {
    const site = createSite({ failureKeptMs: 30_000 })
    expect(await site.fetchText(missing)).toBeUndefined()
    site.documents.set(missing, 'late key')
    site.nowMs += 29_999
    expect(await site.fetchText(missing)).toBeUndefined()
    expect(site.asked).toEqual([missing])
    site.nowMs += 1
    expect(await site.fetchText(missing)).toBe('late key')
  })

  test('is not had from what was kept too long', async () => {
    const site = createSite({ keptMs: 1_000 })
    await site.fetchText(KEY)
    site.documents.delete(KEY)
    site.nowMs += 1_000
    expect(await site.fetchText(KEY)).toBeUndefined()
    expect(await site.fetchText(KEY)).toBeUndefined()
    expect(site.asked).toEqual([KEY, KEY])
  })

  test('pushes no document out, however much of it there is', async () => {
    const site = createSite({ documentsMax: 2, newPerMinuteMax: 1_000 })
    await site.fetchText(KEY)
    for (let made = 0; made < 20; made++) await site.fetchText(`https://keys.example.com/${made}.pem`)
    site.asked.length = 0
    expect(await site.fetchText(KEY)).toBe('key a')
    expect(site.asked).toEqual([])
  })
})

describe('of addresses that somebody makes up', () => {
  const madeUp = (number: number) => `https://keys.example.com/made-up-${number}.pem`

  test('so many are asked for in a minute and no more', async () => {
    const site = createSite({ newPerMinuteMax: 3 })
    for (let number = 0; number < 10; number++) await site.fetchText(madeUp(number))
    expect(site.asked).toEqual([madeUp(0), madeUp(1), madeUp(2)])
    site.nowMs += 59_999
    await site.fetchText(madeUp(10))
    expect(site.asked).toHaveLength(3)
    site.nowMs += 1
    await site.fetchText(madeUp(11))
    expect(site.asked).toHaveLength(4)
  })

  test('a flood takes no document away that was had before, not even when it is due again', async () => {
    const site = createSite({ newPerMinuteMax: 3, keptMs: 1_000 })
    await site.fetchText(KEY)
    for (let number = 0; number < 10; number++) await site.fetchText(madeUp(number))
    expect(await site.fetchText(KEY)).toBe('key a')
    site.nowMs += 1_000
    site.documents.set(KEY, 'key b')
    expect(await site.fetchText(KEY)).toBe('key b')
  })

  test('a flood at one site leaves the others alone, whatever names are put before it', async () => {
    const site = createSite({ newPerMinuteMax: 2 })
    for (const name of ['a', 'b', 'c', 'd']) await site.fetchText(`https://${name}.example.com/x.pem`)
    expect(site.asked).toHaveLength(2)
    await site.fetchText('https://keys.example.org/x.pem')
    expect(site.asked).toHaveLength(3)
  })
})

test('the document that was used longest ago makes room for a new one', async () => {
  const site = createSite({ documentsMax: 2 })
  const [a, b, c] = ['a', 'b', 'c'].map((name) => `https://keys.example.com/${name}.pem`)
  for (const url of [a, b, c]) site.documents.set(url ?? '', 'text')
  for (const url of [a, b, a, c]) await site.fetchText(url ?? '')
  site.asked.length = 0
  await site.fetchText(a ?? '')
  await site.fetchText(b ?? '')
  expect(site.asked).toEqual([b])
})
