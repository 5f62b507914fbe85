/**
 * Does work grow slower with the days that are kept? An event's way through the ledger, with the partitions of 92 days
 * against those of two, alternating in one run. Machines are noisy: the ratio counts, not the numbers.
 *
 *     npm run bench:partitions -- [--rounds 3] [--events 300]
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { parseArgs } from 'node:util'
import postgres from 'postgres'
import { startEmbeddedPostgres } from '../src/platform/embedded-postgres.ts'
import { newId } from '../src/platform/ids.ts'
import { createLog } from '../src/platform/log.ts'
import { migrate } from '../src/platform/migrate.ts'
import {
  attemptEnd,
  openLedger,
  recordOne,
  ruleOf,
  type TestLedger,
  takeOf,
  turnOf,
} from '../test/ledger/world.ts'

const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '3' }, events: { type: 'string', default: '300' } },
})
const EVENTS = Number(values.events)
const STEPS = [
  'record',
  'take run',
  'finish run',
  'look for due',
  'release',
  'take delivery',
  'finish attempt',
] as const
type Times = Record<(typeof STEPS)[number], number>

const home = await mkdtemp(path.join(tmpdir(), 'sluice-bench-'))
const server = await startEmbeddedPostgres({ home, log: createLog('error') })
const few = await openWith(1)
const many = await openWith(91)
try {
  await Promise.all([measure(few), measure(many)])
  for (let round = 1; round <= Number(values.rounds); round++) {
    const [short, long] = [await measure(few), await measure(many)]
    const shown = STEPS.map(
      (step) =>
        `${step} ${short[step].toFixed(2)} -> ${long[step].toFixed(2)} ms (${(long[step] / short[step]).toFixed(1)})`,
    )
    console.log(`round ${round}: ${shown.join(', ')}; ratio ${(sum(long) / sum(short)).toFixed(2)}`)
  }
} finally {
  await Promise.all([few.close(), many.close()])
  await server.close()
  await rm(home, { recursive: true, force: true })
}

async function openWith(daysAhead: number): Promise<TestLedger> {
  const name = `days_${daysAhead}`
  const admin = postgres(server.url, { max: 1 })
  await admin`CREATE DATABASE ${admin(name)}`
  await admin.end()
  const url = new URL(server.url)
  url.pathname = `/${name}`
  await migrate(url.href)
  const opened = openLedger(url.href)
  await opened.ledger.makePartitions(new Date(), daysAhead)
  return opened
}

/** Milliseconds of each step, on average. */
async function measure({ ledger }: TestLedger): Promise<Times> {
  const times = Object.fromEntries(STEPS.map((step) => [step, 0])) as Times
  async function timed<T>(step: keyof Times, work: Promise<T>): Promise<T> {
    const startedAt = performance.now()
    const done = await work
    times[step] += (performance.now() - startedAt) / EVENTS
    return done
  }
  for (let count = 0; count < EVENTS; count += 1) {
    const { runId } = await timed('record', recordOne(ledger))
    const run = await timed('take run', ledger.takeRun(runId))
    const delivery = {
      id: newId(),
      destinationId: newId(),
      nodeId: 'push',
      position: 0,
      item: '{}',
      turn: turnOf(),
    }
    const end = { state: 'delivering' as const, reason: null, results: [], deliveries: [delivery] }
    if (!run || !(await timed('finish run', ledger.finishRun(run, end)))) throw new Error('the run is gone')
    await timed('look for due', ledger.ripenDue(1_000))
    await timed('release', ledger.release([ruleOf({ destinationId: delivery.destinationId })]))
    const taken = await timed('take delivery', ledger.takeDelivery(takeOf(delivery.id)))
    if (!taken) throw new Error('the delivery is gone')
    const { id: _, number: __, ...attempt } = attemptEnd(taken.id, taken.number, 'delivered')
    await timed('finish attempt', ledger.finishAttempt({ ...attempt, delivery: taken }))
  }
  return times
}

function sum(times: Times): number {
  return STEPS.reduce((all, step) => all + times[step], 0)
}
