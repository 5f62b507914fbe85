import { firstIdAt } from '../platform/ids.ts'
import type { PartitionedTable } from './partitions.ts'
import { type EventState, UNFINISHED } from './states.ts'

/** The states in which an event is not dropped, however old it is: something is still to be done about it. */
export const KEPT_STATES: readonly EventState[] = [...UNFINISHED.event, 'dead', 'quarantined']

/** Rows of one table by the time in their ids. */
export interface RowRange {
  table: PartitionedTable
  /** The partition in which they are looked for. */
  leaf: string
  /** UTC; undefined for everything before the end. */
  start: Date | undefined
  end: Date
}

/** An event gets its id when its body was read, and two machines have two clocks. */
const AFTER_MIDNIGHT_MS = 3_600_000
const FIRST_ID = '00000000-0000-0000-0000-000000000000'
const OPEN_RUNS = `state IN ('queued', 'running', 'retrying')`
/** In the parts for which there are indexes. */
const OPEN_DELIVERIES = [
  `state IN ('delayed', 'retrying')`,
  `state = 'waiting'`,
  `state IN ('queued', 'sending')`,
]
const quoted = (texts: readonly string[]) => texts.map((text) => `'${text}'`).join(', ')
const KEPT = quoted(KEPT_STATES)

export function boundsOf({ start, end }: Pick<RowRange, 'start' | 'end'>) {
  return {
    from: start === undefined ? FIRST_ID : firstIdAt(start),
    to: firstIdAt(end),
    late: firstIdAt(new Date(end.getTime() + AFTER_MIDNIGHT_MS)),
  }
}

/** When a row, as `x`, goes. What belongs to an event goes when that is gone. */
export function goes({ table, start, end }: Omit<RowRange, 'leaf'>): string {
  const { from, late } = boundsOf({ start, end })
  switch (table) {
    case 'events':
      return `x.state NOT IN (${KEPT}) AND NOT EXISTS (
        SELECT FROM deliveries WHERE deliveries.event_id = x.id AND deliveries.ended_at IS NULL)`
    case 'requests':
      return `NOT EXISTS (SELECT FROM events WHERE events.request_id = x.id AND events.id >= '${from}' AND events.id < '${late}')`
    case 'runs':
    case 'deliveries':
      return 'NOT EXISTS (SELECT FROM events WHERE events.id = x.event_id)'
    case 'node_results':
      return 'NOT EXISTS (SELECT FROM runs WHERE runs.id = x.run_id)'
    case 'attempts':
      return 'NOT EXISTS (SELECT FROM deliveries WHERE deliveries.id = x.delivery_id)'
  }
}

/**
 * What is looked for before the partition is locked, because it takes long: ids of rows that stay. What begins to stay
 * after that is found by {@link stayingRows}.
 */
export function stayingIds(range: RowRange): string | undefined {
  const { from, to, late } = boundsOf(range)
  if (range.table === 'events') {
    return [
      `SELECT id FROM ${range.leaf} WHERE state IN (${KEPT})`,
      ...OPEN_DELIVERIES.map(
        (open) => `SELECT event_id FROM deliveries WHERE ${open} AND ${within('event_id')}`,
      ),
    ].join(' UNION ')
  }
  if (range.table === 'requests')
    return `SELECT DISTINCT request_id AS id FROM events WHERE id >= '${to}' AND id < '${late}' AND ${within('request_id')}`
  return undefined

  function within(column: string): string {
    return `${column} >= '${from}' AND ${column} < '${to}'`
  }
}

/**
 * The rows that stay, found by indexes alone. It is asked with the partition locked, so that whatever made work of an
 * ended event, or brought an old one in, is either seen here or not done yet; and the first of that is always a run or
 * delivery that is unfinished, or an event in quarantine.
 */
export function stayingRows(range: RowRange): string {
  const { leaf, table } = range
  const { from, to } = boundsOf(range)
  const within = (column: string) => `${column} >= '${from}' AND ${column} < '${to}'`
  const joined = (ids: string[], column: string) =>
    `SELECT x.* FROM (${ids.join(' UNION ')}) AS staying(key) JOIN ${leaf} x ON x.${column} = staying.key`
  switch (table) {
    case 'events':
      return joined(
        [
          'SELECT id FROM staying_ids',
          `SELECT id FROM ${leaf} WHERE state = 'quarantined'`,
          `SELECT event_id FROM runs WHERE ${OPEN_RUNS} AND ${within('event_id')}`,
          ...OPEN_DELIVERIES.map(
            (open) => `SELECT event_id FROM deliveries WHERE ${open} AND ${within('event_id')}`,
          ),
        ],
        'id',
      )
    case 'requests':
      return joined(
        [
          'SELECT id FROM staying_ids',
          `SELECT request_id FROM events WHERE ${within('id')}`,
          `SELECT request_id FROM events WHERE state = 'quarantined' AND ${within('request_id')}`,
          `SELECT request_id FROM runs JOIN events ON events.id = runs.event_id WHERE runs.${OPEN_RUNS} AND ${within('request_id')}`,
        ],
        'id',
      )
    case 'runs':
    case 'deliveries':
      return `${joined([`SELECT id FROM events WHERE id < '${to}'`], 'event_id')}
        UNION ALL SELECT * FROM ${leaf} WHERE event_id >= '${to}'`
    case 'node_results':
      return joined([`SELECT id FROM runs WHERE ${within('id')}`], 'run_id')
    case 'attempts':
      return `${joined([`SELECT id FROM deliveries WHERE id < '${to}'`], 'delivery_id')}
        UNION ALL SELECT * FROM ${leaf} WHERE delivery_id >= '${to}'`
  }
}
