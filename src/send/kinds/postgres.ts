import type { Socket } from 'node:net'
import type postgres from 'postgres'
import type { ConfigOf } from '../../integrations/integrations.ts'
import { firstIdAt } from '../../platform/ids.ts'
import type { Verdict } from '../verdict.ts'
import { Failed, type Kind, type Link, loadClient, type Way } from './kind.ts'
import {
  type Cell,
  DELIVERIES_TABLE,
  type Dialect,
  packRows,
  partsOf,
  REMEMBERED_MS,
  type RowsParcel,
  spokenRows,
} from './table.ts'
import { isOpen, secretsOf, tlsOptions } from './tls.ts'

type Config = ConfigOf<'postgres'>
type Sql = postgres.Sql

interface PostgresLink extends Link {
  sql: Sql
  own: Way['own']
}

const PARAMETERS_MAX = 60_000
const DIALECT: Dialect<Config> = { booleans: ['true', 'false'], insertOf }

/** Rows of a table in PostgreSQL, in one transaction with the id of the delivery. */
export const postgresKind: Kind<Config, RowsParcel, PostgresLink> = {
  address: (config) => ({
    method: config.key ? 'UPSERT' : 'INSERT',
    url: `postgres://${config.host}:${config.port}/${config.database}/${[config.schema, config.table].filter(Boolean).join('.')}`,
  }),
  secrets: secretsOf,
  pack: (config, item, facts) => packRows(config, item, facts, DIALECT),
  async open(config, way) {
    const client = await loadClient('postgres', () => import('postgres'))
    const socket = await way.connect(config)
    const sql = client.default(optionsOf(config, socket, way.timeoutMs))
    const link = { sql, own: way.own, isAlive: () => isOpen(socket), cut: () => cut(sql, socket) }
    try {
      await refuseOwn(sql, way.own)
      await makeDeliveries(sql, config)
      await forgetOld(sql, config)
      return link
    } catch (error) {
      link.cut()
      throw error
    }
  },
  async deliver({ sql, own }, { deliveryId, rows, isTest }, config) {
    return sql.begin(async (transaction) => {
      // Asked again with each delivery, over the very connection that is about to write.
      await refuseOwn(transaction, own)
      await transaction.unsafe(`SELECT pg_catalog.set_config('statement_timeout', $1, true)`, [
        String(config.timeoutMs),
      ])
      if (isTest) await transaction.unsafe('SAVEPOINT sluice_test')
      const noted = await transaction.unsafe(
        `INSERT INTO ${deliveriesOf(config)} (id) VALUES ($1) ON CONFLICT DO NOTHING`,
        [deliveryId],
      )
      if (noted.count === 0) return 'delivered before: nothing was written'
      let written = 0
      for (const part of partsOf(rows, PARAMETERS_MAX))
        written += (await transaction.unsafe(insertOf(config, part), part.flat())).count
      // What would be checked at the end is checked before it is taken back.
      if (isTest) await transaction.unsafe('SET CONSTRAINTS ALL IMMEDIATE; ROLLBACK TO SAVEPOINT sluice_test')
      return spokenRows(written, isTest)
    }) as Promise<string>
  },
  judge,
}

function optionsOf(
  config: Config,
  socket: Socket,
  timeoutMs: number,
): postgres.Options<Record<string, never>> {
  const { host, port, database, auth } = config
  let isTaken = false
  const options = {
    host,
    port,
    database,
    username: auth.username,
    ...(auth.password !== undefined && { password: auth.password }),
    max: 1,
    ssl: config.tls ? tlsOptions(config) : false,
    fetch_types: false,
    // Behind a pooler, a prepared statement may be on another connection than the one that is asked for it.
    prepare: false,
    idle_timeout: 0,
    max_lifetime: null,
    connect_timeout: Math.ceil(timeoutMs / 1_000),
    onnotice: () => {},
    connection: { application_name: 'sluice' },
    types: { text: TEXT },
    // A link that is lost stays lost: it was checked once, and a new one is checked anew.
    socket: async () => {
      if (isTaken) throw new Error('the connection was lost')
      isTaken = true
      return socket
    },
  }
  return options as unknown as postgres.Options<Record<string, never>>
}

/** Every value goes and comes as the text that the server itself reads and writes: no digit is lost, nothing is guessed. */
const TEXT = {
  to: 0,
  from: [16, 17, 20, 21, 23, 26, 114, 700, 701, 1082, 1114, 1184, 3802],
  serialize: (value: unknown) => String(value),
  parse: (text: string) => text,
}

function cut(sql: Sql, socket: Socket): void {
  sql.end({ timeout: 0 }).catch(() => {})
  socket.destroy()
}

type Asking = Pick<Sql, 'unsafe'>

async function refuseOwn(sql: Asking, own: Way['own']): Promise<void> {
  const ours = await own.postgres().catch((error: Error) => {
    throw new Failed('retry', 'own_server', `Sluice cannot tell its own PostgreSQL: ${error.message}`)
  })
  if ((await identityOf(sql)) === ours)
    throw new Failed(
      'dead',
      'own_server',
      'this is the PostgreSQL of Sluice itself; nothing is written there',
    )
}

