import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { cp, mkdir, mkdtemp, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { afterAll, afterEach, beforeAll, expect, inject, test } from 'vitest'
import { freshDatabase } from '../world/database.ts'
import { eventually } from '../world/eventually.ts'
import { MASTER_KEY } from '../world/gateway.ts'
import {
  endAll,
  isRunning,
  LAUNCHER,
  madeHome,
  newHome,
  postmasterPid,
  runSluice,
  type Sluice,
  SYSTEM_PATH,
  startSluice,
} from './sluice.ts'

const READY_WITHIN_MS = 60_000

let database: Awaited<ReturnType<typeof freshDatabase>>
beforeAll(async () => {
  database = await freshDatabase()
})
afterEach(endAll)
afterAll(() => database?.drop())

const OLD_NODE = findOldNode()
if (!OLD_NODE)
  console.warn('There is no Node older than 24 on the PATH: the launcher is tested on this Node only')
const NODE = OLD_NODE ?? process.execPath

test('on an older Node the launcher finds Node 24, passes SIGTERM on and ends with the same code', async () => {
  const home = await madeHome()
  const sluice = startSluice(home, { command: [NODE, LAUNCHER] })
  await sluice.ready()
  const postmaster = (await postmasterPid(home)) ?? 0
  sluice.signal('SIGTERM')
  expect(await sluice.ended()).toEqual({ code: 0, signal: null })
  expect(sluice.stdout()).toContain('"stopped"')
  expect(isRunning(postmaster)).toBe(false)
})

test('on an older Node Ctrl-C drains as well, and an exit code comes through', async () => {
  const sluice = await startServing([NODE, LAUNCHER])
  sluice.signalGroup('SIGINT')
  expect(await sluice.ended()).toEqual({ code: 0, signal: null })
  expect(sluice.stdout()).toContain('"stopped"')
  const refused = await runSluice(['start', '--role', 'edge'], {
    command: [NODE, LAUNCHER, 'start', '--role', 'edge'],
  })
  expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining('needs DATABASE_URL') })
})

test.each(['SIGINT', 'SIGHUP'] as const)(
  'on an older Node a %s that is sent to the launcher alone drains as well',
  async (signal) => {
    const sluice = await startServing([NODE, LAUNCHER])
    sluice.signal(signal)
    expect(await sluice.ended()).toEqual({ code: 0, signal: null })
    expect(sluice.stdout()).toContain('"stopped"')
  },
)

test('without a Node 24 it says in one sentence what to do', async () => {
  const folder = await mkdtemp(path.join(inject('scratch'), 'launcher-'))
  await mkdir(path.join(folder, 'bin'))
  await writeFile(path.join(folder, 'package.json'), '{"type":"module"}')
  await cp(LAUNCHER, path.join(folder, 'bin/sluice.js'))
  const sluice = startSluice(folder, { command: [NODE, path.join(folder, 'bin/sluice.js')], cwd: folder })
  expect(await sluice.ended()).toEqual({ code: 1, signal: null })
  if (OLD_NODE) {
    expect(sluice.stderr()).toMatch(
      /^sluice: this is Node .*, and Node 24 is needed; run npm ci to get it\n$/,
    )
  }
})

test('npm start stops in order when npm is told to stop', async () => {
  const npm = await startServing(['npm', 'start'])
  npm.signal('SIGTERM')
  await npm.ended()
  expect(npm.stdout()).toContain('"stopped"')
})

test('npm start drains after one Ctrl-C, which reaches it from the terminal and from npm', async () => {
  const npm = await startServing(['npm', 'start'])
  npm.signalGroup('SIGINT')
  await npm.ended()
  expect(npm.stdout()).toContain('"stopped"')
})

/** Resolves when it serves: on a database that is there, as its own takes longer to start than all the rest. */
async function startServing(command: string[]): Promise<Sluice> {
  const env = { DATABASE_URL: database.url, SLUICE_MASTER_KEY: MASTER_KEY, STOP_NOTICE_MS: '0' }
  const sluice = startSluice(await newHome(), { command, env })
  await eventually(() => expect(sluice.stdout()).toContain('"msg":"ready"'), READY_WITHIN_MS)
  return sluice
}

function findOldNode(): string | undefined {
  return SYSTEM_PATH.split(path.delimiter)
    .map((folder) => path.join(folder, 'node'))
    .filter((file) => existsSync(file))
    .find((file) => {
      const { stdout } = spawnSync(file, ['--version'], { encoding: 'utf8' })
      return Number(/^v(\d+)/.exec(stdout)?.[1] ?? 24) < 24
    })
}
