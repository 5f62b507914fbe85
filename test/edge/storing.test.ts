import postgres from 'postgres'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { eventually } from '../world/eventually.ts'
import { copiesOf, type PostgresServer, startPostgres } from '../world/postgres.ts'
import { ACCEPTED, type Answer, answersOn, type EdgeWorld, openSocket, startEdge } from './world.ts'

const UNSTORED = {
  status: 503,
  body: '{"result":false,"error":"The event cannot be stored at the moment"}',
  headers: { 'retry-after': '10' },
}

/** Each takes 16 KiB, its 10,000 bytes of headers and some hundred beside. */
const REQUESTS = { bytesMax: 220_000, fitting: 8 }

let database: PostgresServer
/** Of a database beside the one that the other tests use, on the same server. */
let ofTight: string
let world: EdgeWorld
let id: string

beforeAll(async () => {
  database = await startPostgres()
  const { tight } = await copiesOf(database, ['tight'])
  ofTight = tight
  world = await startEdge(
    {
      STORE_WAIT_MS: '600',
      REFUSALS_LOGGED_PER_MINUTE: '1000',
      // Without a journal, which journal.test.ts is about.
      JOURNAL_BYTES_MAX: '0',
      BODY_BYTES_MAX: '100000',
      COMPRESSED_BYTES_MAX: '100000',
      PENDING_BYTES_MAX: '200000',
      DRAIN_MS: '5000',
    },
    database.url,
  )
  id = await world.integration()
})
afterAll(async () => {
  await world.close()
  await database.stop()
})

/** The numbers that were acknowledged among those that were sent. */
async function send(from: number, count: number): Promise<{ answers: Answer[]; acked: number[] }> {
  const numbers = Array.from({ length: count }, (_, at) => from + at)
  const answers = await Promise.all(numbers.map((n) => world.send(id, `{"n":${n}}`)))
  return { answers, acked: numbers.filter((_, at) => answers[at]?.status === 200) }
}

async function stored(url = database.url): Promise<number[]> {
  const sql = postgres(url, { max: 1 })
  try {
    const rows = await sql`SELECT body FROM requests WHERE integration_id = ${id} AND outcome = 'accepted'`
    return rows.map((row) => JSON.parse(row.body.toString()).n)
  } finally {
    await sql.end({ timeout: 1 })
  }
}

test('a database that hangs makes "come again", within the time that the settings give', async () => {
  const resume = database.freeze()
  const started = performance.now()
  const { answers } = await send(0, 20)
  const waited = performance.now() - started
  for (const answer of answers) expect(answer).toMatchObject(UNSTORED)
  expect(waited).toBeGreaterThan(500)
  expect(waited).toBeLessThan(2_500)
  resume()
  await eventually(async () => expect(await world.send(id, '{"n":-1}')).toMatchObject(ACCEPTED))
})

test('while a database hangs no more than PENDING_BYTES_MAX waits in memory', async () => {
  const resume = database.freeze()
  const body = JSON.stringify('x'.repeat(60_000))
  const before = world.lines.length
  const answers = await Promise.all(Array.from({ length: 8 }, () => world.send(id, body)))
  for (const answer of answers) expect(answer).toMatchObject(UNSTORED)
  const told = (note: string) => world.lines.slice(before).filter((line) => line.includes(`"note":"${note}"`))
  // Three fit, and wait; for the others there is no room.
  expect(told('too many bodies are in memory')).toHaveLength(5)
  expect(told('the database did not answer in time')).toHaveLength(3)
  resume()
  await eventually(async () => expect(await world.send(id, '{"n":-1}')).toMatchObject(ACCEPTED))
})

