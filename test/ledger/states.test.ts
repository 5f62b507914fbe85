import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { eraseEvent } from '../../src/ledger/erase.ts'
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
  finishAttempt,
  finishRun,
  holdOne,
  latestTake,
  openLedger,
  recordOne,
  ruleOf,
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
    const { runId } = await runIn(from, to)
    expect(await moveRun(runId, to)).toBe(allowed)
    expect(await stateOf('runs', runId)).toBe(allowed ? to : from)
  })
})

const AGAIN = { reason: 'as the test says', delayMs: 60_000, results: [], awaited: false }

/** Tries everything that the ledger offers to bring a run there. */
async function moveRun(runId: string, to: RunState): Promise<boolean> {
  const { ledger } = world
  if (to === 'running') return (await ledger.takeRun(runId)) !== undefined
  if (to === 'retrying') return ledger.retryRun(await latestTake(world, runId), AGAIN)
  const before = await stateOf('runs', runId)
  const end = { state: to as RunEnd, reason: null, results: [], deliveries: [] }
  if (await finishRun({ ledger, sql: world.sql }, runId, end)) return true
  if (to === 'superseded') await supersede(runId)
  await endDeliveries(runId, to)
  if (before === (await stateOf('runs', runId))) await decideOn(runId, to)
  return (await stateOf('runs', runId)) === to && before !== to
}

async function endDeliveries(runId: string, state: string): Promise<void> {
  if (state !== 'delivered' && state !== 'dead' && state !== 'discarded') return
  const deliveries = await world.sql<{ id: string }[]>`SELECT id FROM deliveries WHERE run_id = ${runId}`
  for (const { id } of deliveries) {
    const taken = await world.ledger.takeDelivery(takeOf(id))
    if (taken) await finishAttempt(world, attemptEnd(id, taken.number, state))
  }
}

/** Does what an operator can to bring what has ended there. */
async function decideOn(runId: string, to: RunState): Promise<void> {
  const { ledger } = world
  const deliveries = await world.sql<{ id: string }[]>`SELECT id FROM deliveries WHERE run_id = ${runId}`
  for (const { id } of deliveries) {
    if (to === 'delivering') await ledger.redeliver({ deliveryId: id, newDeliveryId: newId(), item: null })
    if (to === 'delivered' || to === 'discarded') await ledger.discardDeadLetter(id, 'by the test')
  }
  if (to === 'discarded') await eraseEventOf(runId)
}

/** Gives up what is unfinished, with what it carried. */
async function eraseEventOf(runId: string): Promise<void> {
  const [row] = await world.sql`SELECT event_id FROM runs WHERE id = ${runId}`
  if (!row) return
  await world.sql.begin((transaction) =>
    eraseEvent(transaction, row.event_id, { what: 'content', by: 'the test', unfinished: 'discard' }),
  )
}

/** Lets what a run has not sent wait again, and replaces it. */
async function supersede(runId: string): Promise<void> {
  const deliveries = await world.sql<{ id: string }[]>`SELECT id FROM deliveries WHERE run_id = ${runId}`
  for (const { id } of deliveries) await world.ledger.standBack(id)
  await newerOfKey(DESTINATION, runId)
}

/** A newer event brings a delivery with this unique key, and what can be released is. */
async function newerOfKey(destinationId: string, uniqueKey: string): Promise<void> {
  const newer = await recordOne(world.ledger)
  await runInto(world.ledger, newer.runId, 1, { destinationId, turn: { uniqueKey } })
  await world.ledger.release([ruleOf({ destinationId })])
}

