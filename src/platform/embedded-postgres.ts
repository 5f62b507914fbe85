import { access, constants, mkdir, realpath } from 'node:fs/promises'
import { findBinaries } from './embedded-postgres/binaries.ts'
import { type BringUpOptions, bringUp, type Standing, urlOf } from './embedded-postgres/bring-up.ts'
import { clusterFolder, openCluster, type Place } from './embedded-postgres/cluster.ts'
import { stopPostmaster } from './embedded-postgres/postmaster.ts'
import { chooseRunner } from './embedded-postgres/runner.ts'
import { supervise, type Watchers } from './embedded-postgres/supervise.ts'
import { connectPostgres } from './postgres.ts'
import { SettingsError } from './settings.ts'

export type { Loss } from './embedded-postgres/supervise.ts'

export interface EmbeddedPostgresOptions extends Watchers {
  /** `SLUICE_HOME`: the cluster lies in `postgres/` below it. Made when missing. */
  home: string
  /** Server settings beside those that Sluice insists on. */
  settings?: Record<string, string>
  /** Where `sh`, `setpriv` and `unshare` are looked for. */
  searchPath?: string
}

export interface EmbeddedPostgres {
  /** Holds until `close`, also across a restart of the server. */
  url: string
  /** Stops the server: to be called when nobody needs the database any more. */
  close(): Promise<void>
}

const DATABASE = 'sluice'
const SYSTEM_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/**
 * Runs a PostgreSQL of Sluice's own under its home folder: made on the first start, found again on every later one,
 * also after a kill of either of them. While it runs no second Sluice gets in, and a server that dies is started again
 * under the same address.
 *
 * @throws SettingsError with a sentence for the operator when that is not possible here, or another Sluice is at work.
 */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const place = await findPlace(options.home, options.searchPath ?? SYSTEM_PATH)
  const { password, isNew } = await openCluster(place)
  const bringUpOptions = { password, holder: process.pid, settings: options.settings ?? {} }
  const standing = await standUp(place, bringUpOptions)
  const { pid, port, isAdopted } = standing
  options.log.info({ pid, port, folder: place.folder }, describeStart(isNew, isAdopted))
  try {
    await makeDatabase(urlOf(password, port, 'postgres'))
  } catch (error) {
    await stopPostmaster(place.data, pid)
    await standing.lock.release()
    throw error
  }
  const { close } = supervise(place, standing, bringUpOptions, options)
  return { url: urlOf(password, port, DATABASE), close }
}

/** The cluster's place below `home`, and the way to run PostgreSQL there. */
export async function findPlace(home: string, searchPath = SYSTEM_PATH): Promise<Place> {
  const binaries = await findBinaries(process.platform, process.arch)
  const realHome = await makeHome(home)
  const { folder, data, logFile } = clusterFolder(realHome)
  const runner = await chooseRunner({
    initdb: binaries.initdb,
    folder: realHome,
    data,
    uid: process.getuid?.() ?? -1,
    searchPath,
  })
  return { folder, data, logFile, binaries, runner, searchPath }
}

async function makeHome(home: string): Promise<string> {
  try {
    // Others may pass through it but see nothing: the user that PostgreSQL runs as under root must reach its data.
    await mkdir(home, { recursive: true, mode: 0o711 })
    // The server is recognised by the real path of its data, whatever link or relative path led here.
    const real = await realpath(home)
    await access(real, constants.R_OK | constants.W_OK | constants.X_OK)
    return real
  } catch (error) {
    throw new SettingsError([`SLUICE_HOME cannot be used: ${(error as Error).message}`])
  }
}

async function standUp(place: Place, options: BringUpOptions): Promise<Standing> {
  const result = await bringUp(place, options)
  if ('lock' in result) return result
  if ('taken' in result) throw new SettingsError([result.taken])
  throw new SettingsError([
    `The embedded PostgreSQL in ${place.folder} did not start: ${result.failure} (more in ${place.logFile})`,
  ])
}

async function makeDatabase(adminUrl: string): Promise<void> {
  const sql = connectPostgres(adminUrl, { connectionsMax: 1, applicationName: 'sluice setup' })
  try {
    const found = await sql`SELECT 1 FROM pg_database WHERE datname = ${DATABASE}`
    if (found.length === 0) await sql`CREATE DATABASE ${sql(DATABASE)}`
  } finally {
    await sql.end({ timeout: 5 })
  }
}

function describeStart(isNew: boolean, isAdopted: boolean): string {
  if (isNew) return 'The embedded PostgreSQL was made and runs'
  return isAdopted ? 'The embedded PostgreSQL still ran and was taken over' : 'The embedded PostgreSQL runs'
}
