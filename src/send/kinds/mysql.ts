import type { Socket } from 'node:net'
import type { Connection, ResultSetHeader, RowDataPacket } from 'mysql2/promise'
import type { ConfigOf } from '../../integrations/integrations.ts'
import { firstIdAt } from '../../platform/ids.ts'
import type { Verdict } from '../verdict.ts'
import { Failed, type Kind, type Link, loadClient } from './kind.ts'
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

type Config = ConfigOf<'mysql'>

interface MysqlLink extends Link {
  connection: Connection
}

const PARAMETERS_MAX = 60_000
/** It has no booleans of its own. */
const DIALECT: Dialect<Config> = { booleans: ['1', '0'], insertOf }

/** Rows of a table in MySQL or MariaDB, in one transaction with the id of the delivery. */
export const mysqlKind: Kind<Config, RowsParcel, MysqlLink> = {
  address: (config) => ({
    method: config.key ? 'UPSERT' : 'INSERT',
    url: `mysql://${config.host}:${config.port}/${config.database}/${config.table}`,
  }),
  secrets: secretsOf,
  pack: (config, item, facts) => packRows(config, item, facts, DIALECT),
  async open(config, way) {
    const client = await loadClient('mysql2', () => import('mysql2/promise'))
    const socket = await way.connect(config)
    try {
      const connection = await client.createConnection(optionsOf(config, socket, way.timeoutMs))
      // The error of a link that is lost while nobody uses it.
      connection.on('error', () => {})
      const link = { connection, isAlive: () => isOpen(socket), cut: () => cut(connection, socket) }
      await prepare(connection, config)
      return link
    } catch (error) {
      socket.destroy()
      throw error
    }
  },
  async deliver({ connection }, { deliveryId, rows, isTest }, config) {
    await connection.beginTransaction()
    const [noted] = await connection.execute<ResultSetHeader>(
      `INSERT IGNORE INTO ${DELIVERIES_TABLE} (id) VALUES (?)`,
      [deliveryId],
    )
    if (noted.affectedRows === 0) {
      await connection.rollback()
      return 'delivered before: nothing was written'
    }
    for (const part of partsOf(rows, PARAMETERS_MAX))
      await connection.execute<ResultSetHeader>(insertOf(config, part), part.flat())
    await (isTest ? connection.rollback() : connection.commit())
    return spokenRows(rows.length, isTest)
  },
  judge,
}

function optionsOf(config: Config, socket: Socket, timeoutMs: number) {
  const { host, port, database, auth } = config
  const { rejectUnauthorized, minVersion, ca, cert, key, passphrase } = { ...NO_TLS, ...tlsOptions(config) }
  const ssl = {
    rejectUnauthorized,
    minVersion,
    verifyIdentity: true,
    ...(ca && { ca }),
    ...(cert && { cert }),
    ...(key && { key }),
    ...(passphrase && { passphrase }),
  }
  return {
    host,
    port,
    database,
    user: auth.username,
    ...(auth.password !== undefined && { password: auth.password }),
    stream: socket,
    connectTimeout: timeoutMs,
    charset: 'utf8mb4',
    // What a server sends must not make the client read a file or a query of many statements.
    flags: ['-LOCAL_FILES'],
    multipleStatements: false,
    ...(config.tls && { ssl }),
  }
}

const NO_TLS: { ca?: string[]; cert?: string; key?: string; passphrase?: string } = {}

function cut(connection: Connection, socket: Socket): void {
  connection.destroy()
  socket.destroy()
}

async function prepare(connection: Connection, config: Config): Promise<void> {
  // A text that is too long or a number out of range is refused, and not made to fit.
  await connection.query(`SET SESSION sql_mode = CONCAT(@@sql_mode, ',STRICT_ALL_TABLES'), autocommit = 1`)
  await refuseUnfit(connection, config)
  await makeDeliveries(connection)
  await forgetOld(connection)
}

/** Tables without transactions would keep half of what was given up, and a key that is none would never be met. */
async function refuseUnfit(connection: Connection, { table, key }: Config): Promise<void> {
  const [found] = await connection.query<RowDataPacket[]>(
    `SELECT ENGINE AS engine FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = ?`,
    [table],
  )
  const engine: unknown = found[0]?.engine
  if (typeof engine === 'string' && !/^innodb$/i.test(engine))
    throw new Failed(
      'dead',
      'not_allowed',
      `the table is kept by ${engine}, which has no transactions; make it InnoDB`,
    )
  if (!key || found.length === 0) return
  const [indexes] = await connection.query<RowDataPacket[]>(
    `SELECT GROUP_CONCAT(COLUMN_NAME ORDER BY COLUMN_NAME SEPARATOR '\\n') AS columns FROM information_schema.STATISTICS
     WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = ? AND NON_UNIQUE = 0 GROUP BY INDEX_NAME`,
    [table],
  )
  const wanted = key
    .map((name) => name.toLowerCase())
    .toSorted()
    .join('\n')
  const unique = indexes.map(({ columns }) => String(columns).toLowerCase().split('\n').toSorted().join('\n'))
  // An index that the user may not see is not known to be missing.
  if (unique.length === 0 || unique.includes(wanted)) return
  throw new Failed('dead', 'not_found', 'the "key" needs a unique index over exactly these columns')
}

