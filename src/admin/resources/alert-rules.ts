import type { z } from '@hono/zod-openapi'
import { CONDITIONS, type Rule } from '../../alerts/alerts.ts'
import type { Integrations } from '../../integrations/integrations.ts'
import { newId } from '../../platform/ids.ts'
import { ruleIn, ruleOut } from '../alert-schemas.ts'
import type { Resource } from '../crud.ts'
import { type Fault, Problem, throwFaults } from '../problem.ts'
import type { AlertOptions } from './alert-channels.ts'

type Input = z.infer<typeof ruleIn>

export function alertRuleResource({ alerts, integrations }: AlertOptions): Resource<Input> {
  const show = ({ createdAt: _, ...rule }: Rule) => rule

  async function save(id: string, input: Input): Promise<object> {
    throwFaults(scopeFaults(input, integrations))
    const rule = { id, ...input, when: input.when as Rule['when'] }
    if (!(await alerts.saveRule(rule)))
      throw new Problem(409, `there is a rule for "${rule.when.condition}" of the same thing already`)
    return rule
  }

  return {
    path: 'alert-rules',
    name: 'alert rule',
    input: ruleIn,
    output: ruleOut,
    list: async (applicationId) =>
      (await alerts.rules())
        .filter((rule) => applicationId === undefined || applicationOf(rule, integrations) === applicationId)
        .map(show),
    async find(id) {
      const rule = (await alerts.rules()).find((known) => known.id === id)
      return rule && show(rule)
    },
    create: (input) => save(newId(), input),
    change: save,
    delete: (id) => alerts.deleteRule(id),
  }
}

function applicationOf({ applicationId, integrationId, destinationId }: Rule, integrations: Integrations) {
  if (integrationId !== null) return integrations.integration(integrationId)?.applicationId
  if (destinationId !== null) return integrations.destination(destinationId)?.applicationId
  return applicationId
}

function scopeFaults(input: Input, integrations: Integrations): Fault[] {
  const { applicationId, integrationId, destinationId } = input
  const { condition } = input.when as Rule['when']
  const about = CONDITIONS.get(condition)?.about
  const faults: Fault[] = []
  const add = (path: string, message: string) => faults.push({ path, message })
  if ([applicationId, integrationId, destinationId].filter((id) => id !== null).length > 1)
    add('', 'a rule names one application, integration or destination at most')
  if (integrationId !== null && about !== 'integration')
    add('integrationId', `"${condition}" is about destinations`)
  if (destinationId !== null && about !== 'destination')
    add('destinationId', `"${condition}" is about integrations`)
  if (applicationId !== null && !integrations.application(applicationId))
    add('applicationId', 'there is no such application')
  if (integrationId !== null && !integrations.integration(integrationId))
    add('integrationId', 'there is no such integration')
  if (destinationId !== null && !integrations.destination(destinationId))
    add('destinationId', 'there is no such destination')
  return faults
}
