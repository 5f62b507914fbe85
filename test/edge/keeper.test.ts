import { mkdtemp } from 'node:fs/promises'
import path from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { bringIn } from '../../src/edge/keeper/bring-in.ts'
import { entryOf as readEntry, recordOf } from '../../src/edge/keeper/entry-record.ts'
import { openFreeJournal, openLeftJournals } from '../../src/edge/keeper/journals.ts'
import { type Keeper, NotKept, openKeeper } from '../../src/edge/keeper/keeper.ts'
import { type KeptRecord, openJournal } from '../../src/journal/journal.ts'
import { type Entry, LedgerUnavailable } from '../../src/ledger/ledger.ts'
import { newId } from '../../src/platform/ids.ts'
import { createLog, type Log } from '../../src/platform/log.ts'
import { createUnreliableDisk } from '../journal/unreliable-disk.ts'
import { entryOf, eventOf, openLedger, requestOf, type TestLedger } from '../ledger/world.ts'
import { freshDatabase } from '../world/database.ts'
import { eventually } from '../world/eventually.ts'

let world: TestLedger
let drop: () => Promise<void>

beforeAll(async () => {
  const database = await freshDatabase()
  drop = database.drop
  world = openLedger(database.url, { pendingBytesMax: 20_000 })
})
afterAll(async () => {
  await world.close()
  await drop()
})

async function statesOf(entries: Entry[]): Promise<string[]> {
  const ids = entries.flatMap(({ events }) => events.map(({ id }) => id))
  const rows = await world.sql<{ id: string; state: string }[]>`
    SELECT id, state FROM events WHERE id = ANY(${ids}::uuid[])`
  const states = new Map(rows.map(({ id, state }) => [id, state]))
  return ids.map((id) => states.get(id) ?? 'missing')
}

/** A record as it comes back from the disk. */
function kept(entry: Entry, sequence = 1): KeptRecord {
  const { meta, body } = recordOf(entry)
  return { meta: JSON.parse(JSON.stringify(meta)), body, sequence, appendedAt: new Date() }
}

function bringing(more: Partial<Parameters<typeof bringIn>[1]> = {}) {
  const runIds: string[] = []
  const options = {
    ledger: world.ledger,
    handOver: (ids: string[]) => void runIds.push(...ids),
    waitMs: 3_000,
    bytesMax: 10_000,
    ...more,
  }
  return { options, runIds }
}

describe('an entry as a record', () => {
  const text = fc.string({ unit: 'grapheme' })
  const bytes = fc.uint8Array().map((array) => Buffer.from(array))
  const entries = fc.record({
    request: fc
      .record({
        path: text,
        headers: fc.array(fc.tuple(text, text)),
        contentType: fc.option(text),
        body: fc.option(bytes),
        detail: fc.option(text),
        receivedAt: fc.date({ noInvalidDate: true, min: new Date(0), max: new Date('2100-01-01') }),
      })
      .map((more) => requestOf({ ...more, bodyBytes: more.body?.length ?? 0 })),
    events: fc.array(
      fc
        .record({
          payload: fc.option(text.map((value) => JSON.stringify(value))),
          dedupe: fc.option(fc.record({ key: text, windowSeconds: fc.nat() })),
          quarantined: fc.boolean(),
          identity: fc.record({
            topic: fc.option(text),
            deliveryId: fc.option(text),
            eventId: fc.option(text),
            occurredAt: fc.option(text),
            sender: fc.option(text),
          }),
        })
        .map(eventOf),
    ),
  })

  test('comes back as it was, whatever is in it', () => {
    fc.assert(fc.property(entries, (entry) => void expect(readEntry(kept(entry))).toEqual(entry)))
  })

  test('holds a body that is its own payload once, and does not copy it', () => {
    const body = Buffer.from('{"id":1}')
    const record = recordOf(entryOf({ body, bodyBytes: body.length }))
    expect(record.body).toBe(body)
    expect(JSON.stringify(record.meta)).not.toContain('"id":1')
  })

  test.each([
    ['of another version', { version: 2 }],
    ['without a request', { version: 1, events: [] }],
    ['with other lengths', { ...(recordOf(entryOf()).meta as object), events: [{ payload: 99 }] }],
    ['that is no object', 'text'],
  ])('%s is set aside and stops no other', async (_, meta) => {
    const good = entryOf()
    const bad: KeptRecord = { meta, body: Buffer.from('x'), sequence: 1, appendedAt: new Date() }
    const { options, runIds } = bringing()
    const refused = await bringIn([bad, kept(good, 2)], options)
    expect(refused).toEqual([{ record: bad, reason: 'another version of Sluice wrote it' }])
    expect(runIds).toEqual(good.events.map(({ runId }) => runId))
  })
})

