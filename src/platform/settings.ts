/**
 * Every setting, once: validation, `.env.example`, the README's table and the start-up summary come from this table.
 */
type Kind = 'text' | 'integer' | 'list' | 'url' | 'choice'

interface SettingRow {
  kind: Kind
  fallback: string
  unit?: string
  min?: number
  max?: number
  choices?: readonly string[]
  secret?: true
  meaning: string
}

const MIB = 1024 * 1024
/** Neither a setting nor an integration allows a larger body. */
export const LARGEST_BODY_BYTES = 32 * MIB

export const SETTINGS = {
  PORT: integer(8080, 'where Sluice listens; 0 picks a free port', { max: 65_535 }),
  HOST: text('127.0.0.1', 'the address it listens on; 0.0.0.0 for all'),
  ADMIN_PORT: integer(0, 'moves everything but webhooks to a port of its own; 0 keeps one port', {
    max: 65_535,
  }),
  SLUICE_HOME: text(
    '.sluice',
    'folder of the embedded database, the journal, the generated keys and the demo',
  ),
  DATABASE_URL: url('PostgreSQL; empty starts the embedded one under SLUICE_HOME'),
  DATABASE_CONNECTIONS_MAX: integer(
    16,
    'connections of this process to PostgreSQL, beside one for what comes in, one for what comes in and is large, and one that hears of changes',
    { unit: 'connections', min: 4, max: 1_000 },
  ),
  REDIS_URL: url(
    'Redis for the queue (redis://, rediss://, redis+sentinel://, redis+cluster://); empty queues in process',
  ),
  REDIS_PREFIX: text('sluice', 'first part of every key in Redis, for a Redis that others use too'),
  SLUICE_MASTER_KEY: secret(
    '32 bytes in base64 that seal stored secrets; generated in embedded mode, else required',
  ),
  SLUICE_ADMIN_KEY: secret(
    'an API key with every right, accepted beside those in the database; 32 characters at least',
  ),
  PUBLIC_URL: url(
    'the address senders use, such as https://hooks.example.com; empty derives it from HOST and PORT',
  ),
  BASE_DOMAIN: text('', 'gives each application the host name webhook-<slug>.<BASE_DOMAIN>'),
  SERVICE_NAME: text(
    'Retrieve',
    "the name in a refusal: This domain/IP (…) isn't authorized on <SERVICE_NAME>",
  ),
  RETRIEVE_ALLOWED_LIST: list('who may send to every integration: addresses, CIDRs, domains; * is everybody'),
  TRUSTED_PROXIES: list('CIDRs of your proxies; only from them FORWARDED_HEADER is believed'),
  FORWARDED_HEADER: choice(
    ['x-forwarded-for', 'forwarded', 'x-real-ip'],
    'the one header in which your proxy names the source address',
  ),
  TLS_CERT: text('', 'PEM file with the certificate of Sluice and its chain; with TLS_KEY it speaks HTTPS'),
  TLS_KEY: text('', 'PEM file with the key of TLS_CERT, without a passphrase'),
  TLS_CLIENT_CA: text(
    '',
    'PEM file with the CAs that client certificates may come from; empty asks for none',
  ),
  CLIENT_CERT_HEADER: text(
    '',
    'the header in which your proxy hands on client certificates, such as Client-Cert; only believed from TRUSTED_PROXIES',
  ),
  DNS_SERVERS: list('resolvers for domain entries, host or host:port; empty uses those of the system'),
  DNS_BUDGET_MS: integer(300, 'how long a request may wait for DNS before it is refused', {
    unit: 'ms',
    min: 10,
  }),
  OUTBOUND_ALLOWED: list('private host:port pairs that destinations may reach all the same'),
  FILES_DIR: text('', 'the folder below which destinations may write files; empty for none'),
  BODY_BYTES_MAX: integer(10 * MIB, 'a body after its Content-Encoding is undone', {
    unit: 'bytes',
    max: LARGEST_BODY_BYTES,
  }),
  COMPRESSED_BYTES_MAX: integer(10 * MIB, 'a body with a Content-Encoding, as it comes over the wire', {
    unit: 'bytes',
    max: LARGEST_BODY_BYTES,
  }),
  HEADER_BYTES_MAX: integer(16_384, 'all headers of a request together', { unit: 'bytes', min: 1_024 }),
  CONNECTIONS_MAX: integer(
    10_000,
    'connections at once; further ones are cut off, as are those beyond what the system allows in open files',
    { unit: 'connections', min: 10 },
  ),
  CONNECTIONS_PER_ADDRESS_MAX: integer(
    1_000,
    'connections at once from one address that is none of TRUSTED_PROXIES; further ones are answered 429, twice as many cut off',
    { unit: 'connections', min: 1 },
  ),
  BODY_DEPTH_MAX: integer(100, 'how deeply a body may nest', { unit: 'levels', max: 500 }),
  BODY_KEYS_MAX: integer(100_000, 'keys and elements in a body', { unit: 'items' }),
  BODY_WAIT_MS: integer(15_000, 'how long a sender may take to send a request', { unit: 'ms', min: 100 }),
  PENDING_BYTES_MAX: integer(
    128 * MIB,
    'bodies in memory that are not stored yet; beyond it: 503; no less than BODY_BYTES_MAX and COMPRESSED_BYTES_MAX together',
    { unit: 'bytes' },
  ),
  // Some thousands: each connection can bring many before the first is answered.
  REQUESTS_BYTES_MAX: integer(
    64 * MIB,
    'memory for requests without an answer, beside their bodies; beyond it: 503',
    { unit: 'bytes', min: 100_000 },
  ),
  STORE_WAIT_MS: integer(
    3_000,
    'how long a request may wait to be stored, in PostgreSQL or in the journal, before 503; 50 ms longer for each MiB of it',
    { unit: 'ms', min: 100 },
  ),
  LEDGER_SLOW_MS: integer(
    1_000,
    'how long a request waits for PostgreSQL before it is kept in the journal; no longer than half of STORE_WAIT_MS, and 50 ms longer for each MiB of it',
    { unit: 'ms', min: 10 },
  ),
  JOURNAL_BYTES_MAX: integer(
    1024 * MIB,
    'what the journal of an edge may take of the disk below SLUICE_HOME while PostgreSQL is away; beyond it: 503. 0 keeps none',
    { unit: 'bytes', max: 1024 * 1024 * MIB },
  ),
  REFUSALS_LOGGED_PER_MINUTE: integer(
    20,
    'refusals kept in full per integration, reason and source (50 times as many in all); the rest is counted',
    { unit: 'requests', min: 0 },
  ),
  FAILED_KEYS_PER_MINUTE: integer(
    20,
    'wrong API keys that one source address may send; beyond, it is answered 429',
    { unit: 'requests', min: 1 },
  ),
  RETENTION_DAYS: integer(
    90,
    'how long requests, events and all that was made of them are kept, from their receipt on, in whole days; what is not finished, in quarantine or a dead letter stays longer. 0 keeps everything',
    { unit: 'days', max: 36_500 },
  ),
  AUDIT_DAYS: integer(730, 'how long the audit log is kept; 0 keeps it for ever', {
    unit: 'days',
    max: 36_500,
  }),
  QUARANTINE_MAX: integer(
    1_000,
    'events that one integration may hold in quarantine; beyond, what is wrongly signed is refused',
    { unit: 'events', min: 0 },
  ),
  RUN_CONCURRENCY: integer(8, 'runs at once in a worker', { unit: 'runs', min: 1 }),
  RUN_DELIVERIES_MAX: integer(10_000, 'deliveries that one run may make; one that would make more fails', {
    unit: 'deliveries',
    min: 1,
    max: 100_000,
  }),
  RUN_BYTES_MAX: integer(
    64 * MIB,
    'what the nodes of one run may give and its deliveries hold, together; beyond, the run fails',
    { unit: 'bytes', min: LARGEST_BODY_BYTES, max: 256 * MIB },
  ),
  DELIVERY_CONCURRENCY: integer(256, 'deliveries at once in a worker', {
    unit: 'deliveries',
    min: 1,
    max: 10_000,
  }),
  SANDBOX_PROCESSES: integer(2, 'processes that execute rewrite functions', { min: 1, max: 64 }),
  FUNCTION_WALL_MS: integer(5_000, 'how long a rewrite function may take, waiting included', {
    unit: 'ms',
    min: 50,
  }),
  FUNCTION_CPU_MS: integer(1_000, 'how long it may compute', { unit: 'ms', min: 10 }),
  FUNCTION_MEMORY_MB: integer(128, 'memory of its isolate', { unit: 'MiB', min: 16, max: 1_024 }),
  FUNCTION_OUTPUT_BYTES_MAX: integer(16 * MIB, 'what it may return', { unit: 'bytes', min: 1_024 }),
  SWEEP_SECONDS: integer(10, 'how often unfinished work is looked for', { unit: 's', min: 1 }),
  LOST_SECONDS: integer(60, 'how long work may lie in the queue before it counts as lost', {
    unit: 's',
    min: 1,
  }),
  STAND_IN_SECONDS: integer(
    5,
    'how long Redis may be away, and work lie waiting, before workers take it from the database instead',
    { unit: 's', min: 1 },
  ),
  RELOAD_SECONDS: integer(
    60,
    'how often definitions, beside being told of changes, and the TLS files are read again',
    {
      unit: 's',
      min: 1,
    },
  ),
  SEARCH_SECONDS: integer(
    60,
    'how long a list or a search of the API may take; a quarter of DATABASE_CONNECTIONS_MAX go on at once, others wait',
    { unit: 's', min: 1 },
  ),
  ALERT_SECONDS: integer(60, 'how often it is looked at what there is to alert of', {
    unit: 's',
    min: 1,
    max: 86_400,
  }),
  ALERT_CALM_SECONDS: integer(
    300,
    'how long something must not be wrong before it counts as over; what comes back within it is not told again',
    { unit: 's' },
  ),
  STOP_NOTICE_MS: integer(
    5_000,
    'how long before it stops an edge says so on /health/ready and still answers, so that load balancers turn to others; not in embedded mode',
    { unit: 'ms' },
  ),
  DRAIN_MS: integer(20_000, 'how long a stop waits for what is under way', { unit: 'ms', min: 0 }),
  LOG_LEVEL: choice(['info', 'trace', 'debug', 'warn', 'error', 'fatal', 'silent'], 'how much is logged'),
} as const satisfies Record<string, SettingRow>

