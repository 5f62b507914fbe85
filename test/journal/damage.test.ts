import { readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { numbered, numberOf } from './numbered.ts'
import { contentOf, drainAndClose, filesIn, freshFolder, openAt, takeAll } from './world.ts'

const sizes = fc.array(fc.nat(2000), { minLength: 1, maxLength: 12 })
/** A place in a file, as a share of its length. */
const place = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })

interface Written {
  folder: string
  /** Segments, oldest first. */
  files: string[]
  /** Where each record ends in its file. */
  records: { number: number; file: string; from: number; to: number }[]
  content(number: number): unknown
}

async function write(given: number[], segmentBytesMax = 1024 * 1024): Promise<Written> {
  const folder = await freshFolder()
  const { journal } = await openAt(folder, { segmentBytesMax })
  const records: Written['records'] = []
  for (const [number, size] of given.entries()) {
    await journal.append(numbered(number, size))
    const file = (await filesIn(folder)).at(-1) ?? ''
    const from = records.at(-1)?.file === file ? (records.at(-1)?.to ?? 0) : 0
    records.push({ number, file, from, to: statSync(file).size })
  }
  await journal.close()
  const content = (number: number) => contentOf(numbered(number, given[number]))
  return { folder, files: await filesIn(folder), records, content }
}

async function readBack({ folder, content }: Written) {
  const { records, told } = await drainAndClose(folder)
  for (const record of records) expect(contentOf(record)).toEqual(content(numberOf(record)))
  return { numbers: records.map(numberOf), levels: told.map(({ level }) => level), told }
}

function change(file: string, edit: (bytes: Buffer) => Buffer): void {
  writeFileSync(file, edit(readFileSync(file)))
}

const all = (written: Written) => written.records.map(({ number }) => number)

test('a file that ends anywhere gives back exactly the records that lie before its end', async () => {
  await fc.assert(
    fc.asyncProperty(sizes, place, async (given, where) => {
      const written = await write(given)
      const file = written.files.at(-1) ?? ''
      const end = Math.floor(statSync(file).size * where)
      truncateSync(file, end)
      const whole = written.records.filter(({ to }) => to <= end)
      const { numbers, levels } = await readBack(written)
      expect(numbers).toEqual(whole.map(({ number }) => number))
      expect(levels).toEqual(end === (whole.at(-1)?.to ?? 0) ? [] : ['warn'])
      // What was torn was promised to nobody, so nothing of it is kept.
      expect(await filesIn(written.folder, '')).toEqual([
        path.join(written.folder, 'lock'),
        path.join(written.folder, 'set-aside'),
      ])
    }),
    { numRuns: 75 },
  )
}, 60_000)

test('a bit that flips costs at most the record it lies in, and the file is kept', async () => {
  await fc.assert(
    fc.asyncProperty(sizes, fc.nat(), place, fc.nat(7), async (given, pick, where, bit) => {
      const written = await write(given, 4_000)
      const file = written.files[pick % written.files.length] ?? ''
      const at = Math.floor(statSync(file).size * where)
      change(file, (bytes) => {
        bytes.writeUInt8(bytes.readUInt8(at) ^ (1 << bit), at)
        return bytes
      })
      const hit = written.records.find((one) => one.file === file && one.from <= at && at < one.to)
      const { numbers, told } = await readBack(written)
      expect(numbers).toEqual(all(written).filter((number) => number !== hit?.number))
      expect(told.map(({ level }) => level)).toContain('error')
      expect(await filesIn(written.folder, '.damaged')).toEqual([`${file}.damaged`])
    }),
    { numRuns: 75 },
  )
}, 60_000)

test('whatever follows the last record, all records come back, once and unchanged', async () => {
  const tail = fc.oneof(
    fc.record({ zeros: fc.integer({ min: 1, max: 10_000 }) }),
    fc.record({ repeat: place }),
    fc.record({ noise: fc.uint8Array({ minLength: 1, maxLength: 500 }) }),
  )
  await fc.assert(
    fc.asyncProperty(
      sizes,
      fc.nat(),
      fc.array(tail, { minLength: 1, maxLength: 3 }),
      async (given, pick, tails) => {
        const written = await write(given, 4_000)
        const file = written.files[pick % written.files.length] ?? ''
        for (const one of tails) {
          change(file, (bytes) => {
            if ('zeros' in one) return Buffer.concat([bytes, Buffer.alloc(one.zeros)])
            if ('noise' in one) return Buffer.concat([bytes, one.noise])
            return Buffer.concat([bytes, bytes.subarray(Math.floor(bytes.length * one.repeat))])
          })
        }
        expect((await readBack(written)).numbers).toEqual(all(written))
      },
    ),
    { numRuns: 75 },
  )
}, 60_000)

