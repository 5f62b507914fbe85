import { randomBytes } from 'node:crypto'
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { expect, test } from 'vitest'
import {
  JournalClosed,
  JournalFull,
  JournalLocked,
  JournalRecordTooLarge,
  type KeptRecord,
  openJournal,
} from '../../src/journal/journal.ts'
import { numbered, numberOf } from './numbered.ts'
import { contentOf, drainAndClose, filesIn, freshFolder, openAt, takeAll } from './world.ts'

const numbers = (from: number, to: number) => Array.from({ length: to - from }, (_, index) => from + index)

test('gives back what was appended, in order, bytes and meta data alike, also by another process later', async () => {
  const folder = await freshFolder()
  const { journal } = await openAt(folder)
  const given = [
    { meta: { id: 'ü', headers: [['a', 'b']], none: null }, body: randomBytes(300_000) },
    { meta: 'text', body: null },
    { meta: [], body: Buffer.alloc(0) },
    { meta: { __proto__: null, long: '€'.repeat(10_000) }, body: Buffer.from('SLJR'.repeat(1000)) },
  ]
  for (const record of given) await journal.append(record)
  await journal.close()
  const { records, told } = await drainAndClose(folder)
  expect(records.map(contentOf)).toEqual(given.map(contentOf))
  expect(told).toEqual([])
  expect(await filesIn(folder)).toEqual([])
})

test('concurrent appends keep the order in which they were made, over many segments', async () => {
  const { journal } = await openAt(await freshFolder(), { segmentBytesMax: 5_000 })
  await Promise.all(numbers(0, 500).map((number) => journal.append(numbered(number))))
  expect((await takeAll(journal)).map(numberOf)).toEqual(numbers(0, 500))
  await journal.close()
})

test('concurrent appends share a sync', async () => {
  const { NODE_DISK } = await import('../../src/journal/journal.ts')
  let syncs = 0
  const disk = {
    ...NODE_DISK,
    open: async (file: string, flags: string, mode?: number) => {
      const handle = await NODE_DISK.open(file, flags, mode)
      const datasync = handle.datasync.bind(handle)
      handle.datasync = async () => {
        syncs += 1
        await datasync()
      }
      return handle
    },
  }
  const { journal } = await openAt(await freshFolder(), { disk })
  await Promise.all(numbers(0, 1000).map((number) => journal.append(numbered(number))))
  expect(syncs).toBeLessThan(10)
  await journal.close()
})

test('the folder and its files are closed to other users', async () => {
  const folder = path.join(await freshFolder(), 'deeper', 'journal')
  const { journal } = await openAt(folder)
  await journal.append(numbered(1))
  const [segment = ''] = await filesIn(folder)
  expect((await stat(folder)).mode & 0o777).toBe(0o700)
  expect((await stat(segment)).mode & 0o777).toBe(0o600)
  await journal.close()
})

test('a full journal refuses, keeps what it has, and takes again after a drain', async () => {
  const { journal } = await openAt(await freshFolder(), { bytesMax: 10_000, segmentBytesMax: 4_000 })
  const acked: number[] = []
  const outcomes = await Promise.allSettled(
    numbers(0, 100).map(async (number) => {
      await journal.append(numbered(number, 500))
      acked.push(number)
    }),
  )
  const refused = outcomes.filter((outcome) => outcome.status === 'rejected')
  expect(refused.length).toBeGreaterThan(80)
  expect(refused.every(({ reason }) => reason instanceof JournalFull)).toBe(true)
  expect(journal.depth()).toMatchObject({ records: acked.length, isFailing: false })
  expect(journal.depth().usedBytes).toBeLessThanOrEqual(10_000)
  expect((await takeAll(journal)).map(numberOf)).toEqual(acked)
  expect(journal.depth()).toMatchObject({ records: 0, bytes: 0, usedBytes: 0, oldestAgeMs: null })
  await journal.append(numbered(100))
  await journal.close()
})