export type SettingName = keyof typeof SETTINGS
type ValueOf<Row extends SettingRow> = Row['kind'] extends 'integer'
  ? number
  : Row['kind'] extends 'list'
    ? string[]
    : string
export type Settings = { readonly [Name in SettingName]: ValueOf<(typeof SETTINGS)[Name]> }

/** Wrong settings, all of them together, each in a sentence for the operator. */
export class SettingsError extends Error {
  readonly problems: string[]

  constructor(problems: string[]) {
    super(problems.join('\n'))
    this.name = 'SettingsError'
    this.problems = problems
  }
}

/**
 * Reads the settings from environment variables.
 *
 * @throws SettingsError naming every setting that is wrong.
 */
export function readSettings(env: Record<string, string | undefined>): Settings {
  const problems: string[] = []
  const values = Object.entries(SETTINGS).map(([name, row]) => {
    const given = env[name]?.trim()
    return [name, readValue(name, row, given === undefined || given === '' ? row.fallback : given, problems)]
  })
  const settings = Object.fromEntries(values) as Settings
  problems.push(...checkTogether(settings))
  if (problems.length > 0) throw new SettingsError(problems)
  return settings
}

/** The settings as an operator may see them: secrets and passwords masked. */
export function describeSettings(settings: Settings): Record<string, string> {
  return Object.fromEntries(
    Object.entries(SETTINGS).map(([name, row]) => [name, mask(row, String(settings[name as SettingName]))]),
  )
}

