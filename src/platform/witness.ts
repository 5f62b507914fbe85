import type { Transaction } from './postgres.ts'

/** One place at which a thing became another, as everybody may read it. Absent: there was, or is, nothing. */
export interface Difference {
  /** `config.retry.delayMs` */
  path: string
  before?: unknown
  after?: unknown
}

/** What was done to one thing. */
export interface Change {
  id: string
  /** Whose it is; null for what belongs to no application. */
  applicationId: string | null
  /** Secrets masked. */
  differences: readonly Difference[]
}

/**
 * Writes a change down in the transaction that makes it, so that there is never one without the other. Whoever changes
 * something that people may change takes one; what the program does by itself has none.
 */
export type Witness = (transaction: Transaction, change: Change) => Promise<void>

/** A thing as it stands, and how it is shown: the same, with its secrets masked. */
export interface Snapshot {
  id: string
  applicationId: string | null
  plain: object
  masked: object
}

export interface Witnessed {
  transaction: Transaction
  witness: Witness | undefined
  /** How the thing stands in the transaction; undefined where it is not there. */
  snapshot(): Promise<Snapshot | undefined>
}

/** Does something to one thing, and tells the witness if it was done. */
export async function witnessed<T>(
  { transaction, witness, snapshot }: Witnessed,
  work: () => Promise<T>,
  isDone: (result: T) => boolean = (result) => result !== false && result !== undefined,
): Promise<T> {
  if (!witness) return work()
  const before = await snapshot()
  const result = await work()
  if (!isDone(result)) return result
  const after = await snapshot()
  const known = after ?? before
  if (!known) throw new Error('a change is to be witnessed of what was never there')
  const { id, applicationId } = known
  await witness(transaction, { id, applicationId, differences: differencesBetween(before, after) })
  return result
}

type Shown = Pick<Snapshot, 'plain' | 'masked'>

/**
 * Where two states of a thing differ. They are compared as they are, so that a new secret is seen to be new, and told
 * as they are shown. Of what was made or deleted, each of its fields is told.
 */
export function differencesBetween(before: Shown | undefined, after: Shown | undefined): Difference[] {
  const found: Difference[] = []
  compare('', before ?? NOTHING, after ?? NOTHING, found)
  return found
}

/** A snapshot of what holds no secret. */
export function openSnapshot(id: string, applicationId: string | null, plain: object): Snapshot {
  return { id, applicationId, plain, masked: plain }
}

interface Sides {
  plain: unknown
  masked: unknown
}

const NOTHING: Shown = { plain: {}, masked: {} }

function compare(path: string, before: Sides, after: Sides, found: Difference[]): void {
  const left = fieldsOf(before.plain)
  const right = fieldsOf(after.plain)
  if (
    left === undefined ||
    right === undefined ||
    Array.isArray(before.plain) !== Array.isArray(after.plain)
  ) {
    if (!isSame(before.plain, after.plain)) found.push(told(path, before, after))
    return
  }
  for (const key of new Set([...left, ...right])) {
    const place = path === '' ? key : `${path}.${key}`
    compare(place, side(before, key), side(after, key), found)
  }
}

/** The keys of what is compared field by field; undefined for what is compared as a whole. */
function fieldsOf(value: unknown): string[] | undefined {
  if (typeof value !== 'object' || value === null || value instanceof Date) return undefined
  return Object.keys(value)
}

function side({ plain, masked }: Sides, key: string): Sides {
  return { plain: valueAt(plain, key), masked: valueAt(masked, key) }
}

function valueAt(held: unknown, key: string): unknown {
  if (typeof held !== 'object' || held === null || !Object.hasOwn(held, key)) return undefined
  return (held as Record<string, unknown>)[key]
}

function isSame(left: unknown, right: unknown): boolean {
  if (left instanceof Date && right instanceof Date) return left.getTime() === right.getTime()
  return left === right
}

function told(path: string, before: Sides, after: Sides): Difference {
  return {
    path,
    ...(before.plain !== undefined && { before: before.masked }),
    ...(after.plain !== undefined && { after: after.masked }),
  }
}
