/**
 * What did we promise and what became of it? The only writer of requests, events, runs, deliveries and attempts.
 */
import type { Log } from '../platform/log.ts'
import type { Sql } from '../platform/postgres.ts'
import type { Witness } from '../platform/witness.ts'
import { batchIdOf } from './batch-id.ts'
import {
  type BatchedEnd,
  extendLeases,
  finishBatch,
  type GivenBack,
  giveBack,
  type TakenBatch,
  takeBatch,
} from './batches.ts'
import { findApplication, type OwnedTable } from './belonging.ts'
import { type CircuitRule, type Health, type Settled, settleCircuit } from './circuit.ts'
import {
  type DeadLetterFilter,
  type DeadLetterRow,
  findDeadLetter,
  listDeadLetters,
} from './dead-letter-list.ts'
import { countDeadDeliveries, countDeadRuns, type DeadAsked } from './dead-letters.ts'
import {
  type AttemptRecord,
  extendLease,
  finishAttempt,
  standBack,
  type TakenDelivery,
  takeDelivery,
} from './deliveries.ts'
import {
  cancelDelivery,
  type Decided,
  discardDeadLetter,
  hurryDelivery,
  setPriority,
} from './delivery-actions.ts'
import type { DeliveryFilter } from './delivery-filter.ts'
import { type DeliveryRow, type DeliveryWithAttempts, findDelivery, listDeliveries } from './delivery-list.ts'
import {
  type DestinationState,
  findDestinationStates,
  forgetDestinationState,
  pauseDestination,
  resumeDestination,
} from './destination-states.ts'
import { eraseDue, type KeptFor } from './erase-due.ts'
import { type ErasureFacts, workOffErasure } from './erasure-work.ts'
import {
  cancelErasure,
  confirmErasure,
  type ErasureDetail,
  type ErasureRow,
  findErasure,
  listErasures,
  type NewErasure,
  startErasure,
} from './erasures.ts'
import type { EventFilter } from './event-filter.ts'
import type { BatchRule } from './form-batches.ts'
import { LedgerUnavailable, largerMs } from './group-commit.ts'
import { findLastHeard } from './last-heard.ts'
import { findCarried, findLatestPayloads, type LatestPayload } from './latest-payloads.ts'
import type { CallRecord, NodeResult } from './node-results.ts'
import { findOriginal, type Original } from './originals.ts'
import { makePartitions } from './partitions.ts'
import { countAllQuarantined, countQuarantined, discardEvent, releaseEvent } from './quarantine.ts'
import type { Entry, EventEntry, Recorded, RequestEntry } from './record.ts'
import { type Redelivery, redeliver } from './redeliver.ts'
import { type Release, type ReleaseRule, release } from './release.ts'
import type { Released } from './release-rule.ts'
import { type EventReplay, replayEvent } from './replay-event.ts'
import { type ReplayFacts, workOffReplay } from './replay-work.ts'
import {
  cancelReplay,
  countReplayed,
  dropEndedReplays,
  findReplay,
  listReplays,
  type NewReplay,
  REPLAYABLE_STATES,
  type ReplayDefinition,
  type ReplayFailure,
  type ReplayRow,
  type ReplaySelection,
  startReplay,
} from './replays.ts'
import {
  deleteRows,
  dropEmptyDay,
  type Emptied,
  type ExpiredDay,
  emptyDay,
  findExpiredDays,
  rowsWithoutDay,
} from './retention.ts'
import { type KeptDay, measureDays } from './retention-measure.ts'
import type { RowRange } from './retention-rows.ts'
import { findWaitingDestinations, type Ripe, ripenDue } from './ripen.ts'
import { createRunEnds, type RunAnswer, type RunEnds } from './run-ends.ts'
import { holdRun, leaveRun, retryRun } from './run-retry.ts'
import {
  finishRun,
  fixFunctionVersions,
  type NewDelivery,
  PRIORITY_DEFAULT,
  type RunEnd,
  type TakenRun,
  type TakesBefore,
  type Turn,
  takeRun,
} from './runs.ts'
import {
  type AttemptDetail,
  type EventDetail,
  type EventRow,
  findEvent,
  findEvents,
  findRequests,
  type RequestFilter,
  type RequestRow,
} from './search.ts'
import { createSearches, SearchAbandoned, type SearchesOptions, SearchTooLong } from './searches.ts'
import { type DeliveryState, type EventState, type RunState, STATES, UNFINISHED } from './states.ts'
import { findFailingDestinations, findFailingFunctions, type StreakAsked } from './streaks.ts'
import {
  dropExpiredKeys,
  findUnfinished,
  oldestWaiting,
  readClock,
  type SweepOptions,
  type Unfinished,
} from './sweep.ts'
import { type BacklogAsked, findBacklogs, findWaitingRuns } from './waiting.ts'
import { createWayIn, isLarge } from './way-in.ts'