test('any heap of damages gives back only what was written, in order and once', async () => {
  const damage = fc.record({
    pick: fc.nat(),
    at: place,
    bytes: fc.uint8Array({ maxLength: 200 }),
    cut: fc.nat(9),
  })
  await fc.assert(
    fc.asyncProperty(sizes, fc.array(damage, { maxLength: 6 }), async (given, damages) => {
      const written = await write(given, 4_000)
      for (const { pick, at, bytes, cut } of damages) {
        change(written.files[pick % written.files.length] ?? '', (old) => {
          const from = Math.floor(old.length * at)
          return cut === 0
            ? old.subarray(0, from)
            : Buffer.concat([old.subarray(0, from), bytes, old.subarray(from + cut)])
        })
      }
      const { numbers } = await readBack(written)
      expect(numbers).toEqual([...new Set(numbers)].toSorted((one, other) => one - other))
    }),
    { numRuns: 75 },
  )
}, 60_000)

test('zeros after the last record are no damage', async () => {
  const written = await write([10, 20])
  change(written.files[0] ?? '', (bytes) => Buffer.concat([bytes, Buffer.alloc(5_000)]))
  const { numbers, levels } = await readBack(written)
  expect([numbers, levels]).toEqual([[0, 1], ['warn']])
  expect(await filesIn(written.folder, '.damaged')).toEqual([])
})

test('a segment that lost its end is missed by the number of the next one', async () => {
  const written = await write([1500, 1500, 1500, 1500, 1500, 1500], 4_000)
  expect(written.files).toHaveLength(3)
  const [first] = written.records
  truncateSync(written.files[0] ?? '', first?.to)
  const { numbers, told } = await readBack(written)
  expect(numbers).toEqual([0, 2, 3, 4, 5])
  expect(told).toEqual([
    {
      level: 'error',
      message:
        'acknowledged requests are missing at the end of a part of the journal; the file is kept as .damaged',
    },
  ])
})

test('a body that holds a journal is not taken for one, also where its own record is damaged', async () => {
  const other = await write([10, 20, 30])
  const folder = await freshFolder()
  const { journal } = await openAt(folder)
  const body = readFileSync(other.files[0] ?? '')
  for (const number of [0, 1, 2]) await journal.append({ meta: { number }, body })
  await journal.close()
  const [file = ''] = await filesIn(folder)
  change(file, (bytes) => {
    // The first byte of the second record.
    bytes[Math.ceil(bytes.length / 3)] = 0
    return bytes
  })
  const { records } = await drainAndClose(folder)
  expect(records.map(numberOf)).toEqual([0, 2])
  expect(records.every((record) => record.body?.equals(body))).toBe(true)
})

test('damage that comes while the journal is open stops nothing, is told, and the file is kept', async () => {
  const folder = await freshFolder()
  const { journal, told } = await openAt(folder)
  for (const number of [0, 1, 2]) await journal.append(numbered(number, 1000))
  const [file = ''] = await filesIn(folder)
  change(file, (bytes) => bytes.fill(0, 1_200, 1_300))
  expect((await takeAll(journal)).map(numberOf)).toEqual([0, 2])
  expect(told.map(({ level }) => level)).toEqual(['error'])
  expect(journal.depth()).toMatchObject({ records: 0, damaged: 1 })
  expect(await filesIn(folder, '.damaged')).toHaveLength(1)
  await journal.close()
})

test('damage is told once in a life, and kept files count', async () => {
  const written = await write([100, 100, 100])
  change(written.files[0] ?? '', (bytes) => bytes.fill(0, 200, 220))
  const { journal, told } = await openAt(written.folder)
  expect(journal.depth()).toMatchObject({ records: 2, damaged: 1 })
  await takeAll(journal)
  expect(told).toHaveLength(1)
  await journal.close()
  const later = await openAt(written.folder)
  expect(later.journal.depth()).toMatchObject({ records: 0, damaged: 1 })
  expect(later.journal.depth().usedBytes).toBeGreaterThan(400)
  expect(later.told).toEqual([])
  await later.journal.close()
})
