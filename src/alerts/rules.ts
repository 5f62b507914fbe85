import type { Log } from '../platform/log.ts'
import type { Sql } from '../platform/postgres.ts'
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
}

type RuleRow = Omit<Rule, 'when'> & { condition: string; limits: string }

const RULE = `id, condition, application_id AS "applicationId", integration_id AS "integrationId",
  destination_id AS "destinationId", enabled, limits, created_at AS "createdAt"`

/** All rules, the oldest first. One that cannot be read is left out and named in the log. */
export async function findRules(sql: Sql, log: Log): Promise<Rule[]> {
  const rows = await sql<RuleRow[]>`SELECT ${sql.unsafe(RULE)} FROM alert_rules ORDER BY id`
  return rows.flatMap(({ condition, limits, ...row }) => {
    const when = whenSchema.safeParse({ ...JSON.parse(limits), condition })
    if (when.success) return [{ ...row, when: when.data }]
    log.error({ id: row.id, err: when.error }, 'a stored alert rule cannot be read')
    return []
  })
}

/** False when there is a rule of the same condition for the same thing. */
export async function saveRule(sql: Sql, rule: Omit<Rule, 'createdAt'>): Promise<boolean> {
  const { id, applicationId, integrationId, destinationId, enabled } = rule
  const { condition, ...limits } = rule.when
  const [other] = await sql`
    SELECT 1 FROM alert_rules WHERE condition = ${condition} AND id <> ${id}
      AND application_id IS NOT DISTINCT FROM ${applicationId}::uuid
      AND integration_id IS NOT DISTINCT FROM ${integrationId}::text
      AND destination_id IS NOT DISTINCT FROM ${destinationId}::uuid`
  if (other) return false
  await sql`
    INSERT INTO alert_rules (id, condition, application_id, integration_id, destination_id, enabled, limits)
    VALUES (${id}, ${condition}, ${applicationId}, ${integrationId}, ${destinationId}, ${enabled},
            ${JSON.stringify(limits)})
    ON CONFLICT (id) DO UPDATE SET condition = excluded.condition, application_id = excluded.application_id,
      integration_id = excluded.integration_id, destination_id = excluded.destination_id,
      enabled = excluded.enabled, limits = excluded.limits, updated_at = now()`
  return true
}

export async function deleteRule(sql: Sql, id: string): Promise<boolean> {
  const rows = await sql`DELETE FROM alert_rules WHERE id = ${id} RETURNING id`
  return rows.length === 1
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
