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
    mariadbPath: string
    mariadbInstallPath: string
    rabbitmqPath: string
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  // Debian keeps servers where only root looks.
  const searchPath = `${process.env.PATH ?? ''}:/usr/sbin:/usr/local/sbin`
  const find =
    (...names: string[]) =>
    () =>
      findProgram(names, searchPath)
  const mariadb = found('mariadb-server', 'a MariaDB', searchPath, find('mariadbd', 'mysqld'))
  const install = found(
    'mariadb-server',
    'a MariaDB',
    searchPath,
    find('mariadb-install-db', 'mysql_install_db'),
  )
  const rabbitmq = found('rabbitmq-server', 'a RabbitMQ', searchPath, find('rabbitmq-server'))
  await sweepAbandoned()
  const scratch = await makeScratch()
  const atExit = () => sweepAtExit(scratch)
  process.once('exit', atExit)
  project.provide('scratch', scratch)
  project.provide('mariadbPath', mariadb)
  project.provide('mariadbInstallPath', install)
  project.provide('rabbitmqPath', unwrapped(rabbitmq))
  return async () => {
    await sweep(scratch)
    process.off('exit', atExit)
  }
}

function found(name: string, what: string, searchPath: string, find: () => string | null): string {
  const program = find() ?? installPackage(name, what, searchPath, find)
  if (program) return program
  console.error(
    `The tests of destinations need ${what}: install ${name} so that its programs are on the PATH.`,
  )
  process.exit(1)
}

/** Debian's own script changes the user, who could not write below the scratch folder. */
function unwrapped(program: string): string {
  const inside = '/usr/lib/rabbitmq/bin/rabbitmq-server'
  return program === '/usr/sbin/rabbitmq-server' && existsSync(inside) ? inside : program
}
