import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtemp, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { type ConnectionOptions, createConnection } from 'mysql2/promise'
import { inject } from 'vitest'
import { findFreePort } from '../../src/platform/embedded-postgres/free-port.ts'
import { type ChildServer, launchChildServer } from '../world/child-server.ts'
import { makeServerCertificate, serverAuthority } from '../world/https.ts'

export interface Mariadb {
  host: string
  port: number
  /** Names a database, and a user who may do everything in it. */
  database: string
  auth: { username: string; password: string }
  /** Asks something in that database as the administrator. */
  ask(statement: string): Promise<Record<string, unknown>[]>
  close(): Promise<void>
}

export interface OwnMariadb extends Mariadb, Pick<ChildServer, 'kill9' | 'restart'> {
  /** The authority of its certificate, in PEM. */
  ca: string
}

/** The server at TEST_MARIADB_URL, or one of its own. */
export async function openMariadb(): Promise<Mariadb | OwnMariadb> {
  const given = inject('mariadbUrl')
  if (given === '') return startMariadb()
  const { hostname: host, port, username, password } = new URL(given)
  const at = { host, port: Number(port || 3306) }
  const administrator = {
    ...at,
    user: decodeURIComponent(username),
    password: decodeURIComponent(password),
  }
  const shop = await openShop(administrator)
  return {
    ...at,
    ...shop,
    async close() {
      await shop.ask(`DROP USER ${shop.auth.username}`)
      await shop.ask(`DROP DATABASE ${shop.database}`)
    },
  }
}

/** A server that may be killed, and speaks TLS too. */
export async function startMariadb(): Promise<OwnMariadb> {
  const program = inject('mariadbPath')
  if (program === '')
    throw new Error('Tests that kill a MariaDB need mariadbd on the PATH, beside TEST_MARIADB_URL')
  const folder = await mkdtemp(path.join(inject('scratch'), 'mariadb-'))
  const data = path.join(folder, 'data')
  const user = process.getuid?.() === 0 ? ['--user=root'] : []
  const install = ['--no-defaults', `--datadir=${data}`, ...user, '--auth-root-authentication-method=normal']
  execFileSync(inject('mariadbInstallPath'), [...install, '--skip-test-db'], { stdio: 'pipe' })
  const { cert, key } = makeServerCertificate()
  await writeFile(path.join(folder, 'cert.pem'), cert)
  await writeFile(path.join(folder, 'key.pem'), key)
  const port = await findFreePort()
  const socketPath = path.join(folder, 'socket')
  const files = [
    `--datadir=${data}`,
    `--socket=${socketPath}`,
    `--ssl-cert=${folder}/cert.pem`,
    `--ssl-key=${folder}/key.pem`,
  ]
  const server = await launchChildServer({
    program,
    args: [
      '--no-defaults',
      ...user,
      ...files,
      '--bind-address=127.0.0.1',
      `--port=${port}`,
      '--skip-name-resolve',
      '--innodb-buffer-pool-size=64M',
      '--innodb-flush-log-at-trx-commit=1',
    ],
    cwd: folder,
    port,
    readyWaitMs: 60_000,
  })
  const shop = await openShop({ socketPath, user: 'root' })
  const { kill9, restart, stop: close } = server
  return { host: '127.0.0.1', port, ca: serverAuthority.cert, ...shop, kill9, restart, close }
}

/** Names of its own, because others may use a server that was given. */
async function openShop(administrator: ConnectionOptions) {
  const name = `sluice_test_${randomBytes(4).toString('hex')}`
  const auth = { username: name, password: 'mysql-password' }
  await ask(administrator, `CREATE DATABASE ${name} CHARACTER SET utf8mb4`)
  await ask(administrator, `CREATE USER ${name} IDENTIFIED BY '${auth.password}'`)
  await ask(administrator, `GRANT ALL ON ${name}.* TO ${name}`)
  return {
    database: name,
    auth,
    ask: (statement: string) => ask({ ...administrator, database: name }, statement),
  }
}

async function ask(options: ConnectionOptions, statement: string): Promise<Record<string, unknown>[]> {
  const connection = await createConnection({ ...options, supportBigNumbers: true, bigNumberStrings: true })
  try {
    const [rows] = await connection.query(statement)
    return rows as Record<string, unknown>[]
  } finally {
    await connection.end()
  }
}
