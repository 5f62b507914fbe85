import type { Log } from '../platform/log.ts'
import type { Sql, Transaction } from '../platform/postgres.ts'
import { standsAsSeen } from '../platform/row-revision.ts'
import { openSnapshot, type Witness, type Witnessed, witnessed } from '../platform/witness.ts'
import type { Condition, Watch } from './condition.ts'
import { whenSchema } from './conditions/conditions.ts'

/** What holds for a condition where it is not the usual: everywhere, or for the one thing that is named. */
export interface Rule {
  id: string
  applicationId: string | null
  integrationId: string | null
  destinationId: string | null
  enabled: boolean
  /** The condition and its limits. */
  when: { condition: string } & Record<string, unknown>
  createdAt: Date
  /** Another one after each change. */
  revision: string
}

/** A rule as somebody wants it. */
export type WantedRule = Omit<Rule, 'createdAt' | 'revision'>

export type RuleRow = Omit<Rule, 'when'> & { condition: string; limits: string }

const RULE = `id, condition, application_id AS "applicationId", integration_id AS "integrationId",
  destination_id AS "destinationId", enabled, limits, created_at AS "createdAt",
  xmin::text AS revision`

/** All rules, the oldest first. One that cannot be read is left out and named in the log. */
export async function findRules(sql: Sql, log: Log): Promise<Rule[]> {
  return openRules(await findRuleRows(sql), log)
}

export async function findRuleRows(sql: Sql): Promise<RuleRow[]> {
  return [...(await sql<RuleRow[]>`SELECT ${sql.unsafe(RULE)} FROM alert_rules ORDER BY id`)]
}

/** One that cannot be read is left out and named in the log. */
export function openRules(rows: readonly RuleRow[], log: Log): Rule[] {
  return rows.flatMap(({ condition, limits, ...row }) => {
    const when = whenSchema.safeParse({ ...JSON.parse(limits), condition })
    if (when.success) return [{ ...row, when: when.data }]
    log.error({ id: row.id, err: when.error }, 'a stored alert rule cannot be read')
    return []
  })
}

/**
 * `taken` when there is a rule of the same condition for the same thing; `stale` when it was changed or deleted since
 * the revision that is named. Then nothing is written.
 */
export async function saveRule(
  sql: Sql,
  rule: WantedRule,
  { seen, witness }: { seen: string | undefined; witness: Witness | undefined },
): Promise<'saved' | 'taken' | 'stale'> {
  const { id, applicationId, integrationId, destinationId, enabled } = rule
  const { condition, ...limits } = rule.when
  return sql.begin(async (transaction) => {
    if (seen !== undefined && !(await standsAsSeen(transaction, 'alert_rules', id, seen))) return 'stale'
    const [other] = await transaction`
      SELECT 1 FROM alert_rules WHERE condition = ${condition} AND id <> ${id}
        AND application_id IS NOT DISTINCT FROM ${applicationId}::uuid
        AND integration_id IS NOT DISTINCT FROM ${integrationId}::text
        AND destination_id IS NOT DISTINCT FROM ${destinationId}::uuid`
    if (other) return 'taken'
    return witnessed(ruleIn(transaction, id, witness), async () => {
      await transaction`
        INSERT INTO alert_rules (id, condition, application_id, integration_id, destination_id, enabled, limits)
        VALUES (${id}, ${condition}, ${applicationId}, ${integrationId}, ${destinationId}, ${enabled},
                ${JSON.stringify(limits)})
        ON CONFLICT (id) DO UPDATE SET condition = excluded.condition, application_id = excluded.application_id,
          integration_id = excluded.integration_id, destination_id = excluded.destination_id,
          enabled = excluded.enabled, limits = excluded.limits, updated_at = now()`
      return 'saved' as const
    })
  })
}

export async function deleteRule(sql: Sql, id: string, witness: Witness | undefined): Promise<boolean> {
  return sql.begin((transaction) =>
    witnessed(ruleIn(transaction, id, witness), async () => {
      const rows = await transaction`DELETE FROM alert_rules WHERE id = ${id} RETURNING id`
      return rows.length === 1
    }),
  )
}

/** Of a rule for an integration or destination, whoever asks knows whose that is. */
function ruleIn(transaction: Transaction, id: string, witness: Witness | undefined): Witnessed {
  return {
    transaction,
    witness,
    async snapshot() {
      const [row] = await transaction<RuleRow[]>`
        SELECT ${transaction.unsafe(RULE)} FROM alert_rules WHERE id = ${id}`
      if (!row) return undefined
      const { applicationId, integrationId, destinationId, enabled, condition, limits } = row
      const when = { condition, ...JSON.parse(limits) }
      return openSnapshot(id, applicationId, { integrationId, destinationId, enabled, when })
    },
  }
}

/** An integration or destination. */
interface Thing {
  id: string
  applicationId: string
  name: string
  enabled: boolean
}

/** What a condition is to look at: everything in use that a rule or the usual limits say so of. */
export function watchesOf(
  condition: Condition,
  things: readonly Thing[],
  rules: readonly Rule[],
): Watch<unknown>[] {
  const own = rules.filter(({ when }) => when.condition === condition.name)
  const usual = condition.limits.safeParse({})
  return things.flatMap((thing): Watch<unknown>[] => {
    const rule = narrowest(own, thing, condition.about)
    if (!thing.enabled || rule?.enabled === false) return []
    const { id, name } = thing
    if (rule) return [{ id, name, limits: rule.when, ruleSince: rule.createdAt }]
    return usual.success ? [{ id, name, limits: usual.data, ruleSince: null }] : []
  })
}

function narrowest(rules: readonly Rule[], { id, applicationId }: Thing, about: Condition['about']) {
  const place = about === 'integration' ? 'integrationId' : 'destinationId'
  return (
    rules.find((rule) => rule[place] === id) ??
    rules.find((rule) => rule.applicationId === applicationId) ??
    rules.find(
      (rule) => rule.applicationId === null && rule.integrationId === null && rule.destinationId === null,
    )
  )
}
