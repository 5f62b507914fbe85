import { afterAll, beforeAll, expect, test } from 'vitest'
import type { CircuitRule, Health } from '../../src/ledger/ledger.ts'
import { newId } from '../../src/platform/ids.ts'
import { freshDatabase } from '../world/database.ts'
import {
  attemptEnd,
  finishAttempt,
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

const RULE: CircuitRule = {
  failureRate: 0.5,
  attemptsMin: 4,
  windowSeconds: 300,
  pauseSeconds: 60,
  pauseSecondsMax: 200,
}

async function deliveriesTo(destinationId: string, count: number): Promise<string[]> {
  const { runId } = await recordOne(world.ledger)
  return runInto(world.ledger, runId, count, { destinationId, turn: {} })
}

const release = async (destinationId: string) =>
  (await world.ledger.release([ruleOf({ destinationId })])).released.map(({ id }) => id)

const REASONS: Record<Health, string> = { well: 'success', ill: 'server_error', unclear: 'unsendable' }

/** Takes a released delivery, and ends its attempt like this. */
async function attempt(
  destinationId: string,
  deliveryId: string,
  health: Health,
  rule: CircuitRule | null = RULE,
): Promise<'opened' | 'closed' | undefined> {
  const taken = await world.ledger.takeDelivery(takeOf(deliveryId))
  if (!taken) throw new Error('it cannot be taken')
  const state = health === 'well' ? 'delivered' : 'retrying'
  const end = attemptEnd(deliveryId, taken.number, state)
  await finishAttempt(world, {
    ...end,
    counts: !taken.probe,
    attempt: { ...end.attempt, reason: `${REASONS[health]}: as the test says` },
  })
  const { probe } = taken
  const illReasons = [REASONS.ill]
  return world.ledger.settleCircuit({
    destinationId,
    deliveryId,
    probe,
    health,
    illReasons,
    rule,
    now: new Date(),
  })
}

const circuitOf = async (destinationId: string) =>
  (await world.ledger.findDestinationStates()).find((state) => state.destinationId === destinationId)

const letProbe = (destinationId: string) =>
  world.sql`UPDATE destination_states SET probe_at = now() WHERE destination_id = ${destinationId}`

/** Fails until the circuit opens; gives what is left. */
async function open(destinationId: string, count: number): Promise<string[]> {
  const ids = await deliveriesTo(destinationId, count)
  await release(destinationId)
  for (const [index, id] of ids.slice(0, 4).entries())
    expect(await attempt(destinationId, id, 'ill')).toBe(index === 3 ? 'opened' : undefined)
  return ids
}

test('opens when enough attempts failed, and holds everything back that is not being sent', async () => {
  const destinationId = newId()
  const ids = await open(destinationId, 10)
  expect(await circuitOf(destinationId)).toMatchObject({
    circuit: 'open',
    openReason: '4 of the latest 4 attempts failed',
    pausedAt: null,
  })
  const rows = await world.sql`
    SELECT state, count(*)::int AS count, max(tries) AS tries FROM deliveries WHERE id = ANY (${ids}::uuid[])
    GROUP BY state ORDER BY state`
  expect([...rows]).toEqual([
    { state: 'retrying', count: 4, tries: 1 },
    { state: 'waiting', count: 6, tries: 0 },
  ])
  expect(await release(destinationId)).toEqual([])
})

test('stays closed while fewer fail than asked, and for what says nothing about the destination', async () => {
  const destinationId = newId()
  const ids = await deliveriesTo(destinationId, 9)
  await release(destinationId)
  const healths: Health[] = ['well', 'well', 'well', 'ill', 'ill', 'unclear', 'unclear']
  for (const [index, health] of healths.entries())
    expect(await attempt(destinationId, ids[index] ?? '', health)).toBeUndefined()
  expect(await attempt(destinationId, ids[7] ?? '', 'ill', null)).toBeUndefined()
  expect(await circuitOf(destinationId)).toBeUndefined()
})

test('lets one through when its time has come, waits longer after each that fails, and uses up no try', async () => {
  const destinationId = newId()
  await open(destinationId, 6)
  await world.ledger.ripenDue(1_000)
  let pausedSeconds = 0
  for (const expected of [120, 200, 200]) {
    await letProbe(destinationId)
    const [probe = '', ...more] = await release(destinationId)
    expect(more).toEqual([])
    expect(await circuitOf(destinationId)).toMatchObject({ circuit: 'probing' })
    expect(await release(destinationId)).toEqual([])
    expect(await attempt(destinationId, probe, 'ill')).toBeUndefined()
    await world.ledger.ripenDue(1_000)
    const state = await circuitOf(destinationId)
    pausedSeconds = ((state?.probeAt?.getTime() ?? 0) - Date.now()) / 1_000
    expect(pausedSeconds).toBeGreaterThan(expected - 20)
    expect(pausedSeconds).toBeLessThanOrEqual(expected)
    const [row] = await world.sql`SELECT tries - probes AS counted FROM deliveries WHERE id = ${probe}`
    expect(row?.counted).toBe(1)
  }
})

test('closes when a probe arrives, lets the backlog go, and counts anew', async () => {
  const destinationId = newId()
  const ids = await open(destinationId, 8)
  await world.ledger.ripenDue(1_000)
  await letProbe(destinationId)
  const [probe = ''] = await release(destinationId)
  expect(await attempt(destinationId, probe, 'well')).toBe('closed')
  expect(await circuitOf(destinationId)).toBeUndefined()
  const rest = await release(destinationId)
  expect(rest.toSorted()).toEqual(ids.filter((id) => id !== probe).toSorted())
  expect(await attempt(destinationId, rest[0] ?? '', 'ill')).toBeUndefined()
})

test('lets another one through when the probe was lost, or could not be sent at all', async () => {
  const destinationId = newId()
  await open(destinationId, 6)
  await letProbe(destinationId)
  const [first = ''] = await release(destinationId)
  // Its worker was killed, and an operator let it wait again.
  expect(await world.ledger.standBack(first)).toBe(destinationId)
  const [second = ''] = await release(destinationId)
  expect(second).not.toBe('')
  await attempt(destinationId, second, 'unclear')
  expect(await release(destinationId)).toHaveLength(1)
})

test('what was let go a moment before it opened is not sent', async () => {
  const destinationId = newId()
  await open(destinationId, 4)
  const { runId } = await recordOne(world.ledger)
  const [late = ''] = await runInto(world.ledger, runId, 1, { destinationId, turn: { state: 'queued' } })
  expect(await world.ledger.takeDelivery(takeOf(late))).toBeUndefined()
})
