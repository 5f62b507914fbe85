import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  type DeliveryState,
  type EventState,
  type RunEnd,
  type RunState,
  STATES,
  UNFINISHED,
} from '../../src/ledger/ledger.ts'
import { newId } from '../../src/platform/ids.ts'
import { freshDatabase } from '../world/database.ts'
import {
  attemptEnd,
  DESTINATION,
  entryOf,
  openLedger,
  recordOne,
  runInto,
  type TestLedger,
  takeOf,
} from './world.ts'

let world: TestLedger
let drop: () => Promise<void>

beforeAll(async () => {
  const database = await freshDatabase()
  drop = database.drop
  world = openLedger(database.url)
})

afterAll(async () => {
  await world.close()
  await drop()
})

const RUN_STATES = Object.keys(STATES.run) as RunState[]
const DELIVERY_STATES = Object.keys(STATES.delivery) as DeliveryState[]
const EVENT_STATES = Object.keys(STATES.event) as EventState[]

function pairs<S extends string>(states: S[], table: Record<S, readonly string[]>) {
  return states.flatMap((from) =>
    states.map((to) => ({ from, to, allowed: table[from].includes(to), says: sentence(from, to, table) })),
  )
}

function sentence<S extends string>(from: S, to: S, table: Record<S, readonly string[]>): string {
  return `${from} ${table[from].includes(to) ? 'becomes' : 'never becomes'} ${to}`
}

async function stateOf(table: 'events' | 'runs' | 'deliveries', id: string): Promise<string> {
  const [row] = await world.sql`SELECT state FROM ${world.sql(table)} WHERE id = ${id}`
  return row?.state
}

describe('a run', () => {
  test.each(pairs(RUN_STATES, STATES.run))('$says', async ({ from, to, allowed }) => {
    const { runId } = await runIn(from)
    expect(await moveRun(runId, to)).toBe(allowed)
    expect(await stateOf('runs', runId)).toBe(allowed ? to : from)
  })
})

/** Tries everything that the ledger offers to bring a run there. */
async function moveRun(runId: string, to: RunState): Promise<boolean> {
  const { ledger } = world
  if (to === 'running') return (await ledger.takeRun(runId)) !== undefined
  const before = await stateOf('runs', runId)
  const end = { state: to as RunEnd, reason: null, results: [], deliveries: [] }
  if (await ledger.finishRun(runId, end)) return true
  await endDeliveries(runId, to)
  return (await stateOf('runs', runId)) === to && before !== to
}

async function endDeliveries(runId: string, state: string): Promise<void> {
  if (state !== 'delivered' && state !== 'dead' && state !== 'discarded') return
  const deliveries = await world.sql<{ id: string }[]>`SELECT id FROM deliveries WHERE run_id = ${runId}`
  for (const { id } of deliveries) {
    const taken = await world.ledger.takeDelivery(takeOf(id))
    if (taken) await world.ledger.finishAttempt(attemptEnd(id, taken.number, state))
  }
}

async function runIn(state: RunState): Promise<{ runId: string; eventId: string }> {
  const recorded = await recordOne(world.ledger)
  if (state === 'queued') return recorded
  if (state === 'running') await world.ledger.takeRun(recorded.runId)
  else if (state === 'delivering' || state === 'delivered') await runInto(world.ledger, recorded.runId, 1)
  if (state === 'delivered') await endDeliveries(recorded.runId, 'delivered')
  if (state === 'filtered' || state === 'empty' || state === 'dead' || state === 'discarded') {
    await world.ledger.takeRun(recorded.runId)
    await world.ledger.finishRun(recorded.runId, { state, reason: null, results: [], deliveries: [] })
  }
  expect(await stateOf('runs', recorded.runId)).toBe(state)
  return recorded
}

