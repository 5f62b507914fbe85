import { readSettings, type Settings, SettingsError } from '../platform/settings.ts'
import { checkSettings } from './checked-settings.ts'
import type { Role } from './gateway.ts'

type Env = Record<string, string | undefined>

/**
 * Reads and checks everything that an operator can set, before anything is opened or written.
 *
 * @throws SettingsError naming all that is wrong, whoever finds it.
 */
export function readAllSettings(env: Env, role: Role): Settings {
  const problems = [
    ...problemsOf(() => readSettings(env)),
    ...problemsOf(() => checkSettings(withMeanings(env))),
    ...roleProblems(env, role),
  ]
  if (problems.length > 0) throw new SettingsError(problems)
  return readSettings(env)
}

/** Defaults with those of `env` whose meaning the rooms check: these can be read whatever else is wrong. */
function withMeanings(env: Env): Settings {
  const { RETRIEVE_ALLOWED_LIST, TRUSTED_PROXIES, OUTBOUND_ALLOWED, DNS_SERVERS } = env
  const lists = { RETRIEVE_ALLOWED_LIST, TRUSTED_PROXIES, OUTBOUND_ALLOWED, DNS_SERVERS }
  const { BASE_DOMAIN, TLS_CERT, TLS_KEY, TLS_CLIENT_CA, CLIENT_CERT_HEADER } = env
  const texts = { BASE_DOMAIN, TLS_CERT, TLS_KEY, TLS_CLIENT_CA, CLIENT_CERT_HEADER }
  return { ...readSettings({ ...lists, ...texts }), REDIS_URL: env.REDIS_URL?.trim() ?? '' }
}

function roleProblems(env: Env, role: Role): string[] {
  if (role === 'all') return []
  const reasons = {
    DATABASE_URL: 'an edge and a worker share a database, and the embedded one serves one process',
    REDIS_URL: 'an edge and a worker share a queue, and the one in process serves one process',
  }
  return Object.entries(reasons)
    .filter(([name]) => (env[name]?.trim() ?? '') === '')
    .map(([name, reason]) => `--role ${role} needs ${name}: ${reason}`)
}

function problemsOf(read: () => unknown): string[] {
  try {
    read()
    return []
  } catch (error) {
    if (error instanceof SettingsError) return error.problems
    throw error
  }
}
