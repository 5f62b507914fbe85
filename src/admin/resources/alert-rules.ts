import type { z } from '@hono/zod-openapi'
import { CONDITIONS, type Rule } from '../../alerts/alerts.ts'
import type { Integrations } from '../../integrations/integrations.ts'
import { newId } from '../../platform/ids.ts'
import type { Witness } from '../../platform/witness.ts'
import { ruleIn, ruleOut } from '../alert-schemas.ts'
import type { Resource } from '../crud.ts'
import { type Fault, Problem, throwFaults } from '../problem.ts'
import type { AlertOptions } from './alert-channels.ts'

type Input = z.infer<typeof ruleIn>
type Named = Pick<Rule, 'applicationId' | 'integrationId' | 'destinationId'>

export function alertRuleResource({ alerts, integrations }: AlertOptions): Resource<Input> {
  const show = ({ createdAt: _, revision: __, ...rule }: Rule) => rule

  async function find(id: string): Promise<Rule | undefined> {
    return (await alerts.rules()).find((known) => known.id === id)
  }

  async function save(
    id: string,
    input: Input,
    revision: string | undefined,
    witness: Witness,
  ): Promise<object | undefined> {
    const before = await find(id)
    const owner = before && applicationOfRule(before, integrations)
    throwFaults(scopeFaults(input, owner ?? undefined, integrations))
    const rule = { id, ...input, when: input.when as Rule['when'] }
    const outcome = await alerts.saveRule(rule, revision, inApplication(rule, witness))
    if (outcome === 'taken')
      throw new Problem(409, `there is a rule for "${rule.when.condition}" of the same thing already`)
    return outcome === 'saved' ? rule : undefined
  }

  /** The room of alerts does not know whose integrations and destinations are. */
  function inApplication(rule: Named, witness: Witness): Witness {
    const applicationId = applicationOfRule(rule, integrations) ?? null
    return (transaction, change) => witness(transaction, { ...change, applicationId })
  }

  return {
    path: 'alert-rules',
    name: 'alert rule',
    input: ruleIn,
    output: ruleOut,
    list: async (applicationId) =>
      (await alerts.rules())
        .filter(
          (rule) => applicationId === undefined || applicationOfRule(rule, integrations) === applicationId,
        )
        .map(show),
    async find(id) {
      const rule = await find(id)
      return rule && show(rule)
    },
    revision: async (id) => (await find(id))?.revision,
    create: async (input, witness) => (await save(newId(), input, undefined, witness)) ?? {},
    change: save,
    async delete(id, witness) {
      const rule = await find(id)
      return rule !== undefined && alerts.deleteRule(id, inApplication(rule, witness))
    },
  }
}

/** Null for a rule about everything, undefined for one about what is gone. */
export function applicationOfRule(
  { applicationId, integrationId, destinationId }: Named,
  integrations: Integrations,
): string | null | undefined {
  if (integrationId !== null) return integrations.integration(integrationId)?.applicationId
  if (destinationId !== null) return integrations.destination(destinationId)?.applicationId
  return applicationId
}

/** @param owner the application that the rule is about already, and stays about: others have nothing it could name */
function scopeFaults(input: Input, owner: string | undefined, integrations: Integrations): Fault[] {
  const { applicationId, integrationId, destinationId } = input
  const { condition } = input.when as Rule['when']
  const about = CONDITIONS.get(condition)?.about
  const faults: Fault[] = []
  const add = (path: string, message: string) => faults.push({ path, message })
  const isThere = (found: string | undefined) => found !== undefined && (owner ?? found) === found
  const named = [applicationId, integrationId, destinationId].filter((id) => id !== null)
  if (named.length > 1) add('', 'a rule names one application, integration or destination at most')
  if (named.length === 0 && owner !== undefined) add('', 'a rule about an application stays with it')
  if (integrationId !== null && about !== 'integration')
    add('integrationId', `"${condition}" is about destinations`)
  if (destinationId !== null && about !== 'destination')
    add('destinationId', `"${condition}" is about integrations`)
  if (applicationId !== null && !isThere(integrations.application(applicationId)?.id))
    add('applicationId', 'there is no such application')
  if (integrationId !== null && !isThere(integrations.integration(integrationId)?.applicationId))
    add('integrationId', 'there is no such integration')
  if (destinationId !== null && !isThere(integrations.destination(destinationId)?.applicationId))
    add('destinationId', 'there is no such destination')
  return faults
}
