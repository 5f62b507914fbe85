import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chmod, chown, mkdir, mkdtemp, open, readFile, rename, rm, stat } from 'node:fs/promises'
import path from 'node:path'
import { SettingsError } from '../settings.ts'
import type { Binaries } from './binaries.ts'
import { giveTo } from './ownership.ts'
import { programEnvironment, type Runner } from './runner.ts'
import { removeAbandoned, temporaryPrefix } from './temporary-folder.ts'

/** A place on disk and the programs that work on it. */
export interface Place {
  /** `<home>/postgres`, a real path: data, password and log live and move together. */
  folder: string
  data: string
  logFile: string
  binaries: Binaries
  runner: Runner
  searchPath: string
}

export const SUPERUSER = 'sluice'

export function clusterFolder(home: string): { folder: string; data: string; logFile: string } {
  const folder = path.join(home, 'postgres')
  return { folder, data: path.join(folder, 'data'), logFile: path.join(folder, 'postgres.log') }
}

/**
 * Gives the password of the cluster in `place`, after making the cluster if there is none. It is made beside its place
 * and moved there when complete, so a kill at any moment leaves either nothing or a whole cluster.
 *
 * @throws SettingsError when the data there is of another version, incomplete or unreadable.
 */
export async function openCluster(place: Place): Promise<{ password: string; isNew: boolean }> {
  await removeAbandoned(path.dirname(place.folder))
  const exists = (await stat(place.folder).catch(() => null)) !== null
  if (!exists) await makeCluster(place)
  await checkVersion(place)
  const password = await readFile(path.join(place.folder, 'password'), 'utf8').catch((error) => {
    throw new SettingsError([
      `The password of the embedded PostgreSQL cannot be read (${error.code}): ${place.folder}/password`,
    ])
  })
  return { password: password.trim(), isNew: !exists }
}

async function makeCluster(place: Place): Promise<void> {
  const home = path.dirname(place.folder)
  const building = await mkdtemp(temporaryPrefix(home))
  try {
    await chmod(building, 0o711)
    const password = randomBytes(24).toString('base64url')
    await writeSecret(path.join(building, 'password'), password)
    await initialize(place, building, password)
    await flushFolder(building)
    await rename(building, place.folder).catch((error: NodeJS.ErrnoException) => {
      // Another Sluice that started at the same moment was faster; its cluster is as good.
      if (error.code !== 'ENOTEMPTY' && error.code !== 'EEXIST') throw error
    })
    await flushFolder(home)
  } finally {
    await rm(building, { recursive: true, force: true })
  }
}

async function initialize(place: Place, building: string, password: string): Promise<void> {
  const { owner } = place.runner
  // initdb must be able to read the password, so its owner gets a copy for as long as it runs.
  const handover = path.join(building, 'handover')
  await writeSecret(handover, password)
  const data = path.join(building, 'data')
  for (const locale of ['C.UTF-8', 'C']) {
    await rm(data, { recursive: true, force: true })
    await mkdir(data, { mode: 0o700 })
    if (owner) {
      await giveTo(data, owner)
      await chown(handover, owner.uid, owner.gid)
    }
    const failure = await runInitdb(place, data, handover, locale)
    if (failure === null) break
    const isMissingLocale = locale !== 'C' && /invalid locale/i.test(failure)
    if (!isMissingLocale)
      throw new SettingsError([`The embedded PostgreSQL could not make its database: ${failure}`])
  }
  await rm(handover)
}

/** @returns what initdb complained about, or null when it succeeded. */
function runInitdb(place: Place, data: string, passwordFile: string, locale: string): Promise<string | null> {
  const [command = '', ...args] = [
    ...place.runner.prefix,
    place.binaries.initdb,
    ...['-D', data, `--username=${SUPERUSER}`, `--pwfile=${passwordFile}`, '--auth=scram-sha-256'],
    ...['--encoding=UTF8', `--locale=${locale}`, '--no-instructions'],
    // Many rounds would make each new connection slow, and guard only passwords that can be guessed.
    '--set=scram_iterations=1',
  ]
  return new Promise((resolve) => {
    // In a process group of its own, so that Ctrl-C in the terminal waits for Sluice to decide.
    const child = spawn(command, args, {
      cwd: '/',
      env: programEnvironment(place.searchPath),
      detached: true,
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    let complaint = ''
    child.stderr.on('data', (chunk) => {
      complaint = (complaint + chunk).slice(-4_000)
    })
    child.once('error', (error) => resolve(error.message))
    child.once('close', (code) =>
      resolve(code === 0 ? null : complaint.trim() || `initdb ended with ${code}`),
    )
  })
}

async function checkVersion({ data, folder, runner }: Place): Promise<void> {
  const found = (await readFile(path.join(data, 'PG_VERSION'), 'utf8').catch(() => '')).trim()
  const ours = runner.version.split('.')[0]
  if (found === ours) return
  throw new SettingsError([
    found === ''
      ? `${folder} exists but holds no PostgreSQL data that can be read: move it away to start anew, or set SLUICE_HOME`
      : `The data in ${folder} was written by PostgreSQL ${found}, and this Sluice brings PostgreSQL ${ours}: ` +
        `dump it with the Sluice that wrote it and load it into a new one, or set DATABASE_URL to a PostgreSQL ${found}`,
  ])
}

async function writeSecret(file: string, secret: string): Promise<void> {
  const handle = await open(file, 'wx', 0o600)
  try {
    await handle.writeFile(`${secret}\n`)
    await handle.sync()
  } finally {
    await handle.close()
  }
}

async function flushFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r')
  await handle.sync().finally(() => handle.close())
}