test('what waits for the disk is bounded', async () => {
  const { journal } = await openAt(await freshFolder(), { pendingBytesMax: 2_000 })
  const outcomes = await Promise.allSettled(
    numbers(0, 10).map((number) => journal.append(numbered(number, 500))),
  )
  expect(outcomes.map(({ status }) => status)).toEqual([
    ...Array(3).fill('fulfilled'),
    ...Array(7).fill('rejected'),
  ])
  await journal.append(numbered(10, 500))
  await journal.close()
})

test('a record that no journal could hold is refused as such; one larger than a segment has its own', async () => {
  const folder = await freshFolder()
  const { journal } = await openAt(folder, { bytesMax: 50_000, segmentBytesMax: 1_000 })
  await expect(journal.append(numbered(0, 50_001))).rejects.toBeInstanceOf(JournalRecordTooLarge)
  await journal.append(numbered(1, 20_000))
  await journal.append(numbered(2, 10))
  expect(await filesIn(folder)).toHaveLength(2)
  expect((await takeAll(journal)).map(numberOf)).toEqual([1, 2])
  await journal.close()
})

test('closing stores what was waiting and refuses what comes after', async () => {
  const folder = await freshFolder()
  const { journal } = await openAt(folder)
  const waiting = numbers(0, 50).map((number) => journal.append(numbered(number)))
  const closed = journal.close()
  await expect(journal.append(numbered(50))).rejects.toBeInstanceOf(JournalClosed)
  await closed
  await Promise.all(waiting)
  expect((await drainAndClose(folder)).records.map(numberOf)).toEqual(numbers(0, 50))
})

test('a folder has one journal: a second is refused until the first is closed', async () => {
  const folder = await freshFolder()
  const { journal } = await openAt(folder)
  await journal.append(numbered(1))
  await expect(openAt(folder)).rejects.toBeInstanceOf(JournalLocked)
  await journal.append(numbered(2))
  await journal.close()
  expect((await drainAndClose(folder)).records.map(numberOf)).toEqual([1, 2])
})

test('depth tells how much waits and for how long', async () => {
  let now = new Date('2026-01-01T00:00:00Z')
  const folder = await freshFolder()
  const first = await openAt(folder, { now: () => now })
  await first.journal.append(numbered(1))
  now = new Date('2026-01-01T00:00:10Z')
  await first.journal.append(numbered(2))
  expect(first.journal.depth()).toMatchObject({ records: 2, oldestAgeMs: 10_000 })
  await first.journal.close()
  now = new Date('2026-01-01T00:01:00Z')
  const second = await openAt(folder, { now: () => now })
  expect(second.journal.depth()).toMatchObject({ records: 2, oldestAgeMs: 60_000, damaged: 0, setAside: 0 })
  expect(second.journal.depth().bytes).toBe(second.journal.depth().usedBytes)
  await second.journal.close()
})

test('other files in the folder are left alone', async () => {
  const folder = await freshFolder()
  await mkdir(path.join(folder, 'sub'))
  await writeFile(path.join(folder, 'notes.txt'), 'mine')
  const { journal } = await openAt(folder)
  await journal.append(numbered(1))
  await takeAll(journal)
  await journal.close()
  expect(await readFile(path.join(folder, 'notes.txt'), 'utf8')).toBe('mine')
})

test('a segment size above the size of all is a mistake of the caller', async () => {
  const folder = await freshFolder()
  const options = { folder, bytesMax: 10, segmentBytesMax: 11, log: {} as never, now: () => new Date() }
  await expect(openJournal(options)).rejects.toBeInstanceOf(RangeError)
})

test('a record does not share its body with the next one of the same batch', async () => {
  const { journal } = await openAt(await freshFolder())
  for (const number of [1, 2, 3]) await journal.append(numbered(number, 10))
  const records: KeptRecord[] = await takeAll(journal)
  expect(records.map((record) => record.body?.toString())).toEqual(['1.1.1.1.1.', '2.2.2.2.2.', '3.3.3.3.3.'])
  await journal.close()
})
