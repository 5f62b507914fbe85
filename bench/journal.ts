/**
 * What does a durable append cost? Records of 10 KB from many callers, against one write and one fdatasync for each
 * record on the same disk, alternating in one run. Machines are noisy: the ratios count, not the numbers.
 *
 *     node bench/journal.ts [--seconds 2] [--rounds 3] [--bytes 10000] [--folder <on the disk in question>]
 */
import { randomBytes } from 'node:crypto'
import { mkdtemp, open, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import { type Disk, NODE_DISK, openJournal } from '../src/journal/journal.ts'

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '2' },
    rounds: { type: 'string', default: '3' },
    bytes: { type: 'string', default: '10000' },
    folder: { type: 'string', default: tmpdir() },
  },
})

const CALLERS = [1, 8, 32, 128, 512]
const body = randomBytes(Number(values.bytes))
const meta = { id: '01900000-0000-7000-8000-000000000000', headers: [['content-type', 'application/json']] }
const log = { info() {}, warn() {}, error: console.error } as never
const home = await mkdtemp(path.join(values.folder, 'sluice-bench-'))

interface Figures {
  /** A second. */
  records: number
  syncs: number
}

try {
  console.log('callers  plain records/s  journal records/s  fdatasyncs/s  records per fdatasync  ratio')
  for (const callers of CALLERS) {
    const rounds: { plain: Figures; journal: Figures }[] = []
    for (let round = 0; round < Number(values.rounds); round++) {
      rounds.push({ plain: await measurePlain(), journal: await measureJournal(callers) })
    }
    rounds.sort((one, other) => ratioOf(one) - ratioOf(other))
    const median = rounds[Math.floor(rounds.length / 2)]
    if (median) print(callers, median)
  }
} finally {
  await rm(home, { recursive: true, force: true })
}

function ratioOf({ plain, journal }: { plain: Figures; journal: Figures }): number {
  return journal.records / plain.records
}

function print(callers: number, figures: { plain: Figures; journal: Figures }): void {
  const { plain, journal } = figures
  const columns = [callers, plain.records, journal.records, journal.syncs].map((one) => one.toFixed(0))
  columns.push((journal.records / journal.syncs).toFixed(1), `${ratioOf(figures).toFixed(1)} x`)
  const widths = [7, 15, 17, 12, 21, 6]
  console.log(columns.map((column, index) => column.padStart(widths[index] ?? 0)).join('  '))
}

/** The baseline: one caller, one write and one fdatasync for each record. */
async function measurePlain(): Promise<Figures> {
  const file = await open(path.join(home, 'plain'), 'w')
  const perSecond = await countWhile(async () => {
    await file.write(body)
    await file.datasync()
  }, 1)
  await file.close()
  return { records: perSecond, syncs: perSecond }
}

async function measureJournal(callers: number): Promise<Figures> {
  let syncs = 0
  const folder = await mkdtemp(path.join(home, 'journal-'))
  const disk: Disk = {
    ...NODE_DISK,
    async open(name, flags, mode) {
      const file = await NODE_DISK.open(name, flags, mode)
      const datasync = file.datasync.bind(file)
      file.datasync = () => {
        syncs += 1
        return datasync()
      }
      return file
    },
  }
  const journal = await openJournal({
    folder,
    bytesMax: 16 * 1024 ** 3,
    segmentBytesMax: 64 * 1024 ** 2,
    log,
    now: () => new Date(),
    disk,
  })
  const records = await countWhile(() => journal.append({ meta, body }), callers)
  const figures = { records, syncs: syncs / Number(values.seconds) }
  await journal.close()
  await rm(folder, { recursive: true })
  return figures
}

/** How often a second the callers together got it done. */
async function countWhile(once: () => Promise<void>, callers: number): Promise<number> {
  const startedAt = performance.now()
  const endsAt = startedAt + Number(values.seconds) * 1000
  let count = 0
  async function call(): Promise<void> {
    while (performance.now() < endsAt) {
      await once()
      count += 1
    }
  }
  await Promise.all(Array.from({ length: callers }, call))
  return (count * 1000) / (performance.now() - startedAt)
}
