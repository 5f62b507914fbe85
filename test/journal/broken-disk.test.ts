import { execFileSync } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import fc from 'fast-check'
import { expect, onTestFinished, test } from 'vitest'
import { type Disk, type Journal, JournalFailed } from '../../src/journal/journal.ts'
import { numbered, numberOf } from './numbered.ts'
import { createUnreliableDisk, type Fault } from './unreliable-disk.ts'
import { contentOf, drainAndClose, filesIn, freshFolder, openAt, takeAll } from './world.ts'

const KINDS: Fault[] = ['write', 'datasync', 'folder sync', 'open']

test.each(KINDS)(
  'a disk that fails at %s acknowledges nothing of that batch and works on in a new segment',
  async (kind) => {
    const folder = await freshFolder()
    const disk = createUnreliableDisk()
    const { journal, told } = await openAt(folder, { disk })
    // The first one needs a segment, so that all four operations are on its way.
    disk.failNext(kind)
    const first = await Promise.allSettled([1, 2, 3].map((number) => journal.append(numbered(number))))
    expect(first.map((one) => one.status === 'rejected' && one.reason instanceof JournalFailed)).toEqual([
      true,
      true,
      true,
    ])
    expect(journal.depth()).toMatchObject({ records: 0, usedBytes: 0, isFailing: true })
    await journal.append(numbered(4))
    expect(journal.depth()).toMatchObject({ records: 1, isFailing: false })
    await journal.close()
    expect(disk.syncsAfterFailure()).toBe(0)
    expect(told.map(({ level }) => level)).toEqual(['error', 'info'])
    expect((await drainAndClose(folder)).records.map(numberOf)).toEqual([4])
  },
)

test('after a failed sync what was acknowledged before is kept, and the file is never synced again', async () => {
  const folder = await freshFolder()
  const disk = createUnreliableDisk()
  const { journal } = await openAt(folder, { disk })
  await journal.append(numbered(1))
  disk.failNext('datasync')
  await expect(journal.append(numbered(2))).rejects.toBeInstanceOf(JournalFailed)
  await journal.append(numbered(3))
  expect(disk.syncsAfterFailure()).toBe(0)
  expect(await filesIn(folder)).toHaveLength(2)
  expect((await takeAll(journal)).map(numberOf)).toEqual([1, 3])
  await journal.close()
})

test('a disk that goes on failing is told of once', async () => {
  const disk = createUnreliableDisk()
  const { journal, told } = await openAt(await freshFolder(), { disk })
  for (const number of [1, 2, 3]) {
    disk.failNext('datasync')
    await expect(journal.append(numbered(number))).rejects.toBeInstanceOf(JournalFailed)
  }
  expect(told).toHaveLength(1)
  await journal.close()
})

test('a full disk: nothing is acknowledged, what was is kept, and there is room again after a drain', async () => {
  const { folder, fill, disk } = await smallDisk()
  const options = { segmentBytesMax: 64 * 1024, ...(disk && { disk }) }
  const { journal } = await openAt(path.join(folder, 'journal'), options)
  const acked: number[] = []
  const failures: Error[] = []
  for (let number = 0; failures.length < 3; number++) {
    await journal.append(numbered(number, 10_000)).then(
      () => acked.push(number),
      (error) => failures.push(error),
    )
  }
  expect(failures.every((error) => error instanceof JournalFailed)).toBe(true)
  expect(acked.length).toBeGreaterThan(20)
  await fill()
  await journal.close()

  // The next process finds the disk full to the last byte.
  const { journal: next } = await openAt(path.join(folder, 'journal'), options)
  await expect(next.append(numbered(-1, 10_000))).rejects.toBeInstanceOf(JournalFailed)
  expect((await takeAll(next)).map(contentOf)).toEqual(
    acked.map((number) => contentOf(numbered(number, 10_000))),
  )
  await next.append(numbered(1000, 10_000))
  expect((await takeAll(next)).map(numberOf)).toEqual([1000])
  await next.close()
})

const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ append: fc.array(fc.nat(3000), { minLength: 1, maxLength: 8 }) }) },
  { weight: 2, arbitrary: fc.record({ fail: fc.constantFrom<Fault>(...KINDS) }) },
  { weight: 1, arbitrary: fc.record({ drain: fc.boolean() }) },
)

test('whatever fails and whenever the power goes, every record that was acknowledged comes back, and none is wrong', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { maxLength: 12 }),
      fc.array(fc.nat(3000), { minLength: 1, maxLength: 30 }),
      fc.nat(30),
      fc.infiniteStream(fc.nat(1_000_000)),
      async (steps, last, operations, random) => {
        const folder = await freshFolder()
        const disk = createUnreliableDisk()
        const { journal } = await openAt(folder, { disk, segmentBytesMax: 8_000 })
        const world = { journal, sizes: [] as number[], acked: new Set<number>(), drained: new Set<number>() }
        for (const one of steps) {
          if ('append' in one) await appendAll(world, one.append)
          else if ('fail' in one) disk.failNext(one.fail)
          else await drainSome(world)
        }
        disk.cutAfter(operations)
        await appendAll(world, last)
        await journal.close()
        disk.afterPowerCut((max) => (max <= 0 ? 0 : Number(random.next().value) % (max + 1)))

        const { records } = await drainAndClose(folder)
        const back = records.map(numberOf)
        expect(back).toEqual(back.toSorted((one, other) => one - other))
        for (const record of records) {
          const number = numberOf(record)
          expect(contentOf(record)).toEqual(contentOf(numbered(number, world.sizes[number])))
        }
        const missing = [...world.acked].filter(
          (number) => !back.includes(number) && !world.drained.has(number),
        )
        expect(missing).toEqual([])
        expect(disk.syncsAfterFailure()).toBe(0)
      },
    ),
    { numRuns: 300 },
  )
}, 120_000)

interface World {
  journal: Journal
  sizes: number[]
  acked: Set<number>
  drained: Set<number>
}

async function appendAll({ journal, sizes, acked }: World, given: number[]): Promise<void> {
  await Promise.allSettled(
    given.map(async (size) => {
      const number = sizes.push(size) - 1
      await journal.append(numbered(number, size))
      acked.add(number)
    }),
  )
}

async function drainSome({ journal, drained }: World): Promise<void> {
  await journal
    .drain(async (records) => {
      for (const record of records) drained.add(numberOf(record))
      return []
    })
    .catch(() => {})
}

/** A file system of 512 KiB where one may be mounted, else a disk of that size that is only played. */
async function smallDisk(): Promise<{ folder: string; disk?: Disk; fill(): Promise<void> }> {
  const folder = await freshFolder()
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=512k', 'tmpfs', folder], { stdio: 'pipe' })
  } catch {
    console.warn('no right to mount a tmpfs here: the full disk is played')
    const disk = createUnreliableDisk()
    disk.setCapacity(512 * 1024)
    return { folder, disk, fill: async () => disk.setCapacity(disk.usedBytes()) }
  }
  onTestFinished(() => {
    execFileSync('umount', [folder])
  })
  const ballast = path.join(folder, 'ballast')
  return { folder, fill: () => writeFile(ballast, Buffer.alloc(1024 * 1024)).catch(() => {}) }
}