/** Of a dead run from which it may become delivered, something has arrived. */
async function runIn(state: RunState, to?: string): Promise<{ runId: string; eventId: string }> {
  const recorded = await recordOne(world.ledger)
  const { runId } = recorded
  if (state === 'queued') return recorded
  if (state === 'filtered' || state === 'empty') {
    await world.ledger.takeRun(runId)
    await finishRun(world, runId, { state, reason: null, results: [], deliveries: [] })
  } else if (state === 'running' || state === 'retrying') {
    await world.ledger.takeRun(runId)
    if (state === 'retrying') await world.ledger.retryRun(await latestTake(world, runId), AGAIN)
  } else {
    const many = state === 'dead' && to === 'delivered' ? 2 : 1
    const [first = ''] = await runInto(world.ledger, runId, many, {
      turn: { state: 'queued', uniqueKey: runId },
    })
    if (many === 2) await endOne({ id: first, state: 'delivered' })
    if (state === 'superseded') await supersede(runId)
    await endDeliveries(runId, state)
  }
  expect(await stateOf('runs', runId)).toBe(state)
  return recorded
}

describe('a delivery', () => {
  test.each(pairs(DELIVERY_STATES, STATES.delivery))('$says', async ({ from, to, allowed }) => {
    const delivery = await deliveryIn(from)
    expect(await moveDelivery(delivery, to)).toBe(allowed)
    const { deliveryId } = delivery
    expect(await stateOf('deliveries', deliveryId)).toBe(allowed ? to : from)
  })

  test('that is being sent is taken by nobody else before its lease is over, and then once', async () => {
    const { deliveryId } = await deliveryIn('queued')
    expect(await world.ledger.takeDelivery(takeOf(deliveryId, 60_000))).toMatchObject({ number: 1 })
    expect(await world.ledger.takeDelivery(takeOf(deliveryId))).toBeUndefined()
    await world.sql`UPDATE deliveries SET lease_until = now() WHERE id = ${deliveryId}`
    const both = await Promise.all([1, 2].map(() => world.ledger.takeDelivery(takeOf(deliveryId))))
    expect(both.flatMap((taken) => taken?.number ?? [])).toEqual([2])
    expect(await finishAttempt(world, attemptEnd(deliveryId, 1, 'delivered'))).toBe(false)
    expect(await finishAttempt(world, attemptEnd(deliveryId, 2, 'delivered'))).toBe(true)
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

interface TestDelivery {
  deliveryId: string
  number: number
  destinationId: string
  from: DeliveryState
}

/** Does what the ledger offers to bring a delivery there, and says whether it moved. */
async function moveDelivery(
  { deliveryId, number, destinationId, from }: TestDelivery,
  to: DeliveryState,
): Promise<boolean> {
  const { ledger } = world
  if (to === 'sending') return (await ledger.takeDelivery(takeOf(deliveryId))) !== undefined
  if (to === 'queued') await ledger.release([ruleOf({ destinationId })])
  else if (to === 'waiting') {
    await ledger.ripenDue(1_000)
    await ledger.standBack(deliveryId)
  } else if (to === 'superseded') {
    await newerOfKey(destinationId, deliveryId)
    await ledger.redeliver({ deliveryId, newDeliveryId: newId(), item: null })
  } else if (to !== 'delayed') {
    if (await finishAttempt({ ledger, sql: world.sql }, attemptEnd(deliveryId, number, to))) return true
    if (to === 'discarded') await ledger.cancelDelivery(deliveryId, 'by the test')
    if (to === 'discarded') await ledger.discardDeadLetter(deliveryId, 'by the test')
  }
  return to !== from && (await stateOf('deliveries', deliveryId)) === to
}

/** A delivery that is being sent has a lease that is over, so that it can be taken over. */
async function deliveryIn(state: DeliveryState): Promise<TestDelivery> {
  const { runId } = await recordOne(world.ledger)
  const destinationId = newId()
  const first = state === 'delayed' || state === 'waiting' || state === 'superseded' ? state : 'queued'
  const turn = { state: first === 'superseded' ? 'waiting' : first } as const
  const [deliveryId = ''] = await runInto(world.ledger, runId, 1, { destinationId, turn })
  await world.sql`UPDATE deliveries SET unique_key = ${deliveryId} WHERE id = ${deliveryId}`
  const made = { deliveryId, destinationId, from: state }
  if (state === 'superseded') await newerOfKey(destinationId, deliveryId)
  if (first !== 'queued' || state === 'queued') return { ...made, number: 0 }
  await world.ledger.takeDelivery(takeOf(deliveryId, 0))
  if (state !== 'sending') await finishAttempt(world, attemptEnd(deliveryId, 1, state as 'delivered'))
  expect(await stateOf('deliveries', deliveryId)).toBe(state)
  return { ...made, number: 1 }
}

describe('an event', () => {
  test.each(pairs(EVENT_STATES, STATES.event))('$says', async ({ from, to, allowed }) => {
    const { eventId, runId } = await eventIn(from, to)
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
  if (to === 'queued') {
    const again = { eventId, runId: newId(), definitionVersion: 1 }
    if (!(await ledger.replayEvent(again))) await ledger.releaseEvent(again)
  } else if (to === 'delivering') {
    await runInto(ledger, runId, 1).catch(() => {})
    await decideOn(runId, to)
  } else if (to === 'discarded' && (await ledger.discardEvent(eventId, 'by the test'))) return
  else if (to !== 'duplicate' && to !== 'quarantined') {
    await ledger.takeRun(runId)
    await moveRun(runId, to)
  }
}

async function eventIn(state: EventState, to: EventState): Promise<{ eventId: string; runId: string }> {
  if (state === 'quarantined') return { eventId: await holdOne(world.ledger), runId: newId() }
  if (state !== 'duplicate') return runIn(state, to)
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
  await finishAttempt(world, attemptEnd(id, taken?.number ?? 0, state))
}

test('whoever had a run before another took it ends it in no way, and keeps nobody from taking it', async () => {
  const { runId } = await recordOne(world.ledger)
  const before = await world.ledger.takeRun(runId)
  const now = await world.ledger.takeRun(runId)
  if (!before || !now) throw new Error('the run was not taken twice')
  const end = { state: 'empty' as RunEnd, reason: null, results: [], deliveries: [] }
  expect(await world.ledger.finishRun(before, end)).toBe(false)
  expect(await world.ledger.retryRun(before, AGAIN)).toBe(false)
  await world.sql`UPDATE runs SET queued_at = now() - interval '1 hour' WHERE id = ${runId}`
  await world.ledger.holdRun(before)
  const [{ isHeld } = {}] = await world.sql`
    SELECT queued_at > now() - interval '1 minute' AS "isHeld" FROM runs WHERE id = ${runId}`
  expect([await stateOf('runs', runId), isHeld]).toEqual(['running', false])
  expect(await world.ledger.finishRun(now, end)).toBe(true)
})

test('of two workers that walk one run, the second changes nothing, whatever it found', async () => {
  const { eventId, runId } = await recordOne(world.ledger)
  await world.ledger.takeRun(runId)
  expect(await world.ledger.takeRun(runId)).toMatchObject({ takes: 2 })
  const [deliveryId = ''] = await runInto(world.ledger, runId, 1)
  const delivery = { id: newId(), destinationId: DESTINATION, nodeId: 'push', position: 0, item: '{}' }
  for (const state of ['dead', 'delivering', 'empty'] as const) {
    const late = { state, reason: 'late', results: [], deliveries: [delivery] }
    expect(await finishRun(world, runId, late)).toBe(false)
  }
  expect(await stateOf('runs', runId)).toBe('delivering')
  expect(await world.sql`SELECT id FROM deliveries WHERE run_id = ${runId}`).toEqual([{ id: deliveryId }])
  await endDeliveries(runId, 'delivered')
  expect(await stateOf('events', eventId)).toBe('delivered')
})

test('what is called unfinished is what goes on by itself, not what a replay, a release or a discard begins', () => {
  const ended: string[] = ['delivered', 'dead', 'discarded']
  const open = (table: Record<string, readonly string[]>) =>
    Object.keys(table).filter((state) => table[state]?.length && !ended.includes(state))
  expect(open(STATES.run)).toEqual([...UNFINISHED.run])
  expect(open(STATES.delivery)).toEqual([...UNFINISHED.delivery])
  const beyondReplay = open(STATES.event).filter(
    (state) => state !== 'quarantined' && STATES.event[state as EventState].some((next) => next !== 'queued'),
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
