/** A short round with a fixed seed, for real: processes that are killed, a PostgreSQL and a Redis of its own. */
import { execFile } from 'node:child_process'
import { appendFile, cp, mkdtemp } from 'node:fs/promises'
import path from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { promisify } from 'node:util'
import { beforeAll, expect, inject, test } from 'vitest'
import { conductRound, type RoundResult } from '../../chaos/conductor.ts'
import type { SeveralFault } from '../../chaos/faults/fault.ts'
import { FAULTS } from '../../chaos/faults/faults.ts'
import { SENT_FILE, type Sent } from '../../chaos/record.ts'
import { tableOf } from '../../chaos/report.ts'
import { NUMBERS_PER_PHASE, requestOf } from '../../chaos/requests.ts'
import type { Installation } from '../../chaos/world/installation.ts'

const ROOT = path.join(import.meta.dirname, '../..')
const SEED = 20

interface Audit {
  code: number
  lastLine: string
  said: string
}

let result: RoundResult
const audits: Record<'asItWas' | 'harmed', Audit | undefined> = { asItWas: undefined, harmed: undefined }

beforeAll(async () => {
  result = await conductRound({
    seed: SEED,
    seconds: 4,
    names: undefined,
    perSecond: 25,
    retries: true,
    keep: false,
    workers: 1,
    plan: {
      impossible: [],
      leftOut: [],
      phases: [
        {
          index: 0,
          name: 'four at once',
          does: '',
          place: { kind: 'several', onSmallDisk: false },
          faults: [edgeKill, workerKill, faultCalled('postgres-restart'), faultCalled('redis-flush')],
          seconds: 4,
        },
      ],
    },
    say: () => {},
    signal: new AbortController().signal,
    beforeAccounts: tamper,
  })
}, 240_000)

function faultCalled(name: string): SeveralFault {
  const fault = FAULTS.find((one) => one.name === name)
  if (fault?.on !== 'several') throw new Error(`no fault ${name}`)
  return fault
}

/** Killed while requests wait for a PostgreSQL that hangs: what is acknowledged before it is kept is lost then. */
const edgeKill: SeveralFault = {
  ...faultCalled('edge-kill'),
  to: 'postgres',
  async begin(site, chance) {
    const thaw = await faultCalled('postgres-freeze').begin(site, chance)
    // Not so long that requests go to the journal.
    await pause(600)
    const lift = await faultCalled('edge-kill').begin(site, chance)
    await thaw()
    return lift
  },
}

/** What a killed worker held goes on when its leases end, most of a minute later, which is not waited for here. */
const workerKill: SeveralFault = {
  ...faultCalled('worker-kill'),
  async begin(site, chance) {
    const lift = await faultCalled('worker-kill').begin(site, chance)
    const flush = await faultCalled('redis-flush').begin(site, chance)
    return async () => {
      const sql = await site.sql()
      await sql`UPDATE deliveries SET lease_until = now() WHERE state = 'sending'`
      await flush()
      await lift()
    }
  },
}

/** The accountant is asked before and after two harms are done to what it looks at. */
async function tamper(site: Installation, records: string): Promise<void> {
  const sql = await site.sql()
  const url = await site.databaseUrl()
  const invented = await mkdtemp(path.join(inject('scratch'), 'records-'))
  await cp(records, invented, { recursive: true })
  await appendFile(path.join(invented, SENT_FILE), `${JSON.stringify(inventedAck())}\n`)
  audits.asItWas = await audit(records, url)
  await sql`CREATE TABLE aside AS
    SELECT event.* FROM events event JOIN requests request ON request.id = event.request_id
    WHERE event.state = 'filtered' AND request.outcome = 'accepted' LIMIT 1`
  await sql`DELETE FROM events WHERE id IN (SELECT id FROM aside)`
  audits.harmed = await audit(invented, url)
  await sql`INSERT INTO events SELECT * FROM aside`
}

/** Of a number far beyond those that were sent. */
function inventedAck(): Sent {
  let number = NUMBERS_PER_PHASE - 1
  while (requestOf(SEED, number).stream !== 'plain') number -= 1
  return { number, edge: 0, sentAt: 0, tookMs: 1, end: 'acked', answer: 200 }
}

/** The program, as the conductor starts it. */
async function audit(records: string, databaseUrl: string): Promise<Audit> {
  const program = path.join(ROOT, 'chaos/accountant.ts')
  const options = { env: { ...process.env, DATABASE_URL: databaseUrl } }
  const { code, stdout, stderr } = await promisify(execFile)(
    process.execPath,
    [program, records],
    options,
  ).then(
    (said) => ({ code: 0, ...said }),
    (error: { code: number; stdout: string; stderr: string }) => error,
  )
  return { code, lastLine: stdout.trim().split('\n').at(-1) ?? '', said: stderr }
}

test('edges and workers killed, PostgreSQL restarted, Redis wiped: nothing acknowledged is lost', () => {
  expect(result.total).toMatchObject({ lost: 0, wrong: 0 })
  expect(result.failures).toEqual([])
  expect(result.notes).toEqual([])
  expect(result.total.acked).toBeGreaterThan(50)
  const [phase] = result.phases
  expect(phase?.faults).toBeGreaterThanOrEqual(3)
  expect(phase?.recoveryMs).not.toBeNull()
  expect(tableOf(result)).toMatch(/\| four at once \(\d+×\) +\| +\d+ \| +0 \|/)
})

test('the accountant ends with 0 and the figures when all is well', () => {
  expect(audits.asItWas).toMatchObject({ code: 0, said: '' })
  expect(audits.asItWas?.lastLine).toBe(
    `acked ${result.total.acked}, lost 0, duplicated ${result.total.duplicated}`,
  )
})

test('a row that is gone from the ledger, and an acknowledgement that was never given, are found and end the accountant with 1', () => {
  expect(audits.harmed).toMatchObject({ code: 1, lastLine: expect.stringContaining(', lost 2, ') })
  const lost = audits.harmed?.said.matchAll(/^LOST (\d+): acknowledged, and not in the ledger$/gm) ?? []
  const numbers = [...lost].map(([, number]) => Number(number))
  expect(numbers.toSorted((a, b) => a - b)).toEqual([expect.any(Number), inventedAck().number])
})
