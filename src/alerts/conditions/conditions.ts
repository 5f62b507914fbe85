import { z } from 'zod'
import type { Condition } from '../condition.ts'
import { backlog } from './backlog.ts'
import { deadDelivery } from './dead-delivery.ts'
import { deadRun } from './dead-run.ts'
import { failingDestination } from './failing-destination.ts'
import { failingFunction } from './failing-function.ts'
import { journal } from './journal.ts'
import { oldSecret } from './old-secret.ts'
import { openCircuit } from './open-circuit.ts'
import { processingDelay } from './processing-delay.ts'
import { quarantine } from './quarantine.ts'
import { silence } from './silence.ts'

/** Everything that can be wrong, by name. Another condition is another file and its line here. */
export const CONDITIONS: ReadonlyMap<string, Condition> = new Map(
  [
    deadDelivery,
    deadRun,
    failingDestination,
    failingFunction,
    openCircuit,
    backlog,
    processingDelay,
    oldSecret,
    quarantine,
    silence,
    journal,
  ].map((condition) => [condition.name, condition]),
)

export const CONDITION_NAMES = [...CONDITIONS.keys()] as [string, ...string[]]

/** A condition with its limits, as a rule gives them. */
export const whenSchema = z.discriminatedUnion(
  'condition',
  [...CONDITIONS.values()].map(({ name, limits }) =>
    limits.extend({ condition: z.literal(name) }),
  ) as unknown as [z.ZodObject<{ condition: z.ZodLiteral<string> }>],
)

export type When = { condition: string } & Record<string, unknown>
