/** The accounts of one phase, and what they say together. */
import type { Records, RoundPhase } from '../record.ts'
import { findWrongArrivals } from './arrivals.ts'
import { findCopies } from './copies.ts'
import { findWrongEndings } from './endings.ts'
import { type Evidence, evidenceOf } from './evidence.ts'
import type { Finding } from './finding.ts'
import type { Kept } from './kept.ts'
import { findLosses } from './losses.ts'
import { findWrongOrder } from './order.ts'

export interface Figures {
  /** Numbers that were acknowledged. */
  acked: number
  lost: number
  /** Arrivals of a delivery that had arrived before. */
  duplicated: number
  /** Faults of another kind. */
  wrong: number
  /** Answers that were no acknowledgement. */
  refused: number
  /** Connections that nobody took. */
  untaken: number
  /** Requests whose answer never came. */
  unknown: number
  /** Events of which no sender knows that they were kept. */
  keptUnsaid: number
  /** Null where nothing was acknowledged. */
  slowestAckMs: number | null
}

export interface Accounts extends Figures {
  phase: number
  findings: Finding[]
}

/** More say no more than these. */
const FINDINGS_TOLD_MAX = 100

export function accountFor(phase: RoundPhase, records: Records, kept: Kept): Accounts {
  const evidence = evidenceOf(phase, records, kept)
  const copies = findCopies(evidence)
  const findings = [
    ...findLosses(evidence),
    ...findWrongEndings(evidence),
    ...copies.findings,
    ...findWrongArrivals(evidence),
    ...findWrongOrder(evidence),
  ]
  return {
    phase: phase.index,
    acked: evidence.acked.size,
    lost: findings.filter(({ is }) => is === 'lost').length,
    duplicated: copies.duplicated,
    wrong: findings.filter(({ is }) => is === 'wrong').length,
    keptUnsaid: copies.keptUnsaid,
    ...answersIn(evidence),
    findings: findings.slice(0, FINDINGS_TOLD_MAX),
  }
}

function answersIn({ sent }: Evidence): Pick<Figures, 'refused' | 'untaken' | 'unknown' | 'slowestAckMs'> {
  const all = [...sent.values()].flat()
  const acks = all.filter(({ end }) => end === 'acked').map(({ tookMs }) => tookMs)
  return {
    refused: all.filter(({ end }) => end === 'refused').length,
    untaken: all.filter(({ end }) => end === 'untaken').length,
    unknown: all.filter(({ end }) => end === 'unknown').length,
    slowestAckMs: acks.length === 0 ? null : acks.reduce((most, tookMs) => Math.max(most, tookMs), 0),
  }
}

export function totalOf(accounts: readonly Figures[]): Figures {
  const sum = (of: (figures: Figures) => number) => accounts.reduce((total, one) => total + of(one), 0)
  return {
    acked: sum(({ acked }) => acked),
    lost: sum(({ lost }) => lost),
    duplicated: sum(({ duplicated }) => duplicated),
    wrong: sum((one) => one.wrong),
    refused: sum(({ refused }) => refused),
    untaken: sum(({ untaken }) => untaken),
    unknown: sum(({ unknown }) => unknown),
    keptUnsaid: sum(({ keptUnsaid }) => keptUnsaid),
    slowestAckMs: accounts.reduce<number | null>(
      (most, { slowestAckMs }) => (slowestAckMs === null ? most : Math.max(most ?? 0, slowestAckMs)),
      null,
    ),
  }
}

export function lastLine({ acked, lost, duplicated }: Figures): string {
  return `acked ${acked}, lost ${lost}, duplicated ${duplicated}`
}
