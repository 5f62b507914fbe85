import { execFile } from 'node:child_process'
import { chown, mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { promisify } from 'node:util'
import { SettingsError } from '../settings.ts'
import { temporaryPrefix } from './temporary-folder.ts'

/** How a PostgreSQL program is started here; PostgreSQL refuses to run as root. */
export interface Runner {
  /** Words that stand before the program's own. */
  prefix: string[]
  /** Who must own the data directory; null leaves it to whoever creates it. */
  owner: Owner | null
  /** `18.4`, as the program itself says. */
  version: string
}

export interface Owner {
  uid: number
  gid: number
}

export interface RunnerOptions {
  initdb: string
  /** Where the cluster is or will be; every folder above it must let the runner pass. */
  folder: string
  /** The data directory if there is one already: its owner goes on owning it. */
  data: string
  uid: number
  /** Where `setpriv`, `unshare` and `sh` are looked for. */
  searchPath: string
}

const NOBODY: Owner = { uid: 65_534, gid: 65_534 }
const PROBE_TIMEOUT_MS = 20_000

/**
 * Finds the way to run PostgreSQL that works on this machine, by trying: an ordinary user just runs it; root first
 * becomes another user, then that user with the right to pass closed folders, then itself under another name.
 *
 * @throws SettingsError when no way works.
 */
export async function chooseRunner(options: RunnerOptions): Promise<Runner> {
  const failures: string[] = []
  for (const candidate of await candidates(options)) {
    const probed = await probe(candidate, options)
    if ('version' in probed) return { ...candidate, version: probed.version }
    failures.push(`${candidate.prefix[0] ?? 'directly'}: ${probed.failure}`)
  }
  throw new SettingsError([
    `The embedded PostgreSQL cannot run here (${failures.join('; ')}): ` +
      `${options.uid === 0 ? 'start Sluice as an ordinary user, or ' : ''}set DATABASE_URL`,
  ])
}

/** The environment of every PostgreSQL program: the locale of the machine must not decide the encoding of the data. */
export function programEnvironment(searchPath: string): Record<string, string> {
  return { PATH: searchPath, LC_ALL: 'C' }
}

type Candidate = Omit<Runner, 'version'>

async function candidates(options: RunnerOptions): Promise<Candidate[]> {
  if (options.uid !== 0) return [{ prefix: [], owner: null }]
  const owner = await futureOwner(options.data)
  const become = ['setpriv', `--reuid=${owner.uid}`, `--regid=${owner.gid}`, '--clear-groups']
  // With that security bit, `access(2)`, by which PostgreSQL looks at its own files, counts the right too.
  const pass = ['--securebits=+no_setuid_fixup', '--inh-caps=+dac_override', '--ambient-caps=+dac_override']
  const rename = ['unshare', '-U', `--map-user=${NOBODY.uid}`, `--map-group=${NOBODY.gid}`]
  return [
    { prefix: [...become, '--'], owner },
    { prefix: [...become, ...pass, '--'], owner },
    // Outside its namespace the process stays root, so root must own the data.
    { prefix: [...rename, '--'], owner: { uid: 0, gid: 0 } },
  ]
}

async function futureOwner(data: string): Promise<Owner> {
  const present = await stat(data).catch(() => null)
  if (present && present.uid !== 0) return { uid: present.uid, gid: present.gid }
  const accounts = await readFile('/etc/passwd', 'utf8').catch(() => '')
  const account = /^postgres:[^:]*:(\d+):(\d+):/m.exec(accounts)
  return account ? { uid: Number(account[1]), gid: Number(account[2]) } : NOBODY
}

/**
 * Writes into a folder of that owner beside the data and lets `initdb` look for all it needs: what works there works for
 * the data.
 */
async function probe(
  { prefix, owner }: Candidate,
  { initdb, folder, searchPath }: RunnerOptions,
): Promise<{ version: string } | { failure: string }> {
  const own = await mkdtemp(temporaryPrefix(folder))
  try {
    if (owner) await chown(own, owner.uid, owner.gid)
    const [command = 'sh', ...args] = [
      ...prefix,
      'sh',
      '-c',
      'cd -- "$1" && : > written && exec "$2" --show -D "$1/data"',
      'sh',
      own,
      initdb,
    ]
    const { stderr } = await promisify(execFile)(command, args, {
      cwd: '/',
      env: programEnvironment(searchPath),
      timeout: PROBE_TIMEOUT_MS,
    })
    const version = /^VERSION=(\d+(\.\d+)?)/m.exec(stderr)?.[1]
    return version ? { version } : { failure: `no version in "${stderr.trim()}"` }
  } catch (error) {
    return { failure: failureOf(error) }
  } finally {
    await rm(own, { recursive: true, force: true })
  }
}

function failureOf(error: unknown): string {
  const stderr = (error as { stderr?: unknown }).stderr
  const said = typeof stderr === 'string' ? stderr.trim().split('\n').at(-1) : ''
  return said || (error instanceof Error ? error.message : String(error))
}
