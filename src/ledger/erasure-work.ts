import type { SoughtText } from '../payload/sought-text.ts'
import type { Sql, Transaction } from '../platform/postgres.ts'
import { eraseEvent, eraseRequest } from './erase.ts'
import { lookAtEvents, lookAtRequests } from './erasure-search.ts'
import type { ErasureScope } from './erasures.ts'

/** What the ledger must be told to work on an erasure. */
export interface ErasureFacts {
  /** Opens what is looked for. @throws Error when it cannot be opened */
  seek(erasureId: string, sealed: string, partsOfWords: boolean): SoughtText
  /** Erases what is kept elsewhere of these events, and with this text. */
  eraseElsewhere(eventIds: readonly string[], sought: SoughtText): Promise<void>
}

interface Claimed extends ErasureScope {
  id: string
  state: 'searching' | 'erasing'
  search: string
  partsOfWords: boolean
  unfinished: 'keep' | 'discard'
  lookingAt: 'events' | 'requests'
  lookedTo: string | null
}

const ITEMS_AT_ONCE = 100
/** What is being worked on is looked at again after it. */
const BUSY_SECONDS = 5
/** As long as one part may take before another process takes it for lost. */
const LEASE_SECONDS = 300

/** Works off one part of an erasure that is due. False when none is. */
export async function workOffErasure(sql: Sql, facts: ErasureFacts): Promise<boolean> {
  const claimed = await claimErasure(sql)
  if (!claimed) return false
  const sought = facts.seek(claimed.id, claimed.search, claimed.partsOfWords)
  if (claimed.state === 'searching') await lookFurther(sql, claimed, sought)
  else await eraseFurther(sql, claimed, sought, facts)
  return true
}

async function claimErasure(sql: Sql): Promise<Claimed | undefined> {
  const [claimed] = await sql<Claimed[]>`
    UPDATE erasures SET next_at = now() + make_interval(secs => ${LEASE_SECONDS})
    WHERE id = (SELECT id FROM erasures WHERE state IN ('searching', 'erasing') AND next_at <= now()
                ORDER BY next_at LIMIT 1 FOR UPDATE SKIP LOCKED)
    RETURNING id, state, search, parts_of_words AS "partsOfWords", unfinished, looking_at AS "lookingAt",
              looked_to AS "lookedTo", application_id AS "applicationId", integration_id AS "integrationId",
              received_from AS "receivedFrom", received_before AS "receivedBefore"`
  return claimed
}

async function lookFurther(sql: Sql, claimed: Claimed, sought: SoughtText): Promise<void> {
  const { id, lookingAt, lookedTo } = claimed
  const look = lookingAt === 'events' ? lookAtEvents : lookAtRequests
  const { looked, to, found } = await look(sql, sought, claimed, lookedTo)
  const isOver = to === undefined && lookingAt === 'requests'
  const next = to === undefined ? 'requests' : lookingAt
  await sql`
    WITH open AS (
      SELECT id FROM erasures WHERE id = ${id} AND state = 'searching' FOR UPDATE
    ), added AS (
      INSERT INTO erasure_items (erasure_id, subject_id, kind)
      SELECT open.id, given.id, given.kind
      FROM open, json_to_recordset(${JSON.stringify(found)}::text::json) AS given(id uuid, kind text)
      ON CONFLICT DO NOTHING RETURNING 1
    )
    UPDATE erasures SET looked = looked + ${looked}, matched = matched + (SELECT count(*) FROM added),
           looking_at = ${next}, looked_to = ${to ?? null}, next_at = now(),
           state = ${isOver ? 'found' : 'searching'}, found_at = CASE WHEN ${isOver} THEN now() END
    FROM open WHERE erasures.id = open.id`
}

async function eraseFurther(
  sql: Sql,
  claimed: Claimed,
  sought: SoughtText,
  facts: ErasureFacts,
): Promise<void> {
  const { id } = claimed
  const items = await sql<{ id: string; kind: 'event' | 'request' }[]>`
    SELECT subject_id AS id, kind FROM erasure_items
    WHERE erasure_id = ${id} AND refusal IS NULL AND subject_id > coalesce(${claimed.lookedTo}::uuid, '00000000-0000-0000-0000-000000000000')
    ORDER BY subject_id LIMIT ${ITEMS_AT_ONCE}`
  const events = items.flatMap((item) => (item.kind === 'event' ? item.id : []))
  // Before the items are gone, so that whoever goes on after a crash does it again.
  if (events.length > 0 || claimed.lookedTo === null) await facts.eraseElsewhere(events, sought)
  for (const item of items)
    await sql.begin(async (transaction) => {
      const [open] =
        await transaction`SELECT id FROM erasures WHERE id = ${id} AND state = 'erasing' FOR UPDATE`
      if (open) await eraseItem(transaction, item, claimed, sought)
    })
  if (items.length === ITEMS_AT_ONCE) {
    await sql`UPDATE erasures SET looked_to = ${items.at(-1)?.id ?? null}, next_at = now() WHERE id = ${id} AND state = 'erasing'`
    return
  }
  const filters = await sql<{ id: string; filter: string }[]>`
    SELECT id, filter FROM replays WHERE filter COLLATE "C" ~* ${sought.pattern}`
  const soughtFor = filters.filter(({ filter }) => sought.isIn(filter)).map((replay) => replay.id)
  await sql`
    WITH busy AS (
      SELECT EXISTS (SELECT FROM erasure_items WHERE erasure_id = ${id} AND refusal IS NULL) AS any
    ), filters AS (
      UPDATE replays SET filter = '{"text":"***"}' FROM busy
      WHERE NOT busy.any AND replays.id = ANY(${soughtFor}::uuid[])
    )
    UPDATE erasures SET looked_to = NULL,
           next_at = now() + make_interval(secs => CASE WHEN busy.any THEN ${BUSY_SECONDS} ELSE 0 END),
           state = CASE WHEN busy.any THEN 'erasing' ELSE 'done' END,
           search = CASE WHEN busy.any THEN search END, ended_at = CASE WHEN NOT busy.any THEN now() END
    FROM busy WHERE id = ${id} AND state = 'erasing'`
}

async function eraseItem(
  transaction: Transaction,
  item: { id: string; kind: 'event' | 'request' },
  { id, unfinished }: Claimed,
  { isIn }: SoughtText,
): Promise<void> {
  const erased =
    item.kind === 'event'
      ? await eraseEvent(transaction, item.id, { what: 'content', by: id, unfinished, isSought: isIn })
      : (await eraseRequest(transaction, item.id, isIn))
        ? 'erased'
        : 'gone'
  if (erased === 'busy') return
  if (erased === 'unfinished') {
    await transaction`
      UPDATE erasure_items SET refusal = 'it is not finished' WHERE erasure_id = ${id} AND subject_id = ${item.id}`
    await transaction`UPDATE erasures SET kept = kept + 1 WHERE id = ${id}`
    return
  }
  await transaction`DELETE FROM erasure_items WHERE erasure_id = ${id} AND subject_id = ${item.id}`
  await transaction`UPDATE erasures SET erased = erased + 1 WHERE id = ${id}`
}