async function identityOf(sql: Asking): Promise<string | undefined> {
  try {
    const [row] = await sql.unsafe(
      'SELECT system_identifier::text AS identity FROM pg_catalog.pg_control_system()',
    )
    return String(row?.identity)
  } catch (error) {
    const code = codeOf(error)
    // A server without this function only speaks like PostgreSQL, and ours is one.
    if (code === '42883') return undefined
    if (code !== '42501') throw error
    const advice = 'GRANT EXECUTE ON FUNCTION pg_control_system() to its user'
    throw new Failed('dead', 'own_server', `the server does not tell which one it is: ${advice}`)
  }
}

async function makeDeliveries(sql: Sql, config: Config): Promise<void> {
  const name = deliveriesOf(config)
  const isThere = async () =>
    (await sql.unsafe('SELECT pg_catalog.to_regclass($1)::text AS name', [name]))[0]?.name != null
  if (await isThere()) return
  const statement = `CREATE TABLE IF NOT EXISTS ${name} (id uuid PRIMARY KEY, delivered_at timestamptz NOT NULL DEFAULT now())`
  try {
    await sql.unsafe(statement)
  } catch (error) {
    // Two that make it at once: IF NOT EXISTS does not help the later one.
    if (await isThere()) return
    if (codeOf(error) !== '42501') throw error
    throw new Failed(
      'dead',
      'unauthorized',
      `the user may not make the table of deliveries; let another one run: ${statement}`,
    )
  }
}

/** Some of what is old enough; a user without the right to delete keeps it all. */
async function forgetOld(sql: Sql, config: Config): Promise<void> {
  const before = new Date(Date.now() - REMEMBERED_MS)
  const name = deliveriesOf(config)
  await sql
    .unsafe(
      `DELETE FROM ${name} WHERE id IN (SELECT id FROM ${name} WHERE id < $1 AND delivered_at < $2 LIMIT 5000)`,
      [firstIdAt(before), before.toISOString()],
    )
    .catch((error: unknown) => {
      if (codeOf(error) !== '42501') throw error
    })
}

function insertOf({ schema, table, columns, key }: Config, rows: Cell[][]): string {
  const names = Object.keys(columns)
  let number = 0
  const values = rows.map((row) => `(${row.map(() => `$${++number}`).join(', ')})`)
  const into = `INSERT INTO ${qualified(schema, table)} (${names.map(quoted).join(', ')}) VALUES ${values.join(', ')}`
  if (!key) return into
  const others = names.filter((name) => !key.includes(name))
  const changes = others.map((name) => `${quoted(name)} = excluded.${quoted(name)}`)
  const action = changes.length === 0 ? 'DO NOTHING' : `DO UPDATE SET ${changes.join(', ')}`
  return `${into} ON CONFLICT (${key.map(quoted).join(', ')}) ${action}`
}

function deliveriesOf({ schema }: Config): string {
  return qualified(schema, DELIVERIES_TABLE)
}

function qualified(schema: string | undefined, name: string): string {
  return schema === undefined ? quoted(name) : `${quoted(schema)}.${quoted(name)}`
}

function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : ''
}

const ADVICE: Record<string, { reason: 'not_found' | 'unauthorized' | 'bad_payload'; advice: string }> = {
  '3D000': { reason: 'not_found', advice: 'check the database of the destination' },
  '3F000': { reason: 'not_found', advice: 'check the schema of the destination' },
  '42P01': { reason: 'not_found', advice: 'check schema and table of the destination' },
  '42703': { reason: 'not_found', advice: 'check the columns of the destination' },
  '42P10': { reason: 'not_found', advice: 'its "key" needs a unique index over exactly these columns' },
  '42501': { reason: 'unauthorized', advice: 'give its user the right' },
  '28P01': { reason: 'unauthorized', advice: 'check the auth of the destination' },
  '28000': {
    reason: 'unauthorized',
    advice: 'check the auth of the destination, and whom the server lets in',
  },
}

/** Source: PostgreSQL documentation, appendix "PostgreSQL Error Codes". */
function judge(error: unknown): Verdict | undefined {
  const code = codeOf(error)
  if (!/^[0-9A-Z]{5}$/.test(code)) return undefined
  const said = `PostgreSQL says ${code}: ${(error as Error).message}`
  // It was there when the link was opened; the next one makes it anew.
  if (code === '42P01' && said.includes(DELIVERIES_TABLE))
    return { verdict: 'retry', reason: 'server_error', message: said }
  const known = ADVICE[code]
  if (known) return { verdict: 'dead', reason: known.reason, message: `${said}; ${known.advice}` }
  if (/^(?:40|53|55)/.test(code) || code === '57014')
    return { verdict: 'retry', reason: 'busy', message: said }
  // A standby is read-only until it is the new primary.
  if (/^(?:08|57P|58|XX)/.test(code) || code === '25006')
    return { verdict: 'retry', reason: 'server_error', message: said }
  if (/^(?:22|23|42|0A|P0|21)/.test(code))
    return { verdict: 'dead', reason: 'bad_payload', message: `${said}; check the mapping` }
  return { verdict: 'retry', reason: 'refused', message: said }
}
