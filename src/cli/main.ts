import { Command, Option } from 'commander'
import { createLog } from '../platform/log.ts'
import { databaseUrlProblem, SETTINGS, SettingsError, settingsAsEnvFile } from '../platform/settings.ts'
import { VERSION } from '../platform/version.ts'
import type { Role } from './gateway.ts'
import type { WantedKey } from './key-commands.ts'
import { wholeNumber } from './whole-number.ts'

/** How long a process that has stopped waits for what is still open. */
const LEFT_OPEN_MS = 1_000

const program = new Command()
  .name('sluice')
  .description(
    'Sluice, a self-hosted gateway for inbound webhooks. Without a command it starts. ' +
      'Settings are environment variables; `sluice settings` lists them.',
  )
  .version(VERSION)

program
  .command('start', { isDefault: true })
  .description(
    'run the gateway until Ctrl-C or SIGTERM; without DATABASE_URL on an embedded PostgreSQL, with a demo to try',
  )
  .addOption(
    new Option(
      '--role <role>',
      'edge receives, worker delivers, all does both; several processes share DATABASE_URL and REDIS_URL',
    )
      .choices(['edge', 'worker', 'all'])
      .default('all'),
  )
  .action(async ({ role }: { role: Role }) => {
    const { readAllSettings } = await import('./all-settings.ts')
    const settings = readAllSettings(process.env, role)
    const log = createLog(settings.LOG_LEVEL)
    // Most of the program: only a start that can be loads it.
    const { runUntilStopped } = await import('./start.ts')
    process.exitCode = await runUntilStopped(settings, role, log)
    // A connection to a server that hangs never closes.
    setTimeout(() => process.exit(), LEFT_OPEN_MS).unref()
  })

program
  .command('migrate')
  .description('bring the database of DATABASE_URL to the schema of this version; every start does so too')
  .action(async () => {
    await withDatabase(async (url) => {
      const { migrate } = await import('../platform/migrate.ts')
      await migrate(url)
    })
    console.log('The database is up to date.')
  })

program
  .command('create-key')
  .description('make an API key for the management API and print it, this once')
  .argument('<name>', 'who or what will use it')
  .addOption(
    new Option(
      '--role <role>',
      'viewer reads, editor changes integrations and what they need, admin does everything',
    )
      .choices(['viewer', 'editor', 'admin'])
      .default('admin'),
  )
  .option('--application <slug or id>', 'the one application that the key is for; all unless given')
  .option(
    '--valid-days <days>',
    'after so many days it opens nothing; never unless given',
    wholeNumber(1, 36_500),
  )
  .action(async (name: string, options: Omit<WantedKey, 'name'>) => {
    await withDatabase(async (url) => {
      const { createKey } = await import('./key-commands.ts')
      console.log(await createKey(url, { ...options, name }))
    })
  })

program
  .command('list-keys')
  .description('list the API keys with their roles, expiry and last use')
  .action(async () => {
    await withDatabase(async (url) => {
      const { listKeys } = await import('./key-commands.ts')
      console.log(await listKeys(url))
    })
  })

program
  .command('revoke-key')
  .description('make an API key open nothing any more')
  .argument('<id>', 'as list-keys shows it')
  .action(async (id: string) => {
    await withDatabase(async (url) => {
      const { revokeKey } = await import('./key-commands.ts')
      await revokeKey(url, id)
    })
    console.log('The key is revoked.')
  })

program
  .command('send')
  .description('send a request as a source system would, signed as it signs: `sluice send --help`')
  .argument('[arguments...]')
  .helpOption(false)
  .allowUnknownOption()
  .action(async (args: string[]) => {
    const { runSend } = await import('./send-command.ts')
    process.exitCode = await runSend(args)
  })

const journal = program
  .command('journal')
  .description('look after what edges acknowledged while PostgreSQL was away, and keep below SLUICE_HOME')

journal
  .command('status')
  .description('print what waits in each journal, and what was set aside and why')
  .action(async () => {
    const { showJournals } = await import('./journal-command.ts')
    await showJournals(home())
  })

journal
  .command('drain')
  .description(
    'bring into the database of DATABASE_URL what an edge that is gone has left; a running edge does so by itself. ' +
      'Workers find the events within LOST_SECONDS. Ends with 1 when something is left that PostgreSQL does not take',
  )
  .option('--set-aside', 'try once more what was set aside because PostgreSQL did not take it')
  .action(async ({ setAside = false }: { setAside?: boolean }) => {
    await withDatabase(async (url) => {
      const { drainJournals } = await import('./journal-command.ts')
      if (!(await drainJournals(url, home(), setAside))) process.exitCode = 1
    })
  })

program
  .command('settings')
  .description('print every setting with its meaning and default, in the form of a .env file')
  .action(() => {
    process.stdout.write(settingsAsEnvFile())
  })

function home(): string {
  return process.env.SLUICE_HOME?.trim() || SETTINGS.SLUICE_HOME.fallback
}

/** For commands that need a database and nothing else: no other setting is asked for. */
async function withDatabase(work: (url: string) => Promise<void>): Promise<void> {
  const url = process.env.DATABASE_URL?.trim() ?? ''
  if (url === '')
    throw new SettingsError(['DATABASE_URL is not set: this command works on your own PostgreSQL'])
  const problem = URL.canParse(url) ? databaseUrlProblem(url) : 'DATABASE_URL is not an address'
  if (problem !== undefined) throw new SettingsError([problem])
  const { unusableDatabase } = await import('./storage.ts')
  await work(url).catch((error: Error) => {
    throw unusableDatabase(error)
  })
}

/** What an operator can mend is told in sentences; only a defect shows its stack. */
program.parseAsync().catch((error: Error) => {
  if (error instanceof SettingsError) console.error(`sluice: ${error.problems.join('\nsluice: ')}`)
  else console.error(`sluice: ${process.env.LOG_LEVEL === 'debug' ? error.stack : error.message}`)
  process.exitCode = 1
})