export {
  type AttemptDetail,
  type AttemptRecord,
  type BatchedEnd,
  type BatchRule,
  batchIdOf,
  type CallRecord,
  type CircuitRule,
  type DeadLetterFilter,
  type DeadLetterRow,
  type Decided,
  type DeliveryFilter,
  type DeliveryRow,
  type DeliveryState,
  type DeliveryWithAttempts,
  type DestinationState,
  type Emptied,
  type Entry,
  type ErasureDetail,
  type ErasureFacts,
  type ErasureRow,
  type EventDetail,
  type EventEntry,
  type EventFilter,
  type EventRow,
  type EventState,
  type ExpiredDay,
  type GivenBack,
  type Health,
  isLarge,
  type KeptDay,
  type KeptFor,
  type LatestPayload,
  LedgerUnavailable,
  largerMs,
  type NewDelivery,
  type NewErasure,
  type NewReplay,
  type NodeResult,
  type Original,
  PRIORITY_DEFAULT,
  REPLAYABLE_STATES,
  type Recorded,
  type Release,
  type Released,
  type ReleaseRule,
  type ReplayDefinition,
  type ReplayFacts,
  type ReplayFailure,
  type ReplayRow,
  type ReplaySelection,
  type RequestEntry,
  type RequestFilter,
  type RequestRow,
  type Ripe,
  type RowRange,
  type RunAnswer,
  type RunEnd,
  type RunEnds,
  type RunState,
  SearchAbandoned,
  SearchTooLong,
  STATES,
  type TakenBatch,
  type TakenDelivery,
  type TakenRun,
  type TakesBefore,
  type Turn,
  UNFINISHED,
  type Unfinished,
}

export type Ledger = ReturnType<typeof createLedger>

export interface LedgerOptions {
  sql: Sql
  /** Opens one connection for the way in, which has two at most; the ledger closes it. */
  connectCommits(): Sql
  searches: SearchesOptions
  storeWaitMs: number
  pendingBytesMax: number
  log: Log
}

