import { setTimeout as pause } from 'node:timers/promises'
import type { Sql } from '../../src/platform/postgres.ts'
import type { Installed } from '../world/installation.ts'
import { signalAll } from '../world/process-table.ts'
import { anyOf, type Lift, MOMENT, type SeveralFault, SHORT } from './fault.ts'
import { freeze } from './gateways.ts'

export const POSTGRES_FAULTS: readonly SeveralFault[] = [
  {
    name: 'postgres-kill',
    does: 'kill -9 of the PostgreSQL server, which is started again',
    on: 'several',
    to: 'postgres',
    lastsMs: [200, 2_000],
    begin: killPostgres,
  },
  {
    name: 'postgres-session-kill',
    does: 'kill -9 of one session of PostgreSQL, so that it ends all of them and recovers',
    on: 'several',
    to: 'postgres',
    lastsMs: MOMENT,
    needs: ['process table'],
    async begin({ postgres, sql }, chance) {
      const rows = await (await sql())<{ pid: number }[]>`
        SELECT pid FROM pg_stat_activity WHERE application_name LIKE 'sluice%'`
      if (rows.length > 0) signalAll([anyOf(rows, chance).pid], 'SIGKILL')
      return () => postgres.bringBack()
    },
  },
  {
    name: 'postgres-freeze',
    does: 'SIGSTOP of PostgreSQL and all its sessions, and SIGCONT',
    on: 'several',
    to: 'postgres',
    lastsMs: SHORT,
    needs: ['process table'],
    begin: freezePostgres,
  },
  {
    name: 'postgres-restart',
    does: 'an orderly restart of PostgreSQL',
    on: 'several',
    to: 'postgres',
    lastsMs: MOMENT,
    async begin({ postgres }) {
      await postgres.restart()
      return async () => {}
    },
  },
  {
    name: 'postgres-read-only',
    does: 'PostgreSQL takes no writes, as a standby does not',
    on: 'several',
    to: 'postgres',
    lastsMs: SHORT,
    begin: async (site) =>
      setServer(site, 'ALTER SYSTEM SET default_transaction_read_only = on', [
        'ALTER SYSTEM RESET default_transaction_read_only',
      ]),
  },
  {
    name: 'statement-timeout',
    does: 'inserts wait for a lock that somebody holds, until statement_timeout ends them',
    on: 'several',
    to: 'postgres',
    lastsMs: SHORT,
    async begin(site) {
      const unset = await setServer(site, "ALTER SYSTEM SET statement_timeout = '300ms'", [
        'ALTER SYSTEM RESET statement_timeout',
      ])
      const unlock = await lockRequests(await site.sql())
      return async () => {
        await unlock()
        await unset()
      }
    },
  },
  {
    name: 'sessions-ended',
    does: 'pg_terminate_backend of every session of Sluice, several times',
    on: 'several',
    to: 'postgres',
    lastsMs: MOMENT,
    async begin({ sql }, chance) {
      for (let times = 0; times < 5; times++) {
        await (await sql())`
          SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'sluice%'`
        await pause(chance.between(20, 300))
      }
      return async () => {}
    },
  },
]

export async function killPostgres({ postgres }: Installed): Promise<Lift> {
  await postgres.kill9()
  return () => postgres.bringBack()
}

export async function freezePostgres(site: Installed): Promise<Lift> {
  return freeze(site, await site.postgres.pids())
}

/** For all sessions, those that are open too. */
async function setServer(site: Installed, set: string, reset: string[]): Promise<Lift> {
  await run(site, [set])
  return () => run(site, reset)
}

async function run({ sql }: Installed, statements: string[]): Promise<void> {
  // In a session that holds its own ground against what it sets.
  const connection = await (await sql()).reserve()
  try {
    await connection`SET statement_timeout = 0`
    await connection`SET default_transaction_read_only = off`
    for (const statement of statements) await connection.unsafe(statement)
    await connection`SELECT pg_reload_conf()`
  } finally {
    connection.release()
  }
}

async function lockRequests(sql: Sql): Promise<Lift> {
  const connection = await sql.reserve()
  await connection`SET statement_timeout = 0`
  await connection`BEGIN`
  await connection`SET LOCAL lock_timeout = 0`
  await connection`LOCK TABLE requests IN EXCLUSIVE MODE`
  return async () => {
    await connection`ROLLBACK`
    connection.release()
  }
}
