import type { Sql, Transaction } from '../platform/postgres.ts'
import { openSnapshot, type Snapshot, type Witness, witnessed } from '../platform/witness.ts'
import type { HandshakeState } from './model.ts'
import { tellOfChange } from './notices.ts'

/** What a source told in a handshake that pins it. */
export interface Pinning {
  kind: string
  /** What identifies the sender from here on. */
  pinned: Readonly<Record<string, string>>
  /** Shown to the operator. */
  note: Readonly<Record<string, string>> | null
}

/** Far more than any source tells; a stranger may be telling it. */
const TEXT_CHARS_MAX = 10_000

/**
 * Pins the sender of an integration that waits for its handshake, and ends the wait: of several processes that are
 * told at the same moment one succeeds. `same` is what is pinned already, told again.
 */
export async function pinHandshake(
  sql: Sql,
  integrationId: string,
  { kind, pinned, note }: Pinning,
  at: Date,
): Promise<'pinned' | 'same' | 'refused'> {
  const text = written(pinned)
  if (text.length > TEXT_CHARS_MAX) return 'refused'
  const taken = await sql.begin(async (transaction) => {
    const rows = await transaction`
      UPDATE integration_handshakes
      SET pinned = ${text}, kind = ${kind}, note = ${keptNote(note)}, received_at = ${at}, waiting_until = NULL
      WHERE integration_id = ${integrationId} AND waiting_until > ${at} RETURNING 1`
    if (rows.length === 1) await tellOfChange(transaction)
    return rows.length === 1
  })
  if (taken) return 'pinned'
  // Asked afterwards, so that it sees what another process has just pinned.
  const same = await sql`
    SELECT 1 FROM integration_handshakes WHERE integration_id = ${integrationId} AND pinned = ${text}`
  return same.length === 1 ? 'same' : 'refused'
}

/** A note that says the same again is not written so soon. */
const SAME_NOTE_SECONDS = 60

/**
 * Keeps what a source told, for the operator. Other processes are not told: whoever shows it reads it from the table,
 * because strangers may send notes, and each of them must not make every process read all definitions.
 */
export async function noteHandshake(
  sql: Sql,
  integrationId: string,
  { kind, note }: Pick<Pinning, 'kind' | 'note'>,
  at: Date,
): Promise<void> {
  await sql`
    INSERT INTO integration_handshakes AS known (integration_id, kind, note, received_at)
    SELECT id, ${kind}::text, ${keptNote(note)}::text, ${at}::timestamptz FROM integrations WHERE id = ${integrationId} FOR KEY SHARE
    ON CONFLICT (integration_id) DO UPDATE
      SET kind = excluded.kind, note = excluded.note, received_at = excluded.received_at
      WHERE (known.kind, known.note) IS DISTINCT FROM (excluded.kind, excluded.note)
        OR known.received_at < excluded.received_at - make_interval(secs => ${SAME_NOTE_SECONDS})`
}

/** Lets a handshake pin the sender until then, or no longer. What is pinned stays until another one is. */
export async function awaitHandshake(
  sql: Sql,
  integrationId: string,
  until: Date | null,
  witness: Witness | undefined,
): Promise<void> {
  await sql.begin((transaction) =>
    witnessed({ transaction, witness, snapshot: () => snapshotOf(transaction, integrationId) }, async () => {
      await writeWait(transaction, integrationId, until)
      await tellOfChange(transaction)
      return true
    }),
  )
}

/** As part of a transaction that tells of its changes itself. */
export async function writeWait(
  transaction: Transaction,
  integrationId: string,
  until: Date | null,
): Promise<void> {
  await transaction`
    INSERT INTO integration_handshakes (integration_id, waiting_until)
    SELECT id, ${until}::timestamptz FROM integrations WHERE id = ${integrationId} FOR KEY SHARE
    ON CONFLICT (integration_id) DO UPDATE SET waiting_until = excluded.waiting_until`
}

/** Forgets the pinned sender, the wait and the note. False when there was nothing. */
export async function forgetHandshake(
  sql: Sql,
  integrationId: string,
  witness: Witness | undefined,
): Promise<boolean> {
  return sql.begin((transaction) =>
    witnessed({ transaction, witness, snapshot: () => snapshotOf(transaction, integrationId) }, async () => {
      const rows = await transaction`
        DELETE FROM integration_handshakes WHERE integration_id = ${integrationId} RETURNING 1`
      await tellOfChange(transaction)
      return rows.length === 1
    }),
  )
}

/** Without the note, which may hold what opens something at the source. */
async function snapshotOf(transaction: Transaction, integrationId: string): Promise<Snapshot | undefined> {
  const [row] = await transaction<(HandshakeRow & { applicationId: string })[]>`
    SELECT application_id AS "applicationId", ${transaction.unsafe(HANDSHAKE)}
    FROM integration_handshakes JOIN integrations ON id = integration_id
    WHERE integration_id = ${integrationId}`
  if (!row) return undefined
  const { applicationId, ...handshake } = row
  const { waitingUntil, pinned } = readHandshake(handshake)
  return openSnapshot(integrationId, applicationId, { handshake: { waitingUntil, pinned } })
}

export const HANDSHAKE = `integration_id AS "integrationId", waiting_until AS "waitingUntil", pinned, kind, note,
  received_at AS "receivedAt"`

export type HandshakeRow = Omit<HandshakeState, 'pinned' | 'note'> & {
  integrationId: string
  pinned: string | null
  note: string | null
}

export function readHandshake({ integrationId: _, pinned, note, ...rest }: HandshakeRow): HandshakeState {
  return { ...rest, pinned: pinned && JSON.parse(pinned), note: note && JSON.parse(note) }
}

/** As they stand in the table, by integration. */
export async function findHandshakes(
  sql: Sql,
  integrationIds: readonly string[],
): Promise<Map<string, HandshakeState>> {
  if (integrationIds.length === 0) return new Map()
  const rows = await sql<HandshakeRow[]>`
    SELECT ${sql.unsafe(HANDSHAKE)} FROM integration_handshakes
    WHERE integration_id = ANY(${[...integrationIds]}::text[])`
  return new Map(rows.map((row) => [row.integrationId, readHandshake(row)]))
}

/** Keys in order, so that the same facts are the same text. */
function written(facts: Readonly<Record<string, string>>): string {
  return JSON.stringify(Object.fromEntries(Object.entries(facts).toSorted(([a], [b]) => (a < b ? -1 : 1))))
}

function keptNote(note: Pinning['note']): string | null {
  const text = note && written(note)
  return text !== null && text.length <= TEXT_CHARS_MAX ? text : null
}
