import {
  type Application,
  type Integration,
  type Integrations,
  listedSecrets,
  maskSecrets,
} from '../../integrations/integrations.ts'
import { standingOf } from '../../sources/sources.ts'

/** Integrations as the API shows them, with what the database alone knows of their secrets and handshakes. */
export async function showIntegrations(
  shown: readonly Integration[],
  {
    integrations,
    webhookBaseOf,
    now,
  }: { integrations: Integrations; webhookBaseOf(application: Application): string; now(): Date },
): Promise<object[]> {
  const ids = shown.map(({ id }) => id)
  const [uses, handshakes] = await Promise.all([
    integrations.findSecretUses(ids),
    integrations.findHandshakes(ids),
  ])
  return shown.map((integration) => {
    const application = integrations.application(integration.applicationId)
    if (!application) throw new Error(`integration ${integration.id} has no application`)
    const webhookUrl = `${webhookBaseOf(application)}/integration/${integration.id}`
    return {
      ...integration,
      definition: maskSecrets(integration.definition),
      secrets: secretsOf(integration, uses.get(integration.id), now()),
      handshake: handshakes.get(integration.id) ?? null,
      webhookUrl,
      webhookXmlUrl: `${webhookUrl}/xml`,
    }
  })
}

function secretsOf({ definition }: Integration, uses: ReadonlyMap<string, Date> | undefined, at: Date) {
  return listedSecrets(definition.proof).map((secret) => ({
    id: secret.id,
    activeFrom: secret.activeFrom ?? null,
    retiresAt: secret.retiresAt ?? null,
    standing: standingOf(secret, at),
    lastUsedAt: (secret.id !== undefined && uses?.get(secret.id)) || null,
  }))
}
