import { copyFile, mkdir, readdir } from 'node:fs/promises'
import path from 'node:path'
import { expect, test } from 'vitest'
import type { Journal, KeptRecord, Refused } from '../../src/journal/journal.ts'
import { numbered, numberOf } from './numbered.ts'
import { contentOf, drainAndClose, filesIn, freshFolder, openAt, takeAll } from './world.ts'

async function listOf(journal: Journal) {
  const listed: { record: KeptRecord; reason: string }[] = []
  for await (const one of journal.listSetAside()) listed.push(one)
  return listed
}

const numbers = (from: number, to: number) => Array.from({ length: to - from }, (_, index) => from + index)
const refuse = (records: KeptRecord[], bad: number[]): Refused[] =>
  records
    .filter((record) => bad.includes(numberOf(record)))
    .map((record) => ({ record, reason: `${numberOf(record)} is bad` }))

test('draining while appending loses nothing, gives nothing twice and keeps the order', async () => {
  const folder = await freshFolder()
  const { journal } = await openAt(folder, { segmentBytesMax: 20_000 })
  const taken: number[] = []
  const take = async (records: KeptRecord[]) => {
    taken.push(...records.map(numberOf))
    await new Promise(setImmediate)
    return []
  }
  let appending = true
  const appended = (async () => {
    for (let number = 0; number < 3000; number += 10) {
      await Promise.all(numbers(number, number + 10).map((one) => journal.append(numbered(one))))
    }
    appending = false
  })()
  while (appending) {
    await journal.drain(take)
    await new Promise(setImmediate)
  }
  await appended
  await journal.drain(take)
  expect(taken).toEqual(numbers(0, 3000))
  expect(await filesIn(folder)).toEqual([])
  await journal.close()
})

test('one drain ends although appends go on without pause, when it is told to stop', async () => {
  const { journal } = await openAt(await freshFolder(), { segmentBytesMax: 20_000 })
  const stop = new AbortController()
  const taken: number[] = []
  let next = 0
  const appendOn = async () => {
    while (!stop.signal.aborted) await journal.append(numbered(next++))
  }
  const appending = Promise.all([appendOn(), appendOn()])
  await journal.append(numbered(next++))
  while (!stop.signal.aborted) {
    await journal.drain(async (records) => {
      taken.push(...records.map(numberOf))
      if (taken.length > 500) stop.abort()
      return []
    }, stop.signal)
    await new Promise(setImmediate)
  }
  await appending
  taken.push(...(await takeAll(journal)).map(numberOf))
  expect(taken.toSorted((one, other) => one - other)).toEqual(numbers(0, next))
  await journal.close()
})

test('batches are bounded by number and bytes', async () => {
  const { journal } = await openAt(await freshFolder(), { segmentBytesMax: 32 * 1024 * 1024 })
  for (const number of numbers(0, 5)) await journal.append(numbered(number, 3 * 1024 * 1024))
  await Promise.all(numbers(5, 605).map((number) => journal.append(numbered(number, 1))))
  const batches: number[][] = []
  await journal.drain(async (records) => {
    batches.push(records.map(numberOf))
    return []
  })
  expect(batches.flat()).toEqual(numbers(0, 605))
  expect(batches.slice(0, 2)).toEqual([
    [0, 1],
    [2, 3],
  ])
  expect(Math.max(...batches.map(({ length }) => length))).toBe(256)
  await journal.close()
})

test('a batch that was not taken is given again, at once and in the next life', async () => {
  const folder = await freshFolder()
  const { journal } = await openAt(folder)
  await Promise.all(numbers(0, 400).map((number) => journal.append(numbered(number))))
  const given: number[] = []
  const take = async (records: KeptRecord[]) => {
    given.push(...records.map(numberOf))
    if (records.some((record) => numberOf(record) === 300)) throw new Error('the ledger is away')
    return []
  }
  await expect(journal.drain(take)).rejects.toThrow('the ledger is away')
  await expect(journal.drain(take)).rejects.toThrow('the ledger is away')
  expect(given).toEqual([...numbers(0, 256), ...numbers(256, 400), ...numbers(256, 400)])
  expect(journal.depth().records).toBe(144)
  await journal.close()
  const { records } = await drainAndClose(folder)
  expect(records.map(numberOf).slice(-144)).toEqual(numbers(256, 400))
})

