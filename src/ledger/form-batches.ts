import { batchIdOf } from './batch-id.ts'

/** How deliveries to a destination go together. */
export interface BatchRule {
  itemsMax: number
  /** Of what is sent; a delivery that is larger goes alone. */
  bytesMax: number
  /** So long a delivery waits for others before it goes with whatever there is. */
  waitMs: number
  /** What the batch adds to what its items hold: once, and with each item. */
  wrapBytes: number
  itemBytes: number
  /** Of one order key only one goes at a time, because one may be refused while the next is taken. */
  onePerKey: boolean
}

/** A waiting delivery that may go, or may as soon as the one of its order key before it goes. */
export interface Candidate {
  id: string
  eventId: string
  bytes: number
  /** Since it may go. */
  waitedMs: number
  orderKey: string | null
  uniqueKey: string | null
  /** The unfinished one of its order key right before it. */
  behind: string | null
  /** With those of one batch it was sent before, and nobody knows whether they arrived. */
  batchId: string | null
}

export interface FormedBatch {
  id: string
  /** In the order of their events. */
  members: Candidate[]
}

export interface Formed {
  batches: FormedBatch[]
  /** Until what is left over has waited long enough; null when nothing is. */
  againInMs: number | null
}

/**
 * Puts waiting deliveries together, at most so many batches, in the order in which they are given. A batch that failed
 * as a whole is made again of the same deliveries, so that its id is the same; what is new fills batches of its own,
 * and the last of these goes when it is full or its oldest has waited long enough.
 *
 * A delivery with an order key goes with the one right before it or after it, never sooner.
 */
export function formBatches(candidates: readonly Candidate[], rule: BatchRule, batchesMax: number): Formed {
  const kept = keptTogether(candidates, rule)
  const seen = new Set<string>()
  const uniqueKeys = new Set<string>()
  const followers = new Map<string, Candidate>()
  const formed: Batch[] = []
  let filling: Batch | undefined

  function fill(candidate: Candidate): void {
    const { behind, uniqueKey } = candidate
    if (behind !== null) followers.set(behind, candidate)
    if (uniqueKey !== null && uniqueKeys.has(uniqueKey)) return
    const batch = filling && joins(candidate, filling) ? filling : beginWith(candidate)
    if (!batch) return
    filling = batch
    add(candidate, batch)
    const next = followers.get(candidate.id)
    if (next) fill(next)
  }

  function joins(candidate: Candidate, batch: Batch): boolean {
    return fits(candidate, batch, rule) && mayJoin(candidate, batch, rule)
  }

  /** What has to wait for another one begins no batch. */
  function beginWith({ behind }: Candidate): Batch | undefined {
    if (behind !== null) return undefined
    const batch = emptyBatch(rule)
    formed.push(batch)
    return batch
  }

  function putTogetherAgain(members: readonly Candidate[]): void {
    const batch = emptyBatch(rule)
    for (const member of members) {
      seen.add(member.id)
      const isRepeated = member.uniqueKey !== null && uniqueKeys.has(member.uniqueKey)
      if (!isRepeated && mayJoin(member, batch, { onePerKey: false })) add(member, batch)
    }
    if (batch.ids.size > 0) formed.push(batch)
  }

  function add(candidate: Candidate, batch: Batch): void {
    seen.add(candidate.id)
    if (candidate.uniqueKey !== null) uniqueKeys.add(candidate.uniqueKey)
    batch.members.push(candidate)
    batch.ids.add(candidate.id)
    batch.bytes += candidate.bytes + rule.itemBytes
  }

  for (const candidate of candidates) {
    if (seen.has(candidate.id)) continue
    const members = candidate.batchId === null ? undefined : kept.get(candidate.batchId)
    if (members) putTogetherAgain(members)
    else fill(candidate)
  }
  return whatGoes(formed, filling, rule, batchesMax)
}

interface Batch {
  members: Candidate[]
  ids: Set<string>
  bytes: number
}

function emptyBatch({ wrapBytes }: BatchRule): Batch {
  return { members: [], ids: new Set(), bytes: wrapBytes }
}

/** The last batch may still grow; all others are as full as they get, or go as they went before. */
function whatGoes(formed: Batch[], last: Batch | undefined, rule: BatchRule, batchesMax: number): Formed {
  const { itemsMax, bytesMax, waitMs } = rule
  const grows = last !== undefined && last.members.length < itemsMax && last.bytes < bytesMax
  const againInMs = grows ? waitMs - Math.max(...last.members.map(({ waitedMs }) => waitedMs)) : 0
  const going = againInMs > 0 ? formed.filter((batch) => batch !== last) : formed
  const batches = going.slice(0, batchesMax).map(({ ids, members }) => {
    return { id: batchIdOf([...ids]), members: members.toSorted(byEvent) }
  })
  return { batches, againInMs: againInMs > 0 ? againInMs : null }
}

/** By batch, in the order of events; those that the rule does not let go together any more are left out. */
function keptTogether(candidates: readonly Candidate[], rule: BatchRule): Map<string, Candidate[]> {
  const groups = new Map<string, Candidate[]>()
  for (const [batchId, members] of Map.groupBy(candidates, (one) => one.batchId)) {
    if (batchId === null) continue
    const keys = members.flatMap(({ orderKey }) => (orderKey === null ? [] : [orderKey]))
    const sharesKey = rule.onePerKey && new Set(keys).size < keys.length
    const bytes = members.reduce((sum, one) => sum + one.bytes + rule.itemBytes, rule.wrapBytes)
    const isTooLarge = members.length > rule.itemsMax || (members.length > 1 && bytes > rule.bytesMax)
    if (!sharesKey && !isTooLarge) groups.set(batchId, members.toSorted(byEvent))
  }
  return groups
}

function fits({ bytes }: Candidate, batch: Batch, { itemsMax, bytesMax, itemBytes }: BatchRule): boolean {
  return batch.members.length < itemsMax && batch.bytes + bytes + itemBytes <= bytesMax
}

function mayJoin(
  { behind }: Candidate,
  { ids }: Batch,
  { onePerKey }: Pick<BatchRule, 'onePerKey'>,
): boolean {
  return behind === null || (!onePerKey && ids.has(behind))
}

/** The order in which events came in, which keys ask for. */
function byEvent(one: Candidate, other: Candidate): number {
  const [a, b] = [`${one.eventId} ${one.id}`, `${other.eventId} ${other.id}`]
  return a < b ? -1 : a > b ? 1 : 0
}
