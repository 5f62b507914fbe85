import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import path from 'node:path'
import postgres from 'postgres'
import { afterEach, describe, expect, test } from 'vitest'
import { settingsAsEnvFile } from '../../src/platform/settings.ts'
import { freshDatabase } from '../world/database.ts'
import { startTestGateway } from '../world/gateway.ts'
import { endAll, LAUNCHER, madeHome, newHome, postmasterPid, ROOT, runSluice, startSluice } from './sluice.ts'

afterEach(endAll)

const SLUICE_MASTER_KEY = randomBytes(32).toString('base64')
const NO_DATABASE = 'postgres://sluice:secret@127.0.0.1:1/sluice'

describe('a start that cannot be', () => {
  test('wrong settings are all named together, and nothing is written', async () => {
    const home = path.join(await newHome(), 'not made')
    const { code, stderr, stdout } = await runSluice(['start', '--role', 'edge'], {
      home,
      env: {
        PORT: '99999',
        LOG_LEVEL: 'loud',
        DATABASE_URL: 'nonsense',
        SLUICE_ADMIN_KEY: 'short',
        RETRIEVE_ALLOWED_LIST: 'shopify.com,10.0.0.0/99',
        TRUSTED_PROXIES: '300.1.1.1',
        OUTBOUND_ALLOWED: 'inside',
        BASE_DOMAIN: 'hooks.example.com:8443',
        DNS_SERVERS: 'dns.example',
        PENDING_BYTES_MAX: '1000000',
      },
    })
    expect(code).toBe(1)
    const lines = stderr.trim().split('\n')
    for (const name of [
      'PORT',
      'LOG_LEVEL',
      'DATABASE_URL',
      'SLUICE_MASTER_KEY',
      'SLUICE_ADMIN_KEY',
      'RETRIEVE_ALLOWED_LIST',
      'TRUSTED_PROXIES',
      'OUTBOUND_ALLOWED',
      'BASE_DOMAIN',
      'DNS_SERVERS',
      'PENDING_BYTES_MAX',
      '--role edge needs REDIS_URL',
    ]) {
      expect([name, lines.filter((line) => line.startsWith(`sluice: ${name}`)).length]).toEqual([name, 1])
    }
    expect(lines).toHaveLength(12)
    expect(stdout).toBe('')
    expect(existsSync(home)).toBe(false)
  })

  test('an edge or a worker alone needs a shared database and a shared queue', async () => {
    for (const role of ['edge', 'worker']) {
      const alone = await runSluice(['start', '--role', role])
      expect(alone.code).toBe(1)
      expect(alone.stderr).toContain(`--role ${role} needs DATABASE_URL`)
      expect(alone.stderr).toContain(`--role ${role} needs REDIS_URL`)
      const halfway = await runSluice(['start', '--role', role], {
        env: { DATABASE_URL: NO_DATABASE, SLUICE_MASTER_KEY },
      })
      expect(halfway.code).toBe(1)
      expect(halfway.stderr).toBe(
        `sluice: --role ${role} needs REDIS_URL: an edge and a worker share a queue, and the one in process serves one process\n`,
      )
    }
  })

  test('a busy port is told in a sentence, and PostgreSQL is stopped again', async () => {
    const home = await madeHome()
    const other = createServer().listen(0, '127.0.0.1')
    const { port } = await new Promise<AddressInfo>((resolve) =>
      other.once('listening', () => resolve(other.address() as AddressInfo)),
    )
    try {
      const sluice = startSluice(home, { env: { PORT: String(port) } })
      expect(await sluice.ended()).toEqual({ code: 1, signal: null })
      expect(sluice.stderr()).toBe(
        `sluice: 127.0.0.1:${port} is in use by another program; choose another port with PORT=… or ADMIN_PORT=…\n`,
      )
      expect(await postmasterPid(home)).toBeUndefined()
    } finally {
      other.close()
    }
  })

  test('an address that is not of this machine is told in a sentence', async () => {
    const database = await freshDatabase()
    // Here in this process: how a sentence is told is shown beside it.
    await expect(startTestGateway({ databaseUrl: database.url, env: { HOST: '192.0.2.1' } })).rejects.toThrow(
      /^192\.0\.2\.1 is no address of this machine; set HOST to one, or to 0\.0\.0\.0 for all$/,
    )
    await database.drop()
  })

  test('a port that this user may not use is told in a sentence', async () => {
    const database = await freshDatabase()
    // Root may use every port unless it gives that right up.
    const lowly = process.getuid?.() === 0 ? ['setpriv', '--bounding-set=-net_bind_service'] : []
    const { code, stderr } = await runSluice(['start'], {
      command: [...lowly, process.execPath, LAUNCHER],
      env: { PORT: '80', DATABASE_URL: database.url, SLUICE_MASTER_KEY },
    })
    await database.drop()
    expect(code).toBe(1)
    expect(stderr).toMatch(
      /^sluice: 127\.0\.0\.1:\d+ may not be used by this user; choose a port above 1023\n$/,
    )
  })

  test('a database that cannot be reached is told in a sentence without its password', async () => {
    for (const command of ['start', 'migrate', 'create-key shop']) {
      const { code, stderr, stdout } = await runSluice(command.split(' '), {
        env: { DATABASE_URL: NO_DATABASE, SLUICE_MASTER_KEY },
      })
      expect(code).toBe(1)
      expect(stderr).toBe(
        'sluice: the PostgreSQL of DATABASE_URL cannot be used: connect ECONNREFUSED 127.0.0.1:1\n',
      )
      expect(stdout).not.toContain('secret@')
    }
  })

  test('a database that may forget is refused', async () => {
    const database = await freshDatabase()
    const databaseUrl = `${database.url}?synchronous_commit=off`
    await expect(startTestGateway({ databaseUrl })).rejects.toThrow('PostgreSQL has synchronous_commit = off')
    await database.drop()
  })

  test('a database that cannot hold every text is refused', async () => {
    const database = await freshDatabase()
    const admin = postgres(database.url, { max: 1 })
    const name = `narrow_${randomBytes(6).toString('hex')}`
    await admin`CREATE DATABASE ${admin(name)} ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0`
    const databaseUrl = database.url.replace(/[^/]*$/, name)
    await expect(startTestGateway({ databaseUrl })).rejects.toThrow('encoded in LATIN1; make one in UTF8')
    await admin`DROP DATABASE ${admin(name)} WITH (FORCE)`
    await admin.end()
    await database.drop()
  })

  test('a user who may not make the schema is told what PostgreSQL said', async () => {
    const database = await freshDatabase()
    const admin = postgres(database.url, { max: 1, onnotice: () => {} })
    const name = `lowly_${randomBytes(6).toString('hex')}`
    await admin`CREATE ROLE ${admin(name)} LOGIN PASSWORD 'lowly'`
    await admin`CREATE DATABASE ${admin(name)}`
    const url = Object.assign(new URL(database.url), {
      username: name,
      password: 'lowly',
      pathname: `/${name}`,
    })
    for (const command of ['migrate', 'start']) {
      const { code, stderr } = await runSluice([command], {
        env: { DATABASE_URL: url.href, SLUICE_MASTER_KEY },
      })
      expect([code, stderr]).toEqual([
        1,
        `sluice: the PostgreSQL of DATABASE_URL cannot be used: permission denied for database ${name}\n`,
      ])
    }
    await admin`DROP DATABASE ${admin(name)}`
    await admin`DROP ROLE ${admin(name)}`
    await admin.end()
    await database.drop()
  })

  test('a PostgreSQL that is too old is refused: its events would be acknowledged and never delivered', async () => {
    const database = await freshDatabase()
    const sql = postgres(database.url, { max: 1, onnotice: () => {} })
    // What this one says of itself where its own words come second.
    await sql`CREATE SCHEMA older`
    await sql`CREATE FUNCTION older.current_setting(name text) RETURNS text LANGUAGE sql
      AS $$ SELECT CASE name WHEN 'server_version_num' THEN '170009' ELSE '17.9' END $$`
    await sql.end()
    const databaseUrl = `${database.url}?search_path=older,pg_catalog,public`
    await expect(startTestGateway({ databaseUrl })).rejects.toThrow(
      'this is PostgreSQL 17.9, and Sluice needs PostgreSQL 18 or later',
    )
    await database.drop()
  })

  test('a database that a newer Sluice has changed is refused, and left as it is', async () => {
    const database = await freshDatabase()
    const sql = postgres(database.url, { max: 1, onnotice: () => {} })
    const migrations = () => sql`SELECT hash, created_at FROM drizzle.__drizzle_migrations ORDER BY id`
    await sql`INSERT INTO drizzle.__drizzle_migrations (hash, created_at)
      SELECT 'of a newer one', max(created_at) + 1 FROM drizzle.__drizzle_migrations`
    const before = await migrations()
    await expect(startTestGateway({ databaseUrl: database.url })).rejects.toThrow(
      /^the database was brought to the schema of a newer Sluice, and this is \d+\.\d+\.\d+: start that one or a later one$/,
    )
    expect(await migrations()).toEqual(before)
    await sql.end()
    await database.drop()
  })
})

describe('the command line', () => {
  test('the help names every command with what it does', async () => {
    const { code, stdout } = await runSluice(['--help'])
    expect(code).toBe(0)
    for (const command of ['start', 'migrate', 'create-key', 'settings']) {
      expect(stdout).toMatch(new RegExp(`^ {2}${command} .*\\w{3,}`, 'm'))
      const own = await runSluice([command, '--help'])
      expect([command, own.code, own.stdout.includes(`Usage: sluice ${command}`)]).toEqual([command, 0, true])
      if (command === 'start') expect(own.stdout).toContain('--role <role>')
    }
  })

  test('an unknown command or role is refused', async () => {
    expect((await runSluice(['begin'])).code).toBe(1)
    const role = await runSluice(['start', '--role', 'both'])
    expect([role.code, role.stderr]).toEqual([1, expect.stringContaining('edge, worker, all')])
  })

  test('sluice settings prints .env.example', async () => {
    const { code, stdout } = await runSluice(['settings'])
    expect(code).toBe(0)
    expect(stdout).toBe(settingsAsEnvFile())
    // Made by: npx sluice settings > .env.example
    expect(stdout).toBe(await readFile(path.join(ROOT, '.env.example'), 'utf8'))
  })
})