describe('a delivery', () => {
  test.each(pairs(DELIVERY_STATES, STATES.delivery))('$says', async ({ from, to, allowed }) => {
    const { deliveryId, number } = await deliveryIn(from)
    const moved =
      to === 'sending'
        ? (await world.ledger.takeDelivery(takeOf(deliveryId))) !== undefined
        : await world.ledger.finishAttempt(attemptEnd(deliveryId, number, to as 'dead'))
    expect(moved).toBe(allowed)
    expect(await stateOf('deliveries', deliveryId)).toBe(allowed ? to : from)
  })

  test('that is being sent is taken by nobody else before its lease is over, and then once', async () => {
    const { deliveryId } = await deliveryIn('queued')
    expect(await world.ledger.takeDelivery(takeOf(deliveryId, 300))).toMatchObject({ number: 1 })
    expect(await world.ledger.takeDelivery(takeOf(deliveryId))).toBeUndefined()
    await new Promise((resolve) => setTimeout(resolve, 320))
    const both = await Promise.all([1, 2].map(() => world.ledger.takeDelivery(takeOf(deliveryId))))
    expect(both.flatMap((taken) => taken?.number ?? [])).toEqual([2])
    expect(await world.ledger.finishAttempt(attemptEnd(deliveryId, 1, 'delivered'))).toBe(false)
    expect(await world.ledger.finishAttempt(attemptEnd(deliveryId, 2, 'delivered'))).toBe(true)
    const attempts = await world.sql`
      SELECT number, verdict FROM attempts WHERE delivery_id = ${deliveryId} ORDER BY number`
    expect([...attempts]).toEqual([
      { number: 1, verdict: 'interrupted' },
      { number: 2, verdict: 'delivered' },
    ])
  })

  test('whose sending takes longer can keep its lease', async () => {
    const { deliveryId } = await deliveryIn('queued')
    await world.ledger.takeDelivery(takeOf(deliveryId, 200))
    await world.ledger.extendLease(deliveryId, 1, 60_000)
    await new Promise((resolve) => setTimeout(resolve, 220))
    expect(await world.ledger.takeDelivery(takeOf(deliveryId))).toBeUndefined()
  })
})

/** A delivery that is being sent has a lease that is over, so that it can be taken over. */
async function deliveryIn(state: DeliveryState): Promise<{ deliveryId: string; number: number }> {
  const { runId } = await recordOne(world.ledger)
  const [deliveryId = ''] = await runInto(world.ledger, runId, 1)
  if (state === 'queued') return { deliveryId, number: 0 }
  await world.ledger.takeDelivery(takeOf(deliveryId, 0))
  if (state !== 'sending') await world.ledger.finishAttempt(attemptEnd(deliveryId, 1, state))
  expect(await stateOf('deliveries', deliveryId)).toBe(state)
  return { deliveryId, number: 1 }
}

describe('an event', () => {
  test.each(pairs(EVENT_STATES, STATES.event))('$says', async ({ from, to, allowed }) => {
    const { eventId, runId } = await eventIn(from)
    await moveEvent(eventId, runId, to)
    expect(await stateOf('events', eventId)).toBe(allowed ? to : from)
  })

  test('follows its latest run only', async () => {
    const { eventId, runId } = await runIn('delivering')
    const replay = { eventId, runId: newId(), definitionVersion: 2 }
    expect(await world.ledger.replayEvent(replay)).toBe(true)
    await endDeliveries(runId, 'dead')
    expect([await stateOf('runs', runId), await stateOf('events', eventId)]).toEqual(['dead', 'queued'])
    await runInto(world.ledger, replay.runId, 1)
    await endDeliveries(replay.runId, 'delivered')
    expect(await stateOf('events', eventId)).toBe('delivered')
  })
})

async function moveEvent(eventId: string, runId: string, to: EventState): Promise<void> {
  const { ledger } = world
  if (to === 'queued') await ledger.replayEvent({ eventId, runId: newId(), definitionVersion: 1 })
  else if (to === 'delivering') await runInto(ledger, runId, 1).catch(() => {})
  else if (to !== 'duplicate') {
    await ledger.takeRun(runId)
    await moveRun(runId, to)
  }
}

async function eventIn(state: EventState): Promise<{ eventId: string; runId: string }> {
  if (state !== 'duplicate') return runIn(state)
  const entry = () => entryOf({}, { dedupe: { key: `key-${newId()}`, windowSeconds: 60 } })
  const first = entry()
  const second = entry()
  second.events = second.events.map((event) => ({ ...event, dedupe: first.events[0]?.dedupe ?? null }))
  await world.ledger.record(first)
  const [recorded] = await world.ledger.record(second)
  return { eventId: recorded?.eventId ?? '', runId: newId() }
}

