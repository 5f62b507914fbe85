import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile, stat, utimes, writeFile } from 'node:fs/promises'
import path from 'node:path'
import postgres from 'postgres'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import {
  cleanUp,
  eventually,
  madeHome,
  newHome,
  query,
  type Started,
  serverPid,
  start,
  untilEnded,
} from './embedded-postgres-starts.ts'

describe('when Sluice is killed', () => {
  afterEach(cleanUp)

  test('the server that lives on is taken over', async () => {
    const home = await madeHome()
    const first = start(home)
    const url = await first.url()
    const pid = await serverPid(home)
    await first.kill9()
    const second = start(home)
    expect(await second.url()).toBe(url)
    expect(await serverPid(home)).toBe(pid)
    await second.stop()
    await untilEnded(pid)
  })

  test('and the server too, as by a loss of power, the data is there again', async () => {
    const home = await madeHome()
    const first = start(home)
    await query(await first.url(), 'CREATE TABLE kept ()')
    const pid = await serverPid(home)
    await first.kill9()
    process.kill(pid, 'SIGKILL')
    expect(await query(await start(home).url(), 'SELECT * FROM kept')).toEqual([])
  })

  test('a lock file whose process id belongs to another program by now does not block', async () => {
    const home = await madeHome()
    const first = start(home)
    await query(await first.url(), 'CREATE TABLE kept ()')
    const file = path.join(home, 'postgres/data/postmaster.pid')
    const text = await readFile(file, 'utf8')
    await first.stop()
    const stranger = await startStranger(home)
    try {
      await writeFile(file, text.replace(/^\d+/, String(stranger.pid)))
      expect(await query(await start(home).url(), 'SELECT * FROM kept')).toEqual([])
      expect(stranger.exitCode).toBeNull()
    } finally {
      stranger.kill('SIGKILL')
    }
  })

  test('an empty lock file that a crash of the machine left does not block', async () => {
    const home = await madeHome()
    const first = start(home)
    await query(await first.url(), 'CREATE TABLE kept ()')
    await first.stop()
    const file = path.join(home, 'postgres/data/postmaster.pid')
    await writeFile(file, '')
    const long = new Date(Date.now() - 60_000)
    await utimes(file, long, long)
    expect(await query(await start(home).url(), 'SELECT * FROM kept')).toEqual([])
  })
})

describe('a second Sluice on the same home', () => {
  afterEach(cleanUp)

  test('that starts at the same moment: exactly one wins, on a new home and on an old one', async () => {
    const home = await newHome()
    for (let round = 0; round < 3; round++) {
      const both = [start(home), start(home)]
      const told = await Promise.all(both.map((one) => one.fact((fact) => fact.url ?? fact.refused)))
      const winner = both[told.findIndex((fact) => fact.url !== undefined)]
      expect(told.filter((fact) => fact.url !== undefined)).toHaveLength(1)
      expect(told.find((fact) => fact.refused)?.refused).toContain(`Another Sluice (process ${winner?.pid})`)
      await query((await winner?.url()) ?? '', 'SELECT 1')
      await winner?.stop()
    }
  })

  test('that starts while the first is stopping never gets a server that is about to go', async () => {
    const home = await madeHome()
    const first = start(home)
    await first.url()
    const stopped = first.stop()
    const second = await persist(home)
    await stopped
    await query(await second.url(), 'SELECT 1')
    expect(second.facts.some((fact) => fact.loss)).toBe(false)
  })
})

