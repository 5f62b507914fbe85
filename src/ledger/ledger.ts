/**
 * What did we promise and what became of it? The only writer of requests, events, runs, deliveries and attempts.
 */
import type { Log } from '../platform/log.ts'
import type { Sql } from '../platform/postgres.ts'
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
  pauseDestination,
  resumeDestination,
} from './destination-states.ts'
import type { EventFilter } from './event-filter.ts'
import { createGroupCommit, LedgerUnavailable } from './group-commit.ts'
import { findLastHeard } from './last-heard.ts'
import { findLatestPayloads, type LatestPayload } from './latest-payloads.ts'
import type { CallRecord, NodeResult } from './node-results.ts'
import { makePartitions } from './partitions.ts'
import { countAllQuarantined, countQuarantined, discardEvent, releaseEvent } from './quarantine.ts'
import type { Entry, EventEntry, Recorded, RequestEntry } from './record.ts'
import { type Redelivery, redeliver } from './redeliver.ts'
import { type Release, type Released, type ReleaseRule, release } from './release.ts'
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
import { findWaitingDestinations, type Ripe, ripenDue } from './ripen.ts'
import { createRunEnds, type RunAnswer, type RunEnds } from './run-ends.ts'
import { holdRun, retryRun } from './run-retry.ts'
import {
  finishRun,
  fixFunctionVersions,
  type NewDelivery,
  PRIORITY_DEFAULT,
  type RunEnd,
  replayEvent,
  type TakenRun,
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
import { type DeliveryState, type EventState, type RunState, STATES, UNFINISHED } from './states.ts'
import { findFailingDestinations, findFailingFunctions, type StreakAsked } from './streaks.ts'
import {
  dropExpiredKeys,
  findUnfinished,
  oldestWaiting,
  type SweepOptions,
  type Unfinished,
} from './sweep.ts'
import { type BacklogAsked, findBacklogs, findWaitingRuns } from './waiting.ts'

export {
  type AttemptDetail,
  type AttemptRecord,
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
  type Entry,
  type EventDetail,
  type EventEntry,
  type EventFilter,
  type EventRow,
  type EventState,
  type Health,
  type LatestPayload,
  LedgerUnavailable,
  type NewDelivery,
  type NewReplay,
  type NodeResult,
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
  type RunAnswer,
  type RunEnd,
  type RunEnds,
  type RunState,
  STATES,
  type TakenDelivery,
  type TakenRun,
  type Turn,
  UNFINISHED,
  type Unfinished,
}

export type Ledger = ReturnType<typeof createLedger>

export interface LedgerOptions {
  sql: Sql
  /** Opens one connection for the way in; the ledger closes it. */
  connectCommits(): Sql
  storeWaitMs: number
  pendingBytesMax: number
  log: Log
}

export function createLedger({ sql, connectCommits, storeWaitMs, pendingBytesMax, log }: LedgerOptions) {
  const runEnds = createRunEnds(sql)
  const commits = createGroupCommit({ connect: connectCommits, waitMs: storeWaitMs, pendingBytesMax, log })
  return {
    /** Resolves when request and events are durable. @throws LedgerUnavailable when they are not. */
    record: (entry: Entry): Promise<Recorded[]> => commits.record(entry),
    pendingBytes: () => commits.pendingBytes(),

    takeRun: (runId: string) => takeRun(sql, runId),
    fixFunctionVersions: (runId: string, versions: Record<string, string>) =>
      fixFunctionVersions(sql, runId, versions),
    finishRun: (runId: string, end: Parameters<typeof finishRun>[2]) => finishRun(sql, runId, end),
    /** Puts a failed run aside, to be made again. */
    retryRun: (runId: string, retry: Parameters<typeof retryRun>[2]) => retryRun(sql, runId, retry),
    holdRun: (runId: string) => holdRun(sql, runId),
    /** The answer of a run to the sender that waits for it. */
    awaitRun: (runId: string, deadlineMs: number) => runEnds.wait(runId, deadlineMs),
    replayEvent: (replay: Parameters<typeof replayEvent>[1]) => replayEvent(sql, replay),

    releaseEvent: (release: Parameters<typeof releaseEvent>[1]) => releaseEvent(sql, release),
    discardEvent: (eventId: string, reason: string) => discardEvent(sql, eventId, reason),
    countQuarantined: (integrationId: string, max: number) => countQuarantined(sql, integrationId, max),

    takeDelivery: (take: Parameters<typeof takeDelivery>[1]) => takeDelivery(sql, take),
    extendLease: (deliveryId: string, number: number, leaseMs: number) =>
      extendLease(sql, deliveryId, number, leaseMs),
    finishAttempt: (end: Parameters<typeof finishAttempt>[1]) => finishAttempt(sql, end),

    standBack: (deliveryId: string) => standBack(sql, deliveryId),

    release: (rules: ReleaseRule[]) => release(sql, rules),
    ripenDue: (limit: number) => ripenDue(sql, limit),
    findWaitingDestinations: () => findWaitingDestinations(sql),
    settleCircuit: (settled: Settled) => settleCircuit(sql, settled),
    pauseDestination: (destinationId: string, reason: string) => pauseDestination(sql, destinationId, reason),
    resumeDestination: (destinationId: string) => resumeDestination(sql, destinationId),
    findDestinationStates: () => findDestinationStates(sql),

    findUnfinished: (options: SweepOptions) => findUnfinished(sql, options),
    oldestWaiting: () => oldestWaiting(sql),
    dropExpiredKeys: (limit: number) => dropExpiredKeys(sql, limit),
    makePartitions: (now: Date, daysAhead: number) => makePartitions(sql, now, daysAhead),

    countDeadDeliveries: (asked: DeadAsked[], max: number) => countDeadDeliveries(sql, asked, max),
    countDeadRuns: (asked: DeadAsked[], max: number) => countDeadRuns(sql, asked, max),
    findFailingDestinations: (asked: StreakAsked[]) => findFailingDestinations(sql, asked),
    findFailingFunctions: (asked: StreakAsked[]) => findFailingFunctions(sql, asked),
    findBacklogs: (asked: BacklogAsked[]) => findBacklogs(sql, asked),
    findWaitingRuns: () => findWaitingRuns(sql),
    countAllQuarantined: () => countAllQuarantined(sql),
    findLastHeard: (integrationIds: string[]) => findLastHeard(sql, integrationIds),

    listDeliveries: (filter: DeliveryFilter & { limit: number }) => listDeliveries(sql, filter),
    findDelivery: (deliveryId: string) => findDelivery(sql, deliveryId),
    cancelDelivery: (deliveryId: string, reason: string) => cancelDelivery(sql, deliveryId, reason),
    hurryDelivery: (deliveryId: string) => hurryDelivery(sql, deliveryId),
    setPriority: (deliveryId: string, priority: number) => setPriority(sql, deliveryId, priority),
    redeliver: (redelivery: Redelivery) => redeliver(sql, redelivery),

    listDeadLetters: (filter: Parameters<typeof listDeadLetters>[1]) => listDeadLetters(sql, filter),
    findDeadLetter: (id: string) => findDeadLetter(sql, id),
    discardDeadLetter: (id: string, reason: string) => discardDeadLetter(sql, id, reason),

    countReplayed: (selection: ReplaySelection, max: number) => countReplayed(sql, selection, max),
    startReplay: (replay: NewReplay, max: number) => startReplay(sql, replay, max),
    listReplays: (page: Parameters<typeof listReplays>[1]) => listReplays(sql, page),
    findReplay: (id: string, failuresMax: number) => findReplay(sql, id, failuresMax),
    cancelReplay: (id: string) => cancelReplay(sql, id),
    workOffReplay: (facts: ReplayFacts, signal: AbortSignal) => workOffReplay(sql, facts, signal),
    dropEndedReplays: (endedBefore: Date) => dropEndedReplays(sql, endedBefore),

    findLatestPayloads: (integrationId: string, max: Parameters<typeof findLatestPayloads>[2]) =>
      findLatestPayloads(sql, integrationId, max),
    findEvents: (filter: EventFilter) => findEvents(sql, filter),
    findEvent: (eventId: string) => findEvent(sql, eventId),
    findRequests: (filter: RequestFilter) => findRequests(sql, filter),

    /** Stores what is waiting, or gives it up in time. `sql` belongs to whoever opened it. */
    async close() {
      await Promise.all([commits.close(), runEnds.close()])
    },
  }
}
