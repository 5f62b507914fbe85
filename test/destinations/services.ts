/**
 * Finds the servers that only the tests of destinations need, or installs them where that is possible. The tests start
 * them below the scratch folder, each file its own.
 */
import { existsSync } from 'node:fs'
import type { TestProject } from 'vitest/node'
import { findProgram, installPackage } from '../world/programs.ts'
import { makeScratch, sweep, sweepAbandoned, sweepAtExit } from '../world/scratch.ts'

declare module 'vitest' {
  export interface ProvidedContext {
    /** Addresses of servers that are there already; empty for servers of one's own. */
    mariadbUrl: string
    rabbitmqUrl: string
    /** Programs for servers of one's own; empty where there is none. */
    mariadbPath: string
    mariadbInstallPath: string
    rabbitmqPath: string
    smtpPath: string
  }
}

// Debian keeps servers where only root looks.
const SEARCH_PATH = `${process.env.PATH ?? ''}:/usr/sbin:/usr/local/sbin`

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const { TEST_MARIADB_URL = '', TEST_RABBITMQ_URL = '' } = process.env
  const mariadb = { name: 'a MariaDB', setting: 'TEST_MARIADB_URL', isGiven: TEST_MARIADB_URL !== '' }
  const rabbitmq = { name: 'a RabbitMQ', setting: 'TEST_RABBITMQ_URL', isGiven: TEST_RABBITMQ_URL !== '' }
  project.provide('mariadbUrl', TEST_MARIADB_URL)
  project.provide('rabbitmqUrl', TEST_RABBITMQ_URL)
  // The core package has the programs alone, and no service that would be started.
  project.provide('mariadbPath', find(mariadb, 'mariadb-server-core', ['mariadbd', 'mysqld']))
  project.provide(
    'mariadbInstallPath',
    find(mariadb, 'mariadb-server-core', ['mariadb-install-db', 'mysql_install_db']),
  )
  project.provide('rabbitmqPath', unwrapped(find(rabbitmq, 'rabbitmq-server', ['rabbitmq-server'])))
  project.provide('smtpPath', find({ name: 'a mail server' }, 'python3-aiosmtpd', ['aiosmtpd']))
  await sweepAbandoned()
  const scratch = await makeScratch()
  const atExit = () => sweepAtExit(scratch)
  process.once('exit', atExit)
  project.provide('scratch', scratch)
  return async () => {
    await sweep(scratch)
    process.off('exit', atExit)
  }
}

interface Wanted {
  name: string
  /** Holds the address of one that is there already. */
  setting?: string
  isGiven?: boolean
}

function find({ name, setting, isGiven = false }: Wanted, debianPackage: string, programs: string[]): string {
  const find = () => findProgram(programs, SEARCH_PATH)
  const program = find() ?? (isGiven ? '' : installPackage(debianPackage, name, SEARCH_PATH, find))
  if (program !== null) return program
  const instead = setting === undefined ? '' : `, or set ${setting}`
  console.error(
    `The tests of destinations need ${name}: install ${debianPackage} so that ${programs[0]} is on the PATH${instead}.`,
  )
  process.exit(1)
}

/** Debian's own script changes the user, who could not write below the scratch folder. */
function unwrapped(program: string): string {
  const inside = '/usr/lib/rabbitmq/bin/rabbitmq-server'
  return program === '/usr/sbin/rabbitmq-server' && existsSync(inside) ? inside : program
}
