import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { cp, mkdir, mkdtemp, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { afterEach, expect, inject, test } from 'vitest'
import { endAll, isRunning, LAUNCHER, madeHome, postmasterPid, SYSTEM_PATH, startSluice } from './sluice.ts'

afterEach(endAll)

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
  const home = await madeHome()
  const first = startSluice(home, { command: [NODE, LAUNCHER] })
  await first.ready()
  const second = startSluice(home, { command: [NODE, LAUNCHER] })
  expect(await second.ended()).toEqual({ code: 1, signal: null })
  first.signalGroup('SIGINT')
  expect(await first.ended()).toEqual({ code: 0, signal: null })
  expect(first.stdout()).toContain('"stopped"')
})

test.each(['SIGINT', 'SIGHUP'] as const)(
  'on an older Node a %s that is sent to the launcher alone drains as well',
  async (signal) => {
    const home = await madeHome()
    const sluice = startSluice(home, { command: [NODE, LAUNCHER] })
    await sluice.ready()
    const postmaster = (await postmasterPid(home)) ?? 0
    sluice.signal(signal)
    expect(await sluice.ended()).toEqual({ code: 0, signal: null })
    expect(sluice.stdout()).toContain('"stopped"')
    expect(isRunning(postmaster)).toBe(false)
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
  const home = await madeHome()
  const npm = startSluice(home, { command: ['npm', 'start'] })
  await npm.ready()
  const postmaster = (await postmasterPid(home)) ?? 0
  npm.signal('SIGTERM')
  await npm.ended()
  expect(npm.stdout()).toContain('"stopped"')
  expect(isRunning(postmaster)).toBe(false)
})

test('npm start drains after one Ctrl-C, which reaches it from the terminal and from npm', async () => {
  const home = await madeHome()
  const npm = startSluice(home, { command: ['npm', 'start'] })
  await npm.ready()
  const postmaster = (await postmasterPid(home)) ?? 0
  npm.signalGroup('SIGINT')
  await npm.ended()
  expect(npm.stdout()).toContain('"stopped"')
  expect(isRunning(postmaster)).toBe(false)
})

function findOldNode(): string | undefined {
  return SYSTEM_PATH.split(path.delimiter)
    .map((folder) => path.join(folder, 'node'))
    .filter((file) => existsSync(file))
    .find((file) => {
      const { stdout } = spawnSync(file, ['--version'], { encoding: 'utf8' })
      return Number(/^v(\d+)/.exec(stdout)?.[1] ?? 24) < 24
    })
}
