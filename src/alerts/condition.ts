import { z } from 'zod'
import type { Integrations } from '../integrations/integrations.ts'

/** What conditions ask the ledger; they live on its floor and do not know it. */
export interface LedgerQuestions {
  countDeadDeliveries(asked: DeadAsked[], max: number): Promise<DeadFound[]>
  countDeadRuns(asked: DeadAsked[], max: number): Promise<DeadFound[]>
  findFailingDestinations(asked: StreakAsked[]): Promise<{ id: string; reason: string | null }[]>
  findFailingFunctions(asked: StreakAsked[]): Promise<{ id: string; reason: string | null }[]>
  findDestinationStates(): Promise<
    { destinationId: string; openedAt: Date | null; openReason: string | null }[]
  >
  findBacklogs(asked: { id: string; max: number }[]): Promise<{ id: string; count: number; oldestAt: Date }[]>
  findWaitingRuns(): Promise<{ integrationId: string; oldestAt: Date }[]>
  countAllQuarantined(): Promise<Map<string, number>>
  findLastHeard(integrationIds: string[]): Promise<Map<string, Date>>
}

export interface DeadAsked {
  id: string
  since: Date
}
export interface DeadFound {
  id: string
  count: number
  reason: string | null
}
export interface StreakAsked {
  id: string
  length: number
}

/** How the journal of an edge is. */
export interface JournalStanding {
  /** Since when and why requests go there; null while they go to the ledger. */
  away: { since: Date; reason: string } | null
  /** Acknowledged requests that are not in the ledger. */
  records: number
  oldestAgeMs: number | null
  /** Why it takes nothing; null when it does. */
  problem: string | null
  /** Requests that the ledger does not take. */
  setAside: number
  /** Files in which something cannot be read. */
  damaged: number
}

/** Whom a condition can ask, and when that is. */
export interface Watched {
  ledger: LedgerQuestions
  integrations: Pick<Integrations, 'integration' | 'findSecretUses'>
  /** Of the edge that looks at itself. */
  journal?: JournalStanding
  now: Date
}

/** An integration, destination or edge that a condition looks at, with the limits that hold for it. */
export interface Watch<Limits> {
  id: string
  name: string
  limits: Limits
  /** Since when the rule stands that says so; null where the usual limits hold. */
  ruleSince: Date | null
}

/** Something that is wrong now. */
export interface Finding {
  /** Of the integration, destination or edge. */
  id: string
  /** Tells apart what can be wrong with one thing several times at once. */
  part?: string
  /** For a person: what is wrong, and with what. Holds no secret. */
  sentence: string
}

export interface Condition {
  name: string
  about: 'integration' | 'destination' | 'edge'
  /** What a rule can change; without a default for each, the condition is looked at only where a rule says so. */
  limits: z.ZodObject
  /** @throws when it cannot be known; then everything stays as it was. */
  find(watches: Watch<unknown>[], watched: Watched): Promise<Finding[]>
}

interface Definition<Shape extends z.ZodRawShape> {
  name: string
  about: Condition['about']
  limits: Shape
  find(watches: Watch<z.infer<z.ZodObject<Shape>>>[], watched: Watched): Promise<Finding[]>
}

export function defineCondition<Shape extends z.ZodRawShape>(definition: Definition<Shape>): Condition {
  const limits = z.strictObject(definition.limits)
  // Limits are read by this very schema before they are given back to `find`.
  return { ...definition, limits } as unknown as Condition
}
