import { execFileSync } from 'node:child_process'
import { mkdtemp, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { createConnection } from 'mysql2/promise'
import { inject } from 'vitest'
import { findFreePort } from '../../src/platform/embedded-postgres/free-port.ts'
import { type ChildServer, launchChildServer } from '../world/child-server.ts'
import { makeServerCertificate, serverAuthority } from '../world/https.ts'

export interface MariadbServer extends ChildServer {
  port: number
  /** The authority of its certificate, in PEM. */
  ca: string
  /** Asks it something as its administrator. */
  ask(statement: string): Promise<Record<string, unknown>[]>
}

/** A MariaDB of one's own with the database `shop` and a user of it. */
export async function startMariadb(): Promise<MariadbServer> {
  const folder = await mkdtemp(path.join(inject('scratch'), 'mariadb-'))
  const data = path.join(folder, 'data')
  const user = process.getuid?.() === 0 ? ['--user=root'] : []
  const install = ['--no-defaults', `--datadir=${data}`, ...user, '--auth-root-authentication-method=normal']
  execFileSync(inject('mariadbInstallPath'), [...install, '--skip-test-db'], { stdio: 'pipe' })
  const { cert, key } = makeServerCertificate()
  await writeFile(path.join(folder, 'cert.pem'), cert)
  await writeFile(path.join(folder, 'key.pem'), key)
  const port = await findFreePort()
  const files = [
    `--datadir=${data}`,
    `--socket=${folder}/socket`,
    `--ssl-cert=${folder}/cert.pem`,
    `--ssl-key=${folder}/key.pem`,
  ]
  const args = [
    '--no-defaults',
    ...user,
    ...files,
    '--bind-address=127.0.0.1',
    `--port=${port}`,
    '--skip-name-resolve',
  ]
  const server = await launchChildServer({
    program: inject('mariadbPath'),
    args: [...args, '--innodb-buffer-pool-size=64M', '--innodb-flush-log-at-trx-commit=1'],
    cwd: folder,
    port,
    readyWaitMs: 60_000,
  })
  const socketPath = path.join(folder, 'socket')
  const ask = async (statement: string) => {
    const connection = await createConnection({
      socketPath,
      user: 'root',
      database: 'mysql',
      supportBigNumbers: true,
      bigNumberStrings: true,
      decimalNumbers: false,
    })
    try {
      const [rows] = await connection.query(statement)
      return rows as Record<string, unknown>[]
    } finally {
      await connection.end()
    }
  }
  await ask('CREATE DATABASE shop CHARACTER SET utf8mb4')
  await ask(`CREATE USER shop IDENTIFIED BY 'mysql-password'`)
  await ask('GRANT ALL ON shop.* TO shop')
  return { ...server, port, ca: serverAuthority.cert, ask }
}