test('requests that wait take no more memory beside their bodies than there is for it; the rest is told at once, and all is well after', async () => {
  const tight = await startEdge(
    { STORE_WAIT_MS: '20000', JOURNAL_BYTES_MAX: '0', REQUESTS_BYTES_MAX: String(REQUESTS.bytesMax) },
    ofTight,
  )
  const there = await tight.integration()
  const answers: Answer[] = []
  const send = (n: number) =>
    tight.send(there, `{"n":${n}}`, { 'x-large': 'x'.repeat(10_000) }).then((answer) => {
      answers.push(answer)
      return answer
    })
  const resume = database.freeze()
  try {
    const sent = Array.from({ length: 20 }, (_, n) => send(n))
    await eventually(() => expect(answers).toHaveLength(20 - REQUESTS.fitting))
    for (const answer of answers) expect(answer).toMatchObject(UNSTORED)
    expect(await send(20)).toMatchObject(UNSTORED)
    resume()
    const all = await Promise.all(sent)
    const held = all.filter(({ status }) => status !== 503)
    expect(held).toHaveLength(REQUESTS.fitting)
    for (const answer of held) expect(answer).toMatchObject(ACCEPTED)
    const later = await Promise.all(Array.from({ length: REQUESTS.fitting }, (_, n) => send(30 + n)))
    for (const answer of later) expect(answer).toMatchObject(ACCEPTED)
  } finally {
    resume()
    await tight.close()
  }
})

test('bodies that are still on their way count too', async () => {
  const head = `POST /integration/${id} HTTP/1.1\r\nhost: h\r\ncontent-type: text/plain\r\ncontent-length: 70000\r\n\r\n`
  const sockets = await Promise.all([1, 2, 3].map(() => openSocket(world.port)))
  const answers = sockets.map((socket) => answersOn(socket, { until: /\}$/ }))
  for (const socket of sockets) socket.write(head + 'x'.repeat(69_000))
  // Together they are more than there is room for, so one of them is sent away.
  expect(await Promise.race(answers)).toMatch(/^HTTP\/1\.1 503 /)
  for (const socket of sockets) socket.destroy()
  await eventually(async () => expect(await world.send(id, '{"n":-1}')).toMatchObject(ACCEPTED))
})

test('through a kill of the database nothing that was acknowledged is lost, and work goes on after it', async () => {
  const acked: number[] = []
  let killed = Promise.resolve()
  for (let round = 0; round < 8; round++) {
    if (round === 2) killed = database.kill9()
    acked.push(...(await send(1_000 + round * 50, 50)).acked)
    if (round === 4) await killed.then(database.restart)
  }
  await eventually(async () => expect(await world.send(id, '{"n":-1}')).toMatchObject(ACCEPTED))
  acked.push(...(await send(5_000, 50)).acked)
  expect(acked.some((n) => n < 1_100)).toBe(true)
  expect(acked.some((n) => n >= 5_000)).toBe(true)
  const kept = new Set(await stored())
  expect(acked.filter((n) => !kept.has(n))).toEqual([])
})

test('a request under way is answered while the gateway stops, and no acknowledgement is lost', async () => {
  const other = await startEdge()
  const there = await other.integration()
  const slow = await openSocket(other.port)
  const answer = answersOn(slow)
  slow.write(
    `POST /integration/${there} HTTP/1.1\r\nhost: h\r\ncontent-type: application/json\r\ncontent-length: 7\r\n\r\n{"n"`,
  )
  await new Promise((resolve) => setTimeout(resolve, 100))
  const burst = Array.from({ length: 50 }, (_, n) =>
    other.send(there, `{"n":${n}}`).then(
      (given) => (given.status === 200 ? n : undefined),
      // A connection that came too late is no acknowledgement.
      () => undefined,
    ),
  )
  await Promise.race(burst)
  const closing = other.gateway.close()
  setTimeout(() => slow.write(':9}'), 200)
  expect(await answer).toMatch(/^HTTP\/1\.1 200 [\s\S]*\{"result":true,"error":""\}$/)
  const acked = (await Promise.all(burst)).filter((n) => n !== undefined)
  await closing
  await expect(other.send(there)).rejects.toThrow()
  const rows = await other.sql`SELECT body FROM requests WHERE integration_id = ${there}`
  const kept = new Set(rows.map((row) => JSON.parse(row.body.toString()).n))
  expect(acked.filter((n) => !kept.has(n))).toEqual([])
  expect(kept).toContain(9)
  await other.close()
})