export function createLedger(options: LedgerOptions) {
  const { sql, connectCommits, storeWaitMs, pendingBytesMax, log } = options
  const searches = createSearches(sql, options.searches)
  // What one thing carries, with all that was made of it, may be tens of megabytes, which this process reads and writes
  // while acks wait: one after the other.
  const details = createSearches(sql, { ...options.searches, atOnceMax: 1 })
  const runEnds = createRunEnds(sql)
  const wayIn = createWayIn({ connect: connectCommits, waitMs: storeWaitMs, pendingBytesMax, log })
  return {
    /**
     * Resolves when request and events are durable. Storing again what is there changes nothing.
     *
     * @param waitMs instead of `storeWaitMs`; large entries wait longer, by `largerMs`
     * @throws LedgerUnavailable when they are not, or nobody knows.
     */
    record: (entry: Entry, waitMs?: number): Promise<Recorded[]> => wayIn.record(entry, waitMs),
    pendingBytes: () => wayIn.pendingBytes(),

    takeRun: (runId: string, takesBefore?: TakesBefore) => takeRun(sql, runId, takesBefore),
    fixFunctionVersions: (runId: string, versions: Record<string, string>) =>
      fixFunctionVersions(sql, runId, versions),
    finishRun: (run: Parameters<typeof finishRun>[1], end: Parameters<typeof finishRun>[2]) =>
      finishRun(sql, run, end),
    /** Puts a failed run aside, to be made again. */
    retryRun: (run: Parameters<typeof retryRun>[1], retry: Parameters<typeof retryRun>[2]) =>
      retryRun(sql, run, retry),
    holdRun: (run: Parameters<typeof holdRun>[1]) => holdRun(sql, run),
    leaveRun: (run: Parameters<typeof leaveRun>[1]) => leaveRun(sql, run),
    /** The answer of a run to the sender that waits for it. */
    awaitRun: (runId: string, deadlineMs: number) => runEnds.wait(runId, deadlineMs),
    /** From now on no sender waits. */
    endAwaiting: () => runEnds.close(),
    replayEvent: (replay: EventReplay, witness?: Witness) => replayEvent(sql, replay, witness),

    releaseEvent: (release: EventReplay, witness?: Witness) => releaseEvent(sql, release, witness),
    discardEvent: (eventId: string, reason: string, witness?: Witness) =>
      discardEvent(sql, eventId, reason, witness),
    countQuarantined: (integrationId: string, max: number) => countQuarantined(sql, integrationId, max),

    takeDelivery: (take: Parameters<typeof takeDelivery>[1]) => takeDelivery(sql, take),
    extendLease: (deliveryId: string, number: number, leaseMs: number) =>
      extendLease(sql, deliveryId, number, leaseMs),
    finishAttempt: (end: Parameters<typeof finishAttempt>[1]) => finishAttempt(sql, end),

    standBack: (deliveryId: string) => standBack(sql, deliveryId),

    takeBatch: (take: Parameters<typeof takeBatch>[1]) => takeBatch(sql, take),
    extendLeases: (deliveryIds: readonly string[], leaseMs: number) =>
      extendLeases(sql, deliveryIds, leaseMs),
    finishBatch: (end: Parameters<typeof finishBatch>[1]) => finishBatch(sql, end),
    giveBack: (deliveryIds: readonly string[], how: GivenBack) => giveBack(sql, deliveryIds, how),
    findOriginal: (eventId: string) => findOriginal(sql, eventId),

    release: (rules: ReleaseRule[]) => release(sql, rules),
    ripenDue: (limit: number) => ripenDue(sql, limit),
    findWaitingDestinations: () => findWaitingDestinations(sql),
    settleCircuit: (settled: Settled) => settleCircuit(sql, settled),
    pauseDestination: (destinationId: string, reason: string, witness?: Witness) =>
      pauseDestination(sql, destinationId, reason, witness),
    resumeDestination: (destinationId: string, witness?: Witness) =>
      resumeDestination(sql, destinationId, witness),
    forgetDestinationState: (destinationId: string) => forgetDestinationState(sql, destinationId),
    findDestinationStates: () => findDestinationStates(sql),

    clock: () => readClock(sql),
    findUnfinished: (options: SweepOptions) => findUnfinished(sql, options),
    oldestWaiting: () => oldestWaiting(sql),
    dropExpiredKeys: (limit: number) => dropExpiredKeys(sql, limit),
    makePartitions: (now: Date, daysAhead: number) => makePartitions(sql, now, daysAhead),
    findExpiredDays: (by: Date) => findExpiredDays(sql, by),
    emptyDay: (day: ExpiredDay) => emptyDay(sql, day),
    deleteRows: (range: RowRange, limit: number) => deleteRows(sql, range, limit),
    dropEmptyDay: (day: ExpiredDay) => dropEmptyDay(sql, day),
    rowsWithoutDay,
    measureDays: (expiredBy: Date) => measureDays(sql, expiredBy),
    eraseDue: (keptFor: (integrationId: string) => KeptFor, now: Date, signal: AbortSignal) =>
      eraseDue(sql, keptFor, now, signal),

    countDeadDeliveries: (asked: DeadAsked[], max: number) => countDeadDeliveries(sql, asked, max),
    countDeadRuns: (asked: DeadAsked[], max: number) => countDeadRuns(sql, asked, max),
    findFailingDestinations: (asked: StreakAsked[]) => findFailingDestinations(sql, asked),
    findFailingFunctions: (asked: StreakAsked[]) => findFailingFunctions(sql, asked),
    findBacklogs: (asked: BacklogAsked[]) => findBacklogs(sql, asked),
    findWaitingRuns: () => findWaitingRuns(sql),
    countAllQuarantined: () => countAllQuarantined(sql),
    findLastHeard: (integrationIds: string[]) => findLastHeard(sql, integrationIds),

    // Lists may have to look through all there is, as may what counts: they go through `searches`.
    listDeliveries: (filter: DeliveryFilter & { limit: number }, signal?: AbortSignal) =>
      searches.find((transaction) => listDeliveries(transaction, filter), signal),
    findDelivery: (deliveryId: string) =>
      details.find((transaction) => findDelivery(transaction, deliveryId)),
    cancelDelivery: (deliveryId: string, reason: string, witness?: Witness) =>
      cancelDelivery(sql, deliveryId, reason, witness),
    hurryDelivery: (deliveryId: string, witness?: Witness) => hurryDelivery(sql, deliveryId, witness),
    setPriority: (deliveryId: string, priority: number, witness?: Witness) =>
      setPriority(sql, deliveryId, priority, witness),
    redeliver: (redelivery: Redelivery, witness?: Witness) => redeliver(sql, redelivery, witness),

    listDeadLetters: (filter: Parameters<typeof listDeadLetters>[1], signal?: AbortSignal) =>
      searches.find((transaction) => listDeadLetters(transaction, filter), signal),
    findDeadLetter: (id: string) => findDeadLetter(sql, id),
    discardDeadLetter: (id: string, reason: string, witness?: Witness) =>
      discardDeadLetter(sql, id, reason, witness),

    countReplayed: (selection: ReplaySelection, max: number, signal?: AbortSignal) =>
      searches.find((transaction) => countReplayed(transaction, selection, max), signal),
    startReplay: (replay: NewReplay, max: number, witness?: Witness) =>
      searches.inTurn(() => startReplay(sql, replay, max, witness)),
    listReplays: (page: Parameters<typeof listReplays>[1]) => listReplays(sql, page),
    findReplay: (id: string, failuresMax: number) => findReplay(sql, id, failuresMax),
    cancelReplay: (id: string, witness?: Witness) => cancelReplay(sql, id, witness),
    workOffReplay: (facts: ReplayFacts, signal: AbortSignal) => workOffReplay(sql, facts, signal),
    dropEndedReplays: (endedBefore: Date) => dropEndedReplays(sql, endedBefore),

    startErasure: (erasure: NewErasure, witness?: Witness) => startErasure(sql, erasure, witness),
    listErasures: (filter: Parameters<typeof listErasures>[1]) => listErasures(sql, filter),
    findErasure: (id: string, sampleMax: number) => findErasure(sql, id, sampleMax),
    confirmErasure: (id: string, unfinished: 'keep' | 'discard', witness?: Witness) =>
      confirmErasure(sql, id, unfinished, witness),
    cancelErasure: (id: string, witness?: Witness) => cancelErasure(sql, id, witness),
    workOffErasure: (facts: ErasureFacts) => workOffErasure(sql, facts),

    /** Whose a row is; undefined where there is none, null for a replay within no one application. */
    applicationOf: (table: OwnedTable, id: string) => findApplication(sql, table, id),

    findLatestPayloads: (integrationId: string, max: Parameters<typeof findLatestPayloads>[2]) =>
      details.find((transaction) => findLatestPayloads(transaction, integrationId, max)),
    findCarried: (eventId: string) => details.find((transaction) => findCarried(transaction, eventId)),
    findEvents: (filter: EventFilter, signal?: AbortSignal) =>
      searches.find((transaction) => findEvents(transaction, filter), signal),
    findEvent: (eventId: string, signal?: AbortSignal) =>
      details.find((transaction) => findEvent(transaction, eventId), signal),
    findRequests: (filter: RequestFilter, signal?: AbortSignal) =>
      searches.find((transaction) => findRequests(transaction, filter), signal),

    /** Stores what is waiting, or gives it up in time. `sql` belongs to whoever opened it. */
    async close() {
      await Promise.all([wayIn.close(), runEnds.close()])
    },
  }
}