/** The text of `.env.example`: each setting with its meaning, unit and default. */
export function settingsAsEnvFile(): string {
  const blocks = Object.entries(SETTINGS).map(([name, row]: [string, SettingRow]) => {
    const unit = row.unit ? ` (${row.unit})` : ''
    const choices = row.choices ? ` One of: ${row.choices.join(', ')}.` : ''
    return `# ${row.meaning}${unit}.${choices}\n#${name}=${row.fallback}\n`
  })
  return `# Every setting of Sluice. What is commented out shows its default.\n\n${blocks.join('\n')}`
}

function integer(
  fallback: number,
  meaning: string,
  limits: { unit?: string; min?: number; max?: number } = {},
) {
  return { kind: 'integer', fallback: String(fallback), min: 0, ...limits, meaning } as const
}

function text(fallback: string, meaning: string) {
  return { kind: 'text', fallback, meaning } as const
}

function secret(meaning: string) {
  return { kind: 'text', fallback: '', secret: true, meaning } as const
}

function url(meaning: string) {
  return { kind: 'url', fallback: '', meaning } as const
}

function list(meaning: string) {
  return { kind: 'list', fallback: '', meaning } as const
}

function choice(choices: readonly [string, ...string[]], meaning: string) {
  return { kind: 'choice', fallback: choices[0], choices, meaning } as const
}

