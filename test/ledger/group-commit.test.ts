import { readFileSync } from 'node:fs'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { type Entry, LedgerUnavailable, type Recorded } from '../../src/ledger/ledger.ts'
import { newId } from '../../src/platform/ids.ts'
import { connectPostgres, type Sql } from '../../src/platform/postgres.ts'
import { eventually } from '../world/eventually.ts'
import { type PostgresServer, startPostgres } from '../world/postgres.ts'
import { entryOf, eventOf, openLedger, requestOf, type TestLedger } from './world.ts'

/** For a first entry, which waits for its connection too. */
const CONNECT_MS = 10_000

let server: PostgresServer
/** Connections that no test breaks. */
let onlooker: Sql

beforeAll(async () => {
  server = await startPostgres()
  onlooker = connectPostgres(server.url, { connectionsMax: 2, applicationName: 'onlooker' })
})

afterAll(async () => {
  await onlooker.end({ timeout: 1 })
  await server.stop()
})

function open(
  options: { storeWaitMs?: number; pendingBytesMax?: number } = {},
): TestLedger & { name: string } {
  const name = `ledger-${newId()}`
  return { name, ...openLedger(server.url, { ...options, applicationName: name }) }
}

async function commitBackends(name: string): Promise<number[]> {
  const rows = await onlooker<{ pid: number }[]>`
    SELECT pid FROM pg_stat_activity WHERE application_name = ${`${name} commit`}`
  return rows.map(({ pid }) => pid)
}

async function storedOf(entries: Entry[]): Promise<Set<string>> {
  const ids = entries.map(({ request }) => request.id)
  const rows = await onlooker<{ id: string }[]>`
    SELECT event.request_id AS id FROM events event JOIN runs run ON run.event_id = event.id
    JOIN requests request ON request.id = event.request_id WHERE request.id = ANY(${ids}::uuid[])`
  return new Set(rows.map(({ id }) => id))
}

describe('entries that come together', () => {
  test('share commits', async () => {
    const { ledger, close } = open()
    const entries = Array.from({ length: 600 }, () => entryOf())
    await Promise.all(entries.map((entry) => ledger.record(entry)))
    const ids = entries.map(({ request }) => request.id)
    const [row] = await onlooker<{ commits: number }[]>`
      SELECT count(DISTINCT xmin::text)::int AS commits FROM requests WHERE id = ANY(${ids}::uuid[])`
    expect(row?.commits).toBe(3)
    await close()
  })

  test.each([
    { what: 'a number that its column cannot hold', bad: () => entryOf({}, { definitionVersion: 2 ** 40 }) },
    { what: 'a text with NUL', bad: () => entryOf({ contentType: 'text/\0' }) },
    { what: 'no id', bad: () => entryOf({ id: 'none' }) },
  ])('do not fail for a neighbour with $what', async ({ bad }) => {
    const { ledger, close } = open()
    const good = Array.from({ length: 20 }, () => entryOf())
    const all = [...good.slice(0, 7), bad(), ...good.slice(7, 12), bad(), ...good.slice(12)]
    const settled = await Promise.allSettled(all.map((entry) => ledger.record(entry)))
    const failures = settled.flatMap((result, index) => (result.status === 'rejected' ? [index] : []))
    expect(failures).toEqual([7, 13])
    const reasons = settled.flatMap((result) => (result.status === 'rejected' ? [result.reason] : []))
    expect(reasons.some((reason) => reason instanceof LedgerUnavailable)).toBe(false)
    expect((await storedOf(good)).size).toBe(20)
    await close()
  })

  test('keep their bytes and their own events, whatever lies beside them in the batch', async () => {
    const { ledger, close } = open()
    const bodies = [
      Buffer.from([0, 255, 10]),
      null,
      Buffer.from('{"ä":1}'),
      Buffer.alloc(0),
      Buffer.from('x'),
    ]
    const entries = bodies.map((body, index) => ({
      request: requestOf({ body, bodyBytes: body?.length ?? 0, headers: [['x-index', String(index)]] }),
      events: Array.from({ length: index }, (_, position) => eventOf({ position, payload: `${index}` })),
    }))
    const recorded = await Promise.all(entries.map((entry) => ledger.record(entry)))
    expect(recorded.map((events) => events.length)).toEqual([0, 1, 2, 3, 4])
    for (const [index, { request, events }] of entries.entries()) {
      const [row] = await onlooker`SELECT body, headers FROM requests WHERE id = ${request.id}`
      expect(row).toEqual({ body: request.body, headers: `[["x-index","${index}"]]` })
      const stored =
        await onlooker`SELECT id, payload FROM events WHERE request_id = ${request.id} ORDER BY position`
      expect([...stored]).toEqual(events.map(({ id, payload }) => ({ id, payload })))
    }
    await close()
  })
})

