import { Command, Option } from 'commander'
import { createKeys } from '../admin/admin.ts'
import { createLog } from '../platform/log.ts'
import { migrate } from '../platform/migrate.ts'
import { connectPostgres } from '../platform/postgres.ts'
import { readSettings, SettingsError, settingsAsEnvFile } from '../platform/settings.ts'
import { VERSION } from '../platform/version.ts'
import type { Role } from './gateway.ts'
import { runUntilStopped } from './start.ts'

const program = new Command()
  .name('sluice')
  .description(
    'Self-hosted inbound webhook gateway. Settings come from environment variables: see `sluice settings`.',
  )
  .version(VERSION)

program
  .command('start', { isDefault: true })
  .description('run the gateway; without DATABASE_URL on an embedded PostgreSQL, with a demo to try')
  .addOption(
    new Option('--role <role>', 'edge receives, worker delivers, all does both')
      .choices(['edge', 'worker', 'all'])
      .default('all'),
  )
  .action(async ({ role }: { role: Role }) => {
    const settings = readSettings(process.env)
    const log = createLog(settings.LOG_LEVEL)
    process.exitCode = await runUntilStopped(settings, role, log)
  })

program
  .command('migrate')
  .description('bring the database of DATABASE_URL to the schema of this version; every start does so too')
  .action(async () => {
    await migrate(requireDatabase())
    console.log('The database is up to date.')
  })

program
  .command('create-key')
  .description('make an API key for the management API and print it, this once')
  .argument('<name>', 'who or what will use it')
  .action(async (name: string) => {
    const sql = connectPostgres(requireDatabase(), {
      connectionsMax: 1,
      applicationName: 'sluice create-key',
    })
    try {
      console.log(await createKeys(sql, '').create(name))
    } finally {
      await sql.end({ timeout: 5 })
    }
  })

program
  .command('settings')
  .description('print every setting with its meaning and default, in the form of a .env file')
  .action(() => {
    process.stdout.write(settingsAsEnvFile())
  })

function requireDatabase(): string {
  const { DATABASE_URL } = readSettings(process.env)
  if (DATABASE_URL === '')
    throw new SettingsError(['DATABASE_URL is not set: this command works on your own PostgreSQL'])
  return DATABASE_URL
}

/** What an operator can mend is told in sentences; only a defect shows its stack. */
program.parseAsync().catch((error: Error) => {
  if (error instanceof SettingsError) console.error(`sluice: ${error.problems.join('\nsluice: ')}`)
  else console.error(`sluice: ${process.env.LOG_LEVEL === 'debug' ? error.stack : error.message}`)
  process.exitCode = 1
})
