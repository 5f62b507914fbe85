/**
 * What did we promise and what became of it? The only writer of requests, events, runs, deliveries and attempts.
 */
import type { Log } from '../platform/log.ts'
import type { Sql } from '../platform/postgres.ts'
import {
  type AttemptRecord,
  extendLease,
  finishAttempt,
  type TakenDelivery,
  takeDelivery,
} from './deliveries.ts'
import { createGroupCommit, LedgerUnavailable } from './group-commit.ts'
import { makePartitions } from './partitions.ts'
import type { Entry, EventEntry, Recorded, RequestEntry } from './record.ts'
import {
  finishRun,
  fixFunctionVersions,
  type NewDelivery,
  type NodeResult,
  type RunEnd,
  replayEvent,
  type TakenRun,
  takeRun,
} from './runs.ts'
import {
  type EventDetail,
  type EventFilter,
  type EventRow,
  findEvent,
  findEvents,
  findRequests,
  type RequestFilter,
  type RequestRow,
} from './search.ts'
import { type DeliveryState, type EventState, type RunState, STATES, UNFINISHED } from './states.ts'
import {
  dropExpiredKeys,
  findUnfinished,
  oldestWaiting,
  type SweepOptions,
  type Unfinished,
} from './sweep.ts'

export {
  type AttemptRecord,
  type DeliveryState,
  type Entry,
  type EventDetail,
  type EventEntry,
  type EventFilter,
  type EventRow,
  type EventState,
  LedgerUnavailable,
  type NewDelivery,
  type NodeResult,
  type Recorded,
  type RequestEntry,
  type RequestFilter,
  type RequestRow,
  type RunEnd,
  type RunState,
  STATES,
  type TakenDelivery,
  type TakenRun,
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
  const commits = createGroupCommit({ connect: connectCommits, waitMs: storeWaitMs, pendingBytesMax, log })
  return {
    /** Resolves when request and events are durable. @throws LedgerUnavailable when they are not. */
    record: (entry: Entry): Promise<Recorded[]> => commits.record(entry),
    pendingBytes: () => commits.pendingBytes(),

    takeRun: (runId: string) => takeRun(sql, runId),
    fixFunctionVersions: (runId: string, versions: Record<string, string>) =>
      fixFunctionVersions(sql, runId, versions),
    finishRun: (runId: string, end: Parameters<typeof finishRun>[2]) => finishRun(sql, runId, end),
    replayEvent: (replay: Parameters<typeof replayEvent>[1]) => replayEvent(sql, replay),

    takeDelivery: (take: Parameters<typeof takeDelivery>[1]) => takeDelivery(sql, take),
    extendLease: (deliveryId: string, number: number, leaseMs: number) =>
      extendLease(sql, deliveryId, number, leaseMs),
    finishAttempt: (end: Parameters<typeof finishAttempt>[1]) => finishAttempt(sql, end),

    findUnfinished: (options: SweepOptions) => findUnfinished(sql, options),
    oldestWaiting: () => oldestWaiting(sql),
    dropExpiredKeys: (limit: number) => dropExpiredKeys(sql, limit),
    makePartitions: (now: Date, daysAhead: number) => makePartitions(sql, now, daysAhead),

    findEvents: (filter: EventFilter) => findEvents(sql, filter),
    findEvent: (eventId: string) => findEvent(sql, eventId),
    findRequests: (filter: RequestFilter) => findRequests(sql, filter),

    /** Stores what is waiting, or gives it up in time. `sql` belongs to whoever opened it. */
    close: () => commits.close(),
  }
}