describe('storing the same entry again', () => {
  test.each([
    ['with a dedupe key', { dedupe: { key: 'again', windowSeconds: 60 } }],
    ['without one', {}],
  ])('changes nothing, %s', async (_, event) => {
    const { ledger, close } = open()
    const entry = entryOf({ integrationId: `again-${newId()}` }, event)
    const first = await ledger.record(entry)
    const { runId } = first[0] as { runId: string }
    await ledger.takeRun(runId)
    expect(await ledger.record(entry)).toEqual(first)
    expect(await Promise.all([ledger.record(entry), ledger.record(entry)])).toEqual([first, first])
    const rows = await onlooker`
      SELECT event.state AS event, run.state AS run FROM events event JOIN runs run ON run.event_id = event.id
      WHERE event.request_id = ${entry.request.id}`
    expect([...rows]).toEqual([{ event: 'queued', run: 'running' }])
    await close()
  })
})

type Fate = { entry: Entry; result: PromiseSettledResult<Recorded[]>; ms: number }
/** With the longest time for which this process stood still. */
type Streamed = { fates: Fate[]; stalledMs: number }

/** Records entries one after the other, without waiting for their ends, until told to stop; shows how it goes. */
function stream(ledger: TestLedger['ledger']) {
  const fates: Promise<Fate>[] = []
  const seen = { kept: 0, refused: 0 }
  const delay = monitorEventLoopDelay({ resolution: 10 })
  let goesOn = true
  delay.enable()
  onTestFinished(() => {
    goesOn = false
  })
  const ended = (async () => {
    while (goesOn) {
      const entry = entryOf()
      const startedAt = performance.now()
      const settled = Promise.allSettled([ledger.record(entry)])
      const fate = settled.then(([result]) => {
        seen[result.status === 'fulfilled' ? 'kept' : 'refused'] += 1
        return { entry, result, ms: performance.now() - startedAt }
      })
      fates.push(fate)
      await new Promise((resolve) => setTimeout(resolve, 3))
    }
  })()
  async function stop(): Promise<Streamed> {
    goesOn = false
    await ended
    const all = await Promise.all(fates)
    delay.disable()
    return { fates: all, stalledMs: delay.max / 1e6 }
  }
  return { seen, stop }
}

/** A ledger whose process stood still looks once more before it gives up. */
async function expectNothingLost(
  { fates, stalledMs }: Streamed,
  waitMs: number,
): Promise<{ kept: number; refused: number }> {
  const kept = fates.filter(({ result }) => result.status === 'fulfilled').map(({ entry }) => entry)
  const stored = await storedOf(kept)
  expect(kept.filter(({ request }) => !stored.has(request.id))).toEqual([])
  for (const { result, ms } of fates) {
    if (result.status === 'rejected') expect(result.reason).toBeInstanceOf(LedgerUnavailable)
    expect(ms).toBeLessThan(waitMs + 400 + 2 * stalledMs)
  }
  return { kept: kept.length, refused: fates.length - kept.length }
}