test('a run is dead when one of its deliveries is, and only when the last has ended, whatever ends at once', async () => {
  const { eventId, runId } = await recordOne(world.ledger)
  const deliveries = await runInto(world.ledger, runId, 20)
  const ends = deliveries.map((id, index) => ({
    id,
    state: index === 3 ? ('dead' as const) : ('delivered' as const),
  }))
  const [last, ...others] = ends
  await Promise.all(others.map(endOne))
  expect(await stateOf('runs', runId)).toBe('delivering')
  if (last) await endOne(last)
  expect([await stateOf('runs', runId), await stateOf('events', eventId)]).toEqual(['dead', 'dead'])

  const again = await recordOne(world.ledger)
  const all = await runInto(world.ledger, again.runId, 20)
  await Promise.all(all.map((id) => endOne({ id, state: 'delivered' })))
  expect(await stateOf('events', again.eventId)).toBe('delivered')
})

async function endOne({ id, state }: { id: string; state: 'dead' | 'delivered' }): Promise<void> {
  const taken = await world.ledger.takeDelivery(takeOf(id))
  await world.ledger.finishAttempt(attemptEnd(id, taken?.number ?? 0, state))
}

test('of two workers that walk one run, the second changes nothing, whatever it found', async () => {
  const { eventId, runId } = await recordOne(world.ledger)
  await world.ledger.takeRun(runId)
  expect(await world.ledger.takeRun(runId)).toMatchObject({ takes: 2 })
  const [deliveryId = ''] = await runInto(world.ledger, runId, 1)
  const delivery = { id: newId(), destinationId: DESTINATION, nodeId: 'push', position: 0, item: '{}' }
  for (const state of ['dead', 'delivering', 'empty'] as const) {
    const late = { state, reason: 'late', results: [], deliveries: [delivery] }
    expect(await world.ledger.finishRun(runId, late)).toBe(false)
  }
  expect(await stateOf('runs', runId)).toBe('delivering')
  expect(await world.sql`SELECT id FROM deliveries WHERE run_id = ${runId}`).toEqual([{ id: deliveryId }])
  await endDeliveries(runId, 'delivered')
  expect(await stateOf('events', eventId)).toBe('delivered')
})

test('what is called unfinished is what is not final; of an event, what a replay does not begin', () => {
  const open = (table: Record<string, readonly string[]>) =>
    Object.keys(table).filter((state) => table[state]?.length)
  expect(open(STATES.run)).toEqual([...UNFINISHED.run])
  expect(open(STATES.delivery)).toEqual([...UNFINISHED.delivery])
  const beyondReplay = (Object.keys(STATES.event) as EventState[]).filter((state) =>
    STATES.event[state].some((next) => next !== 'queued'),
  )
  expect(beyondReplay).toEqual([...UNFINISHED.event])
})

/** The diagrams are written in Mermaid, one for each subject, headed by its name. */
test('the diagrams in ARCHITECTURE.md show the same states and moves', () => {
  const file = path.join(import.meta.dirname, '../../ARCHITECTURE.md')
  if (!existsSync(file)) return console.warn('There is no ARCHITECTURE.md to compare the states with.')
  const drawn = diagramsOf(readFileSync(file, 'utf8'))
  for (const [subject, table] of Object.entries<Record<string, readonly string[]>>(STATES)) {
    const moves = Object.entries(table).flatMap(([from, next]) => next.map((to) => `${from} → ${to}`))
    expect(drawn[subject], `no diagram of the ${subject}`).toBeDefined()
    expect(drawn[subject]?.moves).toEqual(moves.toSorted())
    expect(drawn[subject]?.states).toEqual(Object.keys(table).toSorted())
  }
})

/** By subject: the last of the three words before a `stateDiagram` block. */
function diagramsOf(text: string): Record<string, { moves: string[]; states: string[] }> {
  const blocks = [...text.matchAll(/```mermaid\s+stateDiagram(?:-v2)?\n([\s\S]*?)```/g)]
  return Object.fromEntries(
    blocks.map((block) => {
      const before = text.slice(0, block.index)
      const subject = [...before.matchAll(/\b(event|run|delivery)\b/gi)].at(-1)?.[1]?.toLowerCase() ?? ''
      const arrows = [...(block[1] ?? '').matchAll(/^\s*(\S+)\s*-->\s*(\S+?)(?:\s*:.*)?$/gm)]
      const drawn = arrows.map(([, from = '', to = '']) => [from, to] as const)
      const moves = drawn.filter((pair) => !pair.includes('[*]')).map(([from, to]) => `${from} → ${to}`)
      const states = new Set(drawn.flat().filter((state) => state !== '[*]'))
      return [subject, { moves: moves.toSorted(), states: [...states].toSorted() }]
    }),
  )
}