test('a crash within a drain gives again what was not confirmed, and no more than a segment of the rest', async () => {
  const folder = await freshFolder()
  const copy = await freshFolder()
  const { journal } = await openAt(folder, { segmentBytesMax: 10_000 })
  for (const number of numbers(0, 300)) await journal.append(numbered(number))
  let unconfirmed: number[] = []
  await journal.drain(async (records) => {
    if (unconfirmed.length === 0 && records.some((record) => numberOf(record) > 150)) {
      unconfirmed = records.map(numberOf)
      for (const file of await filesIn(folder)) await copyFile(file, path.join(copy, path.basename(file)))
    }
    return []
  })
  await journal.close()
  const { records } = await drainAndClose(copy)
  const [from = -1] = unconfirmed
  expect(records.map(numberOf)).toEqual(numbers(from, 300))
})

test('a record that nobody can take is set aside with the reason and blocks no other', async () => {
  const folder = await freshFolder()
  const { journal, told } = await openAt(folder)
  await Promise.all(numbers(0, 10).map((number) => journal.append(numbered(number))))
  const drained = await journal.drain(async (records) => refuse(records, [3, 7]))
  expect(drained).toEqual({ taken: 8, setAside: 2 })
  expect(journal.depth()).toMatchObject({ records: 0, setAside: 2 })
  expect(journal.depth().usedBytes).toBeGreaterThan(0)
  expect(told.map(({ message }) => message)).toEqual(
    Array(2).fill('a request in the journal cannot be stored and was set aside'),
  )
  await journal.close()

  const later = await openAt(folder)
  expect(later.journal.depth()).toMatchObject({ records: 0, setAside: 2 })
  const listed = await listOf(later.journal)
  expect(listed.map(({ record, reason }) => [contentOf(record), reason])).toEqual([
    [contentOf(numbered(3)), '3 is bad'],
    [contentOf(numbered(7)), '7 is bad'],
  ])
  expect(await later.journal.drainSetAside(async (records) => refuse(records, [7]))).toEqual({
    taken: 1,
    setAside: 1,
  })
  expect((await listOf(later.journal)).map(({ reason }) => reason)).toEqual(['7 is bad'])
  await later.journal.close()
})

test('a record that is set aside again after a crash is there once', async () => {
  const folder = await freshFolder()
  const copy = await freshFolder()
  const first = await openAt(folder)
  await first.journal.append(numbered(1))
  await first.journal.close()
  for (const file of await filesIn(folder)) await copyFile(file, path.join(copy, path.basename(file)))
  const second = await openAt(folder)
  await second.journal.drain(async (records) => refuse(records, [1]))
  await second.journal.close()
  await mkdir(path.join(copy, 'set-aside'))
  for (const name of await readdir(path.join(folder, 'set-aside')))
    await copyFile(path.join(folder, 'set-aside', name), path.join(copy, 'set-aside', name))
  const third = await openAt(copy)
  await third.journal.drain(async (records) => refuse(records, [1]))
  expect(third.journal.depth()).toMatchObject({ records: 0, setAside: 1 })
  await third.journal.close()
})

test('two drains at once are refused, so that nothing is given twice', async () => {
  const { journal } = await openAt(await freshFolder())
  await journal.append(numbered(1))
  const drains = await Promise.allSettled([takeAll(journal), takeAll(journal)])
  expect(drains.map(({ status }) => status)).toEqual(['fulfilled', 'rejected'])
  await journal.close()
})

test('closing waits for the batch that is being taken and begins no other', async () => {
  const folder = await freshFolder()
  const { journal } = await openAt(folder)
  await Promise.all(numbers(0, 600).map((number) => journal.append(numbered(number))))
  const { promise: started, resolve: start } = Promise.withResolvers<void>()
  const { promise: mayEnd, resolve: end } = Promise.withResolvers<void>()
  const taken: number[] = []
  const drained = journal.drain(async (records) => {
    start()
    await mayEnd
    taken.push(...records.map(numberOf))
    return []
  })
  await started
  const closed = journal.close()
  end()
  await closed
  expect(await drained).toEqual({ taken: 256, setAside: 0 })
  expect(taken).toEqual(numbers(0, 256))
})