describe('what was resolved is stored, and what was not is refused in time', () => {
  test('when the connection is cut again and again', async () => {
    const { ledger, name, close } = open()
    const { seen, stop } = stream(ledger)
    for (let cuts = 0; cuts < 4; ) {
      const { kept } = seen
      await eventually(() => expect(seen.kept).toBeGreaterThan(kept + 25))
      for (const pid of await commitBackends(name)) {
        await onlooker`SELECT pg_terminate_backend(${pid})`
        cuts += 1
      }
    }
    const { kept, refused } = await expectNothingLost(await stop(), 3_000)
    expect(kept).toBeGreaterThan(100)
    expect(refused).toBe(0)
    await close()
  })

  test('when PostgreSQL is killed and comes back', async () => {
    const { ledger, close } = open({ storeWaitMs: 600 })
    const { seen, stop } = stream(ledger)
    await eventually(() => expect(seen.kept).toBeGreaterThan(20))
    await server.kill9()
    await eventually(() => expect(seen.refused).toBeGreaterThan(20))
    await server.restart()
    await eventually(() => ledger.record(entryOf()))
    await expectNothingLost(await stop(), 600)
    await close()
  })

  test('when the session hangs; later ones are stored through another', async () => {
    const { ledger, name, close } = open({ storeWaitMs: 300 })
    await ledger.record(entryOf(), CONNECT_MS)
    const resume = await hang(name, 'session')
    const { seen, stop } = stream(ledger)
    await eventually(() => expect([seen.kept > 50, seen.refused > 10]).toEqual([true, true]))
    await expectNothingLost(await stop(), 300)
    resume()
    await close()
  })

  test('when PostgreSQL hangs; later ones are stored when it goes on', async () => {
    const { ledger, name, close } = open({ storeWaitMs: 400 })
    await ledger.record(entryOf(), CONNECT_MS)
    const resume = await hang(name)
    const { seen, stop } = stream(ledger)
    await eventually(() => expect(seen.refused).toBeGreaterThan(50))
    const streamed = await stop()
    resume()
    const { kept } = await expectNothingLost(streamed, 400)
    expect([kept, ledger.pendingBytes()]).toEqual([0, 0])
    const entry = await eventually(async () => {
      const late = entryOf()
      await ledger.record(late)
      return late
    })
    expect((await storedOf([entry])).size).toBe(1)
    await close()
  })
})

describe('while PostgreSQL hangs', () => {
  test('bodies wait only up to the limit, and none stays in memory once it is refused', async () => {
    const { ledger, name, close } = open({ storeWaitMs: 500, pendingBytesMax: 100_000 })
    await ledger.record(entryOf(), CONNECT_MS)
    const resume = await hang(name)
    const under = ledger.record(entryOf({ body: Buffer.alloc(10) }))
    await new Promise((resolve) => setTimeout(resolve, 20))
    const bodies = [Buffer.alloc(60_000), Buffer.alloc(39_000)].map((body) => new WeakRef(body))
    const waiting = bodies.map((body) => ledger.record(entryOf({ body: body.deref() ?? null })))
    expect(ledger.pendingBytes()).toBe(99_010)
    await expect(ledger.record(entryOf({ body: Buffer.alloc(2_000) }))).rejects.toThrow(LedgerUnavailable)
    // It was told at once: the others still wait.
    expect(ledger.pendingBytes()).toBe(99_010)
    for (const late of [under, ...waiting]) await expect(late).rejects.toThrow(LedgerUnavailable)
    expect(ledger.pendingBytes()).toBe(0)
    waiting.length = 0
    await eventually(() => {
      collectGarbage()
      expect(bodies.map((body) => body.deref())).toEqual([undefined, undefined])
    }, 2_000)
    resume()
    await close()
  })

  test('a ledger can be closed all the same, and takes nothing more', async () => {
    const { ledger, name, close } = open({ storeWaitMs: 400 })
    await ledger.record(entryOf(), CONNECT_MS)
    const resume = await hang(name)
    const late = expect(ledger.record(entryOf())).rejects.toThrow(LedgerUnavailable)
    const startedAt = performance.now()
    await ledger.close()
    expect(performance.now() - startedAt).toBeLessThan(5_000)
    await late
    await expect(ledger.record(entryOf())).rejects.toThrow('stopping')
    resume()
    await close()
  })
})

test('closing stores what is waiting first', async () => {
  const { ledger, close } = open()
  const entries = Array.from({ length: 300 }, () => entryOf())
  const recorded = Promise.all(entries.map((entry) => ledger.record(entry)))
  await ledger.close()
  await recorded
  expect((await storedOf(entries)).size).toBe(300)
  await close()
})

/** Stops the process behind the commits, and the one that takes new connections; gives what lets them go on. */
async function hang(name: string, what: 'session' | 'server' = 'server'): Promise<() => void> {
  const sessions = await commitBackends(name)
  expect(sessions).toHaveLength(1)
  const pids = what === 'session' ? sessions : [...sessions, parentOf(sessions[0] ?? 0)]
  for (const pid of pids) process.kill(pid, 'SIGSTOP')
  return () => {
    for (const pid of pids) process.kill(pid, 'SIGCONT')
  }
}

function parentOf(pid: number): number {
  const [, parent = ''] = /\) \S (\d+)/.exec(readFileSync(`/proc/${pid}/stat`, 'latin1')) ?? []
  return Number(parent)
}

function collectGarbage(): void {
  setFlagsFromString('--expose-gc')
  runInNewContext('gc')()
}