describe('bringing in', () => {
  const HOUR_MS = 3_600_000

  test('judges repeats by when they were received, however late all of them come at once', async () => {
    const integrationId = `late-${newId()}`
    const dedupe = { key: 'key', windowSeconds: 60 }
    const entries = [0, 59, 61, 100, 130].map((seconds) =>
      entryOf(
        { integrationId, receivedAt: new Date(Date.now() - HOUR_MS / 2 + seconds * 1_000) },
        { dedupe },
      ),
    )
    const records = entries.map((entry, index) => kept(entry, index + 1))
    const { options, runIds } = bringing()
    expect(await bringIn(records, options)).toEqual([])
    const states = ['queued', 'duplicate', 'queued', 'duplicate', 'queued']
    expect(await statesOf(entries)).toEqual(states)
    const first = [0, 2, 4].map((index) => entries[index]?.events[0]?.runId)
    expect(runIds).toEqual(first)
    // Again, as after a crash.
    expect(await bringIn(records, options)).toEqual([])
    expect(await statesOf(entries)).toEqual(states)
  })

  test('lets no small one overtake a large one, nor the other way round', async () => {
    const large = JSON.stringify('x'.repeat(2 ** 21))
    const entries = [large, null, null, large].map((payload, at) =>
      entryOf({}, { payload, dedupe: { key: `size-${at >> 1}`, windowSeconds: 60 } }),
    )
    expect(await bringIn(entries.map(kept), bringing().options)).toEqual([])
    expect(await statesOf(entries)).toEqual(['queued', 'duplicate', 'queued', 'duplicate'])
  })

  test('gives the ledger no more at once than it holds in memory', async () => {
    const body = Buffer.from(JSON.stringify('x'.repeat(8_000)))
    const entries = Array.from({ length: 20 }, () => entryOf({ body, bodyBytes: body.length }))
    expect(await bringIn(entries.map(kept), bringing().options)).toEqual([])
    expect(new Set(await statesOf(entries))).toEqual(new Set(['queued']))
  })

  test('hands over what was stored, and has all of it given again, when the ledger goes away in the middle', async () => {
    const entries = Array.from({ length: 3 }, () => entryOf())
    const { options, runIds } = bringing({
      ledger: {
        record: (entry, waitMs) =>
          entry === undefined || entry.request.id === entries[1]?.request.id
            ? Promise.reject(new LedgerUnavailable('it is away'))
            : world.ledger.record(entry, waitMs),
      },
    })
    await expect(bringIn(entries.map(kept), options)).rejects.toThrow('it is away')
    expect(runIds).toEqual([0, 2].map((index) => entries[index]?.events[0]?.runId))
    expect(await bringIn(entries.map(kept), bringing().options)).toEqual([])
    expect(await statesOf(entries)).toEqual(['queued', 'queued', 'queued'])
  })
})

