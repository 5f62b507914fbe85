import { mkdir, mkdtemp, readdir, readlink, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { findBinaries, linkLibraries } from '../../src/platform/embedded-postgres/binaries.ts'
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

describe('a first start', () => {
  let home: string
  let first: Started
  let url: string
  beforeAll(async () => {
    home = await newHome()
    // The environment of it names no language.
    first = start(home)
    url = await first.url()
  })

  test('makes a database in UTF-8, whatever language the machine names', async () => {
    const [row] = await query(
      url,
      `SELECT pg_encoding_to_char(encoding) AS encoding, datcollate, datctype, current_setting('lc_messages') AS lc_messages
       FROM pg_database WHERE datname = current_database()`,
    )
    expect(row?.encoding).toBe('UTF8')
    expect(row?.datcollate).toMatch(/^C(\.UTF-8)?$/)
    expect(row?.datctype).toBe(row?.datcollate)
  })

  test('makes one whose commits are durable, and where only this machine gets in, with the password', async () => {
    // What somebody writes into the server's own files does not make it forget.
    await query(url, 'ALTER SYSTEM SET synchronous_commit = off')
    await query(url, 'SELECT pg_reload_conf()')
    const [row] = await query(
      url,
      `SELECT current_setting('fsync') || current_setting('synchronous_commit') || current_setting('full_page_writes') AS on3,
              current_setting('listen_addresses') AS addresses, current_setting('unix_socket_directories') AS sockets,
              current_setting('password_encryption') AS encryption`,
    )
    expect(row).toEqual({ on3: 'ononon', addresses: '127.0.0.1', sockets: '', encryption: 'scram-sha-256' })

    const address = new URL(url)
    expect(address.hostname).toBe('127.0.0.1')
    expect(address.password.length).toBeGreaterThanOrEqual(32)
    address.password = 'sluice'
    await expect(query(address.href, 'SELECT 1')).rejects.toMatchObject({ code: '28P01' })
    for (const secret of ['password', 'postgres.log']) {
      expect((await stat(path.join(home, 'postgres', secret))).mode & 0o777).toBe(0o600)
    }
    expect((await stat(path.join(home, 'postgres/data'))).mode & 0o777).toBe(0o700)
  })

  test('is ended by a stop, and the second start finds what was written', async () => {
    await query(url, `CREATE TABLE kept (word text); INSERT INTO kept VALUES ('żółć 🦆')`)
    const pid = await serverPid(home)
    await first.stop()
    await untilEnded(pid)
    expect(first.facts.at(-1)).toEqual({ closed: true })

    const second = start(home)
    expect(await query(await second.url(), 'SELECT word FROM kept')).toEqual([{ word: 'żółć 🦆' }])
  })

  afterAll(cleanUp)
})

describe('the embedded PostgreSQL', () => {
  afterEach(cleanUp)

  test('a path with spaces, quotes and letters of other alphabets is as good as any', async () => {
    const home = await newHome('so me', `l'été "ß" 水`)
    const first = start(home)
    await query(await first.url(), 'CREATE TABLE kept ()')
    await first.kill9()
    const second = start(home)
    expect(await query(await second.url(), 'SELECT * FROM kept')).toEqual([])
    await second.fact((fact) => fact.log?.includes('taken over'))
  })

  test('a relative or linked home is the same home', async () => {
    const home = await madeHome()
    const first = start(home)
    const url = await first.url()
    await first.kill9()
    const second = start(path.relative(process.cwd(), home))
    expect(await second.url()).toBe(url)
  })

  test('a kill in the middle of the first start leaves nothing that stops the next, which removes what was left', async () => {
    const home = await newHome()
    const first = start(home)
    await eventually(async () => {
      const building = (await readdir(home).catch(() => [])).find((name) => name.startsWith('postgres.new-'))
      return building && (await stat(path.join(home, building, 'data/base')).catch(() => null))
    })
    await first.kill9()
    expect(await readdir(home)).not.toContain('postgres')
    // And one of long ago.
    const left = path.join(home, 'postgres.new-4194999-abc')
    await mkdir(path.join(left, 'data'), { recursive: true })
    await writeFile(path.join(left, 'data', 'PG_VERSION'), '18\n')
    await query(await start(home).url(), 'SELECT 1')
    expect(await readdir(home)).toEqual(['postgres'])
  })

  test('data of an older PostgreSQL is refused with a sentence that names both versions', async () => {
    const home = await newHome()
    await mkdir(path.join(home, 'postgres/data'), { recursive: true })
    await writeFile(path.join(home, 'postgres/data/PG_VERSION'), '16\n')
    const { refused, name } = await start(home).fact((fact) => fact.refused)
    expect(name).toBe('SettingsError')
    expect(refused).toMatch(/was written by PostgreSQL 16, and this Sluice brings PostgreSQL 18:/)
  })

  test('a system without a PostgreSQL in npm is told to set DATABASE_URL', async () => {
    await expect(findBinaries('win32', 'x64')).rejects.toThrow(
      'The embedded PostgreSQL does not run on Windows: set DATABASE_URL to a PostgreSQL of your own',
    )
    await expect(findBinaries('sunos', 'x64')).rejects.toThrow(/sunos on x64: set DATABASE_URL/)
  })

  test('library links are made where install scripts did not run', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'sluice-links-'))
    try {
      await mkdir(path.join(folder, 'native/lib'), { recursive: true })
      await writeFile(path.join(folder, 'native/lib/libpq.so.5.18'), '')
      const links = ['libpq.so', 'libpq.so.5'].map((name) => ({
        source: 'native/lib/libpq.so.5.18',
        target: `native/lib/${name}`,
      }))
      await writeFile(path.join(folder, 'native/pg-symlinks.json'), JSON.stringify(links))
      await linkLibraries(folder)
      await linkLibraries(folder)
      expect(await readlink(path.join(folder, 'native/lib/libpq.so.5'))).toBe('libpq.so.5.18')
      expect((await stat(path.join(folder, 'native/lib/libpq.so'))).isFile()).toBe(true)
    } finally {
      await rm(folder, { recursive: true })
    }
  })
})
