import type { Json } from '../../payload/exact-json.ts'
import { isNumeric } from '../../payload/exact-json.ts'
import type { DeliveryFacts } from '../push.ts'
import type { Packed } from './kind.ts'
import { readValues, textOf } from './values.ts'

interface TableConfig {
  columns: Record<string, string | { template: string }>
  key?: string[] | undefined
  unknownFields: 'error' | 'empty'
}

/** A value as a text that the server reads as its column's type, so that numbers keep every digit. */
export type Cell = string | null

export interface RowsParcel {
  deliveryId: string
  rows: Cell[][]
  isTest: boolean
}

/** How a server writes things. */
export interface Dialect<Config> {
  /** What true and false are written as. */
  booleans: [yes: string, no: string]
  insertOf(config: Config, rows: Cell[][]): string
}

/** An item as rows, and what the attempt shows of them: the statement for the first. */
export function packRows<Config extends TableConfig>(
  config: Config,
  item: Json,
  { deliveryId, isTest = false }: DeliveryFacts,
  { booleans, insertOf }: Dialect<Config>,
): Packed<RowsParcel> {
  const read = rowsOf(config, item, booleans)
  if (!read.ok) return read
  const { rows } = read
  const headers: [string, string][] = [
    ['statement', insertOf(config, rows.slice(0, 1))],
    ['rows', String(rows.length)],
    ['delivery', deliveryId],
  ]
  return { ok: true, parcel: { deliveryId, rows, isTest }, shown: { headers } }
}

type Rows = { ok: true; rows: Cell[][] } | { ok: false; message: string }

const ROWS_MAX = 10_000

/**
 * One row, or one for each element of a list. Of rows with the same key the last stays, because no database updates a
 * row twice in one statement.
 */
function rowsOf(config: TableConfig, item: Json, booleans: [yes: string, no: string]): Rows {
  const elements = Array.isArray(item) ? item : [item]
  if (elements.length > ROWS_MAX) return { ok: false, message: `an item becomes at most ${ROWS_MAX} rows` }
  const rows: Cell[][] = []
  for (const [at, element] of elements.entries()) {
    const read = readValues(config.columns, element, config.unknownFields)
    if (!read.ok) return Array.isArray(item) ? { ok: false, message: `[${at}]: ${read.message}` } : read
    rows.push(read.values.map((value) => cellOf(value, booleans)))
  }
  return { ok: true, rows: config.key ? lastOfEach(rows, config.columns, config.key) : rows }
}

function cellOf(value: Json, [yes, no]: [string, string]): Cell {
  if (value === null) return null
  if (typeof value === 'boolean') return value ? yes : no
  return isNumeric(value) ? String(value) : textOf(value)
}

function lastOfEach(rows: Cell[][], columns: object, key: string[]): Cell[][] {
  const places = key.map((name) => Object.keys(columns).indexOf(name))
  const last = new Map(rows.map((row) => [JSON.stringify(places.map((place) => row[place])), row]))
  return [...last.values()]
}

/** Rows in parts that fit into one statement each. */
export function partsOf(rows: Cell[][], parametersMax: number): Cell[][][] {
  const size = Math.max(1, Math.floor(parametersMax / Math.max(1, rows[0]?.length ?? 1)))
  return Array.from({ length: Math.ceil(rows.length / size) }, (_, at) =>
    rows.slice(at * size, (at + 1) * size),
  )
}

/** For the operator. */
export function spokenRows(count: number, isTest: boolean): string {
  const rows = `${count} ${count === 1 ? 'row' : 'rows'} written`
  return isTest ? `${rows}, and taken back: this was a test` : rows
}

/** For how long a delivery is remembered beside the rows that it wrote. */
export const REMEMBERED_MS = 90 * 86_400_000
export const DELIVERIES_TABLE = 'sluice_deliveries'
