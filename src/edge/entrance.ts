import type { Integration } from '../integrations/integrations.ts'
import { presetOf } from '../sources/sources.ts'
import type { Passage } from './account.ts'
import type { Arrival } from './arrival.ts'
import { requireCertificate } from './client-certificate.ts'
import type { Gate } from './gate.ts'
import { asksByMethod } from './handshake.ts'
import { Refusal } from './refusal.ts'

/**
 * Whoever comes here was let in by the allowlist, and may learn who is there.
 *
 * @throws Refusal when nobody is, or not for this sender, or not so often.
 */
export function enter(passage: Passage, gate: Gate): Integration {
  passage.welcome = true
  const integration = requireEnabled(passage)
  requireCertificate(passage.arrival, integration.definition.clientCertificate, gate.certificates)
  gate.limitRate(integration.id, integration.definition.limits.requestsPerSecondMax)
  return integration
}

function requireEnabled({ arrival, callee }: Passage): Integration {
  if (arrival.integrationId === '') throw new Refusal('no_webhook_address')
  const integration = callee?.integration
  if (!mayAsk(arrival, integration)) throw new Refusal('method_not_allowed')
  if (!integration || !callee.application) throw new Refusal('unknown_integration')
  if (!callee.application.webhooksEnabled) throw new Refusal('application_disabled')
  if (!integration.enabled) throw new Refusal('integration_disabled')
  return integration
}

function mayAsk({ method }: Arrival, integration: Integration | undefined): boolean {
  if (!integration) return method === 'POST'
  return carriesEvents(integration, method) || asksByMethod(integration, method)
}

/** What came by a method that only asks, and was no handshake, is no event either. */
export function requireEvent({ method }: Arrival, integration: Integration): void {
  if (!carriesEvents(integration, method)) throw new Refusal('method_not_allowed')
}

function carriesEvents({ definition }: Integration, method: string): boolean {
  return presetOf(definition.source).methods.includes(method)
}