async function makeDeliveries(connection: Connection): Promise<void> {
  const statement =
    `CREATE TABLE IF NOT EXISTS ${DELIVERIES_TABLE} (id char(36) CHARACTER SET ascii NOT NULL PRIMARY KEY, ` +
    'delivered_at timestamp NOT NULL DEFAULT CURRENT_TIMESTAMP) ENGINE=InnoDB'
  const [there] = await connection.query<RowDataPacket[]>(
    `SELECT 1 FROM information_schema.TABLES WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = ?`,
    [DELIVERIES_TABLE],
  )
  if (there.length > 0) return
  try {
    await connection.query(statement)
  } catch (error) {
    if (numberOf(error) !== 1142 && numberOf(error) !== 1044) throw error
    throw new Failed(
      'dead',
      'unauthorized',
      `the user may not make the table of deliveries; let another one run: ${statement}`,
    )
  }
}

/** Some of what is old enough; a user without the right to delete keeps it all. */
async function forgetOld(connection: Connection): Promise<void> {
  const before = firstIdAt(new Date(Date.now() - REMEMBERED_MS))
  await connection
    .execute(
      `DELETE FROM ${DELIVERIES_TABLE} WHERE id < ? AND delivered_at < NOW() - INTERVAL ${REMEMBERED_MS / 86_400_000} DAY LIMIT 5000`,
      [before],
    )
    .catch((error: unknown) => {
      if (numberOf(error) !== 1142) throw error
    })
}

function insertOf({ table, columns, key }: Config, rows: Cell[][]): string {
  const names = Object.keys(columns)
  const values = rows.map((row) => `(${row.map(() => '?').join(', ')})`)
  const into = `INSERT INTO ${quoted(table)} (${names.map(quoted).join(', ')}) VALUES ${values.join(', ')}`
  if (!key) return into
  const others = names.filter((name) => !key.includes(name))
  // MariaDB knows no other way to name the new values. A key that is set to itself changes nothing.
  const changed =
    others.length > 0 ? others.map((name) => `${quoted(name)} = VALUES(${quoted(name)})`) : [keepKey(key)]
  return `${into} ON DUPLICATE KEY UPDATE ${changed.join(', ')}`
}

function keepKey([first = '']: string[]): string {
  return `${quoted(first)} = ${quoted(first)}`
}

function quoted(name: string): string {
  return `\`${name.replaceAll('`', '``')}\``
}

function numberOf(error: unknown): number {
  return error instanceof Error && 'errno' in error ? Number(error.errno) : 0
}

const DEAD: [reason: 'unauthorized' | 'not_found' | 'bad_payload', advice: string, numbers: number[]][] = [
  [
    'unauthorized',
    'check the auth of the destination, and its rights',
    [1044, 1045, 1130, 1142, 1143, 1227, 1251, 1370, 1698, 3118],
  ],
  ['not_found', 'check the database of the destination', [1049]],
  ['not_found', 'check the table of the destination', [1051, 1109, 1146]],
  ['not_found', 'check the columns of the destination', [1054]],
  [
    'bad_payload',
    'check the mapping',
    [
      1048, 1062, 1064, 1136, 1216, 1217, 1264, 1265, 1292, 1364, 1366, 1406, 1451, 1452, 1644, 3140, 3819,
      4025,
    ],
  ],
]
const BUSY = new Set([1040, 1158, 1159, 1203, 1205, 1206, 1213, 1226, 3024, 1114])

/** Source: MySQL and MariaDB reference manuals, "Server Error Message Reference" and "MariaDB Error Codes". */
function judge(error: unknown): Verdict | undefined {
  const number = numberOf(error)
  if (error instanceof Error && 'code' in error && /^HANDSHAKE_(?:NO_)?SSL/.test(String(error.code)))
    return { verdict: 'retry', reason: 'tls', message: error.message }
  if (number < 1_000) return undefined
  const { message, sqlState = '' } = error as Error & { sqlState?: string }
  const said = `the server says ${number}: ${message}`
  // It was there when the link was opened; the next one makes it anew.
  if (number === 1146 && said.includes(DELIVERIES_TABLE))
    return { verdict: 'retry', reason: 'server_error', message: said }
  const known = DEAD.find(([, , numbers]) => numbers.includes(number))
  if (known) return { verdict: 'dead', reason: known[0], message: `${said}; ${known[1]}` }
  if (BUSY.has(number) || sqlState.startsWith('40'))
    return { verdict: 'retry', reason: 'busy', message: said }
  if (/^(?:22|23|42)/.test(sqlState))
    return { verdict: 'dead', reason: 'bad_payload', message: `${said}; check the mapping` }
  return { verdict: 'retry', reason: 'server_error', message: said }
}
