import { spawnSync } from 'node:child_process'
import { accessSync, constants, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'

const INSTALL_TRIES_MAX = 3
const INSTALL_PAUSE_MS = 3_000
/** Asked by Debian before a package starts its own server: 101 forbids it. */
const SERVICE_POLICY = '/usr/sbin/policy-rc.d'
const NO_SERVICES =
  '#!/bin/sh\n# Written by the tests of Sluice while they install a package, and removed after it.\nexit 101\n'

/** The first program of these names on the search path, or null. */
export function findProgram(names: string[], searchPath: string): string | null {
  const folders = searchPath.split(path.delimiter).filter((folder) => folder !== '')
  const files = names.flatMap((name) => folders.map((folder) => path.join(folder, name)))
  return files.find(isExecutable) ?? null
}

/**
 * Installs a Debian package where that is possible, and says so.
 *
 * @param find looks for its program
 */
export function installPackage(
  name: string,
  what: string,
  searchPath: string,
  find: () => string | null,
): string | null {
  const isPossible =
    process.getuid?.() === 0 &&
    existsSync('/etc/debian_version') &&
    findProgram(['apt-get'], searchPath) !== null
  if (!isPossible) return null
  console.warn(`The tests need ${what} and there is none: installing the Debian package ${name} with apt-get`)
  for (let tries = 0; tries < INSTALL_TRIES_MAX; tries++) {
    // Another run of the suite may hold apt's lists at this moment; what matters is whether the package gets there.
    aptGet(searchPath, ['update'])
    const failure = withoutServices(() =>
      aptGet(searchPath, ['install', '-y', '--no-install-recommends', name]),
    )
    const found = find()
    if (found) return found
    console.warn(`apt-get could not install ${name}: ${failure}`)
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, INSTALL_PAUSE_MS)
  }
  return null
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    return false
  }
}

/** The tests start servers of their own; one of the system nobody asked for. A policy that is there already stays. */
function withoutServices<T>(install: () => T): T {
  try {
    writeFileSync(SERVICE_POLICY, NO_SERVICES, { mode: 0o755, flag: 'wx' })
  } catch {
    // Ours is one that a killed run left behind.
    const isOurs = existsSync(SERVICE_POLICY) && readFileSync(SERVICE_POLICY, 'utf8') === NO_SERVICES
    if (!isOurs) return install()
  }
  try {
    return install()
  } finally {
    rmSync(SERVICE_POLICY, { force: true })
  }
}

function aptGet(searchPath: string, args: string[]): string {
  const { error, stderr } = spawnSync('apt-get', ['-qq', '-o', 'DPkg::Lock::Timeout=120', ...args], {
    encoding: 'utf8',
    env: { ...process.env, PATH: searchPath, DEBIAN_FRONTEND: 'noninteractive' },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  return error?.message ?? stderr.trim().split('\n').slice(-3).join(' ')
}