function readValue(
  name: string,
  row: SettingRow,
  given: string,
  problems: string[],
): string | number | string[] {
  if (row.kind === 'integer') return readInteger(name, row, given, problems)
  if (row.kind === 'list') return given.split(/[\s,]+/).filter((entry) => entry !== '')
  if (row.kind === 'choice') return readChoice(name, row, given.toLowerCase(), problems)
  // Sentinel and Cluster addresses name several hosts, which URL cannot read: their own reader checks them.
  if (row.kind === 'url' && given !== '' && !given.includes(',') && !URL.canParse(given)) {
    problems.push(`${name} is not an address: ${maskPassword(given)}`)
  }
  return given
}

function readInteger(name: string, row: SettingRow, given: string, problems: string[]): number {
  const value = Number(given)
  const { min = 0, max = 2 ** 31 } = row
  if (!/^[0-9]+$/.test(given) || value < min || value > max) {
    problems.push(
      `${name} must be a whole number from ${min} to ${max}${row.unit ? ` (${row.unit})` : ''}, not "${given}"`,
    )
  }
  return value
}

function readChoice(name: string, row: SettingRow, given: string, problems: string[]): string {
  if (!row.choices?.includes(given))
    problems.push(`${name} must be one of ${row.choices?.join(', ')}, not "${given}"`)
  return given
}

function checkTogether(settings: Settings): string[] {
  const problems: string[] = []
  if (settings.SLUICE_MASTER_KEY !== '' && Buffer.from(settings.SLUICE_MASTER_KEY, 'base64').length !== 32) {
    problems.push('SLUICE_MASTER_KEY must be 32 bytes in base64; make one with: openssl rand -base64 32')
  }
  if (settings.DATABASE_URL !== '' && settings.SLUICE_MASTER_KEY === '') {
    problems.push('SLUICE_MASTER_KEY is required with DATABASE_URL; make one with: openssl rand -base64 32')
  }
  const databaseProblem = URL.canParse(settings.DATABASE_URL) && databaseUrlProblem(settings.DATABASE_URL)
  if (databaseProblem) problems.push(databaseProblem)
  if (settings.SLUICE_ADMIN_KEY !== '' && settings.SLUICE_ADMIN_KEY.length < 32) {
    problems.push('SLUICE_ADMIN_KEY must have 32 characters at least')
  }
  if (settings.DATABASE_URL === '' && settings.REDIS_URL !== '') {
    problems.push('REDIS_URL needs DATABASE_URL: a queue shared between machines needs a shared database')
  }
  const { BODY_BYTES_MAX, COMPRESSED_BYTES_MAX, PENDING_BYTES_MAX } = settings
  if (PENDING_BYTES_MAX < BODY_BYTES_MAX + COMPRESSED_BYTES_MAX) {
    problems.push(
      `PENDING_BYTES_MAX must be ${BODY_BYTES_MAX + COMPRESSED_BYTES_MAX} at least, BODY_BYTES_MAX and COMPRESSED_BYTES_MAX together: ` +
        'a body that never fits into memory would be answered 503 for ever',
    )
  }
  return problems
}

/** Why there can be no PostgreSQL at an address, which the client takes whatever its scheme is. */
export function databaseUrlProblem(url: string): string | undefined {
  return /^postgres(?:ql)?:\/\//i.test(url) ? undefined : 'DATABASE_URL must begin with postgres://'
}

function mask(row: SettingRow, value: string): string {
  if (value === '') return ''
  return row.secret ? '***' : row.kind === 'url' ? maskPassword(value) : value
}

/** As far as it goes: what is wrong may not look like an address, so rather too much is hidden than too little. */
function maskPassword(value: string): string {
  return value
    .replace(/\/\/([^:/@]*):.*@/s, '//$1:***@')
    .replace(/([?&][^=&#]*(?:pass|pwd|secret|token|key)[^=&#]*=)[^&#]*/gi, '$1***')
}
