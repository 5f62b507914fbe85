import { spawnSync } from 'node:child_process'
import { accessSync, constants, existsSync } from 'node:fs'
import path from 'node:path'

const INSTALL_TRIES_MAX = 3
const INSTALL_PAUSE_MS = 3_000

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
    const failure = aptGet(searchPath, ['install', '-y', '--no-install-recommends', name])
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

function aptGet(searchPath: string, args: string[]): string {
  const { error, stderr } = spawnSync('apt-get', ['-qq', '-o', 'DPkg::Lock::Timeout=120', ...args], {
    encoding: 'utf8',
    // In runlevel 1 the package does not start its own server, for which nobody asked.
    env: { ...process.env, PATH: searchPath, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  return error?.message ?? stderr.trim().split('\n').slice(-3).join(' ')
}