/** One Sluice for all of them: what befalls its server is counted from where it was before. */
describe('while Sluice runs', () => {
  let home: string
  let started: Started
  let url: string
  beforeAll(async () => {
    home = await madeHome()
    started = start(home)
    url = await started.url()
    await query(url, 'CREATE TABLE kept ()')
  })
  afterAll(cleanUp)

  const losses = () => started.facts.filter((fact) => fact.loss)
  const regained = () => started.facts.filter((fact) => fact.regained).length

  test('a second one on the same home is refused with a sentence that names the first, which goes on', async () => {
    const { refused, name } = await start(home).fact((fact) => fact.refused)
    expect(refused).toContain(`Another Sluice (process ${started.pid}) already works on ${home}:`)
    expect(name).toBe('SettingsError')
    await query(url, 'SELECT 1')
    expect(losses()).toEqual([])
  })

  test('Ctrl-C in the terminal does not reach the server', async () => {
    const sql = postgres(url, { max: 1 })
    await sql`SELECT 1`
    process.kill(-started.pid, 'SIGINT')
    await started.fact((fact) => fact.signal)
    // A server that was told to stop fast would have ended this session.
    await sql`SELECT pg_sleep(0.2)`
    await sql.end()
    expect(losses()).toEqual([])
  })

  test('a lost lock is told and taken again', async () => {
    const pid = await serverPid(home)
    await query(url, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE ${IS_LOCK_SESSION}`)
    await started.fact((fact) => fact.loss && !fact.loss.isFinal)
    await started.fact((fact) => fact.regained)
    expect(await serverPid(home)).toBe(pid)
    expect((await start(home).fact((fact) => fact.refused)).refused).toContain(`process ${started.pid}`)
  })

  test('a server that is stopped by hand comes back', async () => {
    const before = regained()
    const pid = await serverPid(home)
    process.kill(pid, 'SIGTERM')
    process.kill(pid, 'SIGINT')
    await eventually(() => regained() > before || null)
    expect(await query(url, 'SELECT * FROM kept')).toEqual([])
  })

  test('a server that is killed comes back under the same address, with the data, twice', async () => {
    const before = { losses: losses().length, regained: regained() }
    for (let times = 1; times <= 2; times++) {
      process.kill(await serverPid(home), 'SIGKILL')
      await eventually(() => regained() === before.regained + times || null)
      expect(losses()).toHaveLength(before.losses + times)
      expect(losses().filter(({ loss }) => loss?.isFinal)).toEqual([])
      expect(await query(url, 'SELECT * FROM kept')).toEqual([])
    }
    expect((await start(home).fact((fact) => fact.refused)).refused).toContain(`process ${started.pid}`)
    const pid = await serverPid(home)
    await started.stop()
    await untilEnded(pid)
  })
})

describe('as one Sluice follows another', () => {
  afterEach(cleanUp)

  test('a lock that another Sluice got meanwhile is lost for good, and the server is left to that one', async () => {
    const home = await madeHome()
    const started = start(home)
    const url = await started.url()
    const rival = postgres(url.replace(/sluice$/, 'postgres'), {
      max: 1,
      connection: { application_name: `sluice home lock, process ${process.pid}` },
    })
    const locked = rival`SELECT pg_advisory_lock(7583, 1)`.execute()
    await eventually(async () => (await query(url, 'SELECT 1 FROM pg_locks WHERE NOT granted'))[0])
    await query(
      url,
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
       WHERE ${IS_LOCK_SESSION} AND application_name LIKE '% ${started.pid}'`,
    )
    await locked
    const { loss } = await started.fact((fact) => fact.loss?.isFinal)
    expect(loss?.sentence).toContain(`Another Sluice (process ${process.pid})`)
    await started.stop()
    await rival`SELECT 1`
    await rival.end()
  })

  test('the log of the server stays readable over a restart and does not grow for ever', async () => {
    const home = await madeHome()
    const first = start(home)
    await first.url()
    await first.stop()
    const log = path.join(home, 'postgres/postgres.log')
    await writeFile(log, Buffer.alloc(5 * 1024 * 1024, 'x'))
    await start(home).url()
    expect((await stat(log)).size).toBeLessThan(100_000)
  })
})

const IS_LOCK_SESSION = `application_name LIKE 'sluice home lock, process %'`

/** A program that has nothing to do with PostgreSQL but runs as the user that PostgreSQL runs as. */
async function startStranger(home: string): Promise<ChildProcess> {
  const { uid, gid } = await stat(path.join(home, 'postgres/data'))
  const stranger = spawn('sleep', ['60'], { stdio: 'ignore', uid, gid, cwd: '/' })
  await once(stranger, 'spawn')
  return stranger
}

/** Starts Sluice again and again until it is not refused. */
async function persist(home: string): Promise<Started> {
  return eventually(async () => {
    const started = start(home)
    const told = await started.fact((fact) => fact.url ?? fact.refused)
    if (told.refused) expect(told.refused).toContain('Another Sluice')
    return told.url ? started : null
  })
}