describe('a keeper', () => {
  const STORE_WAIT_MS = 400
  const SLOW_MS = 100

  /** On the real ledger, which is away when a test says so or slow, and a disk that does as it is told. */
  async function open({ storeWaitMs = STORE_WAIT_MS, isSlow = false } = {}) {
    const disk = createUnreliableDisk()
    const told: string[] = []
    const tell = (_: unknown, message: string) => void told.push(message)
    let isAway = false
    let hangs: Promise<void> | undefined
    const keeper = await openKeeper({
      ledger: {
        async record(entry) {
          if (isAway) throw new LedgerUnavailable('it is away')
          if (isSlow) await new Promise((resolve) => setTimeout(resolve, 2 * SLOW_MS))
          // However slow the machine is: it is away when a test says so, and at no other time.
          return world.ledger.record(entry)
        },
      },
      journals: {
        folder: await mkdtemp(path.join(inject('scratch'), 'journals-')),
        bytesMax: 100_000,
        log: { info: tell, warn: tell, error: tell, debug: () => {} } as unknown as Log,
        now: () => new Date(),
        disk: {
          ...disk,
          async open(name, flags, mode) {
            if (flags !== 'r') await hangs
            const file = await disk.open(name, flags, mode)
            const datasync = file.datasync.bind(file)
            file.datasync = async () => {
              await hangs
              return datasync()
            }
            return file
          },
        },
      },
      handOver: () => {},
      storeWaitMs,
      slowMs: SLOW_MS,
      pendingBytesMax: 1_000_000,
      log: { info: tell, warn: tell, error: tell, debug: () => {} } as unknown as Log,
      now: () => new Date(),
    })
    return {
      keeper,
      disk,
      told,
      setAway(away: boolean) {
        isAway = away
      },
      hang(): () => void {
        const { promise, resolve } = Promise.withResolvers<void>()
        hangs = promise
        return resolve
      },
    }
  }

  const isBack = (keeper: Keeper) =>
    eventually(() => expect(keeper.standing()).toMatchObject({ away: null, depth: { records: 0 } }))

  test('refuses what its disk refuses, tells why, and goes on when both are well', async () => {
    const { keeper, disk, setAway } = await open()
    setAway(true)
    disk.failNext('datasync')
    await expect(keeper.keep(entryOf())).rejects.toThrow(NotKept)
    expect(keeper.standing().problem).toContain("the journal's disk failed")
    const entry = entryOf()
    expect(await keeper.keep(entry)).toBeUndefined()
    expect(keeper.standing()).toMatchObject({
      problem: null,
      away: { reason: 'it is away' },
      depth: { records: 1 },
    })
    setAway(false)
    await isBack(keeper)
    expect(await keeper.keep(entry)).toEqual([
      { eventId: entry.events[0]?.id, runId: entry.events[0]?.runId },
    ])
    await keeper.close()
  })

  test('no longer tells of a full disk on which there is room again, though the ledger takes everything', async () => {
    const { keeper, disk, told, setAway } = await open()
    disk.setCapacity(0)
    setAway(true)
    await expect(keeper.keep(entryOf())).rejects.toThrow(NotKept)
    expect(keeper.standing().problem).toContain("the journal's disk failed")
    disk.setCapacity(10_000_000)
    setAway(false)
    await eventually(() => expect(keeper.standing()).toMatchObject({ away: null, problem: null }))
    expect(told).toContain("the journal's disk works again")
    await keeper.close()
  })

  test('refuses in time when its disk hangs, goes back to the ledger all the same, and brings in what the disk stores at last', async () => {
    const { keeper, setAway, hang } = await open()
    const late = entryOf()
    const resume = hang()
    setAway(true)
    await expect(keeper.keep(late)).rejects.toThrow("the journal's disk does not answer")
    setAway(false)
    await isBack(keeper)
    expect(await keeper.keep(entryOf())).toHaveLength(1)
    const find = () => world.sql`SELECT 1 FROM events WHERE id = ${late.events[0]?.id ?? ''}`
    expect(await find()).toHaveLength(0)
    resume()
    await eventually(async () => expect(await find()).toHaveLength(1))
    await isBack(keeper)
    await keeper.close()
  })

  test.each([
    { what: 'nothing is in the journal', before: 0, isSlow: false },
    { what: 'the last of the journal is brought in while requests are held', before: 1, isSlow: false },
    { what: 'the ledger is too slow for holding any', before: 1, isSlow: true },
  ])(
    'stays with the journal while its disk has something under way, when $what',
    async ({ before, isSlow }) => {
      const { keeper, setAway, hang } = await open({ storeWaitMs: 60_000, isSlow })
      const integrationId = `back-${newId()}`
      // So large that each is in a file of its own: that one is being written keeps no other from being brought in.
      const body = Buffer.alloc(20_000, 'x')
      const same = () =>
        entryOf(
          { integrationId, body, bodyBytes: body.length },
          { dedupe: { key: 'key', windowSeconds: 3_600 } },
        )
      const [first, repeat, later] = [same(), same(), same()]
      setAway(true)
      for (let count = 0; count < before; count++)
        expect(await keeper.keep(entryOf({ body, bodyBytes: body.length }))).toBeUndefined()
      const resume = hang()
      const keeping = keeper.keep(first)
      setAway(false)
      await eventually(() => expect(keeper.standing().depth?.records).toBe(0))
      // Long enough that it would have gone back.
      await new Promise((resolve) => setTimeout(resolve, 1_000))
      resume()
      expect(await keeping).toBeUndefined()
      await keeper.keep(repeat)
      await eventually(() => expect(keeper.standing().away).toBeNull())
      await keeper.keep(later)
      await isBack(keeper)
      expect(await statesOf([first, repeat, later])).toEqual(['queued', 'duplicate', 'duplicate'])
      await keeper.close()
    },
  )

  test('that has no room left and no ledger says so once, however many it refuses', async () => {
    const { keeper, disk, told, setAway } = await open()
    disk.setCapacity(0)
    setAway(true)
    const startedAt = performance.now()
    while (performance.now() - startedAt < 3_000) {
      await expect(keeper.keep(entryOf())).rejects.toThrow(NotKept)
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    expect(told.filter((message) => message === 'requests are kept in the journal')).toHaveLength(1)
    expect(told.length).toBeLessThan(5)
    await keeper.close()
  })

  test('gives what nobody has proven no more than half of the journal', async () => {
    const { keeper, setAway } = await open()
    setAway(true)
    const body = Buffer.alloc(9_000, 'x')
    const held = () => entryOf({ body, bodyBytes: body.length }, { quarantined: true })
    for (let count = 0; count < 5; count++) expect(await keeper.keep(held())).toBeUndefined()
    await expect(keeper.keep(held()).then(() => keeper.keep(held()))).rejects.toThrow(
      'half of the journal is full',
    )
    expect(await keeper.keep(entryOf({ body, bodyBytes: body.length }))).toBeUndefined()
    setAway(false)
    await isBack(keeper)
    await keeper.close()
  })
})

describe('the journals of a home', () => {
  const log = createLog('silent')
  const now = () => new Date()

  test('are one for each process, and what a process left is found', async () => {
    const folder = path.join(await mkdtemp(path.join(inject('scratch'), 'journals-')), 'journal')
    const options = { folder, bytesMax: 1_000_000, log, now }
    const [one, two] = [await openFreeJournal(options), await openFreeJournal(options)]
    expect([one.name, two.name]).toEqual(['1', '2'])
    await two.journal.append(recordOf(entryOf()))
    expect(await openLeftJournals(options, ['1'])).toEqual([])
    await two.journal.close()
    const [left, ...others] = await openLeftJournals(options, ['1'])
    expect([left?.name, left?.journal.depth().records, others]).toEqual(['2', 1, []])
    const three = await openFreeJournal(options)
    expect(three.name).toBe('3')
    for (const opened of [one, three, left]) await opened?.journal.close()
  })

  test('pass over one that cannot be opened', async () => {
    const folder = path.join(await mkdtemp(path.join(inject('scratch'), 'journals-')), 'journal')
    const options = { folder, bytesMax: 1_000_000, log, now }
    const left = await openJournal({ ...options, folder: path.join(folder, '3'), segmentBytesMax: 10_000 })
    await left.append(recordOf(entryOf()))
    await left.close()
    await mkdtemp(path.join(folder, '2-'))
    const opened = await openLeftJournals({ ...options, bytesMax: 1_000_000 })
    expect(opened.map(({ name }) => name)).toEqual(['3'])
    for (const { journal } of opened) await journal.close()
  })
})
