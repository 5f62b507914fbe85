import type { Integrations } from '../integrations/integrations.ts'
import { newId, newIntegrationId } from '../platform/ids.ts'
import { keepSecret } from './home.ts'

/**
 * What a newcomer finds: an application, a destination that points at the demo receiver, and an integration that
 * maps nested paths of the order on Retrieve's webhook page. Gives the integration's id.
 */
export async function seedDemo(
  integrations: Integrations,
  home: string,
  receivedUrl: string,
): Promise<string> {
  const [integrationId, applicationId, destinationId] = await Promise.all([
    keepSecret(home, 'demo.integration', newIntegrationId),
    keepSecret(home, 'demo.application', newId),
    keepSecret(home, 'demo.destination', newId),
  ])
  const application = {
    id: applicationId,
    slug: 'demo',
    name: 'Demo shop',
    webhooksEnabled: true,
    allowedList: [],
  }
  if (!integrations.application(applicationId)) await integrations.saveApplication(application)
  await pointDestination(integrations, { applicationId, destinationId, receivedUrl })
  if (!integrations.integration(integrationId)) {
    await integrations.saveIntegration({
      id: integrationId,
      applicationId,
      name: 'Orders to the demo destination',
      enabled: true,
      definition: demoDefinition(destinationId),
    })
  }
  return integrationId
}

/** The receiver's port is another one at each start; whatever else was changed about the destination stays. */
async function pointDestination(
  integrations: Integrations,
  {
    applicationId,
    destinationId,
    receivedUrl,
  }: { applicationId: string; destinationId: string; receivedUrl: string },
): Promise<void> {
  const known = integrations.destination(destinationId)
  const config = known?.config ?? {
    kind: 'http' as const,
    method: 'POST' as const,
    url: receivedUrl,
    headers: {},
    format: 'json' as const,
    auth: { kind: 'none' as const },
    timeoutMs: 30_000,
    success: ['2xx' as const],
    retry: { triesMax: 12, firstDelayMs: 1_000, factor: 2, delayMaxMs: 60_000 },
  }
  const name = known?.name ?? 'Demo destination'
  const enabled = known?.enabled ?? true
  await integrations.saveDestination({
    id: destinationId,
    applicationId,
    name,
    enabled,
    config: { ...config, url: receivedUrl },
  })
}

function demoDefinition(destinationId: string) {
  return {
    source: 'generic' as const,
    allowedList: [],
    proof: null,
    limits: {},
    split: null,
    alwaysList: ['webhook.order.items.item'],
    dedupe: null,
    nodes: [
      {
        id: 'json-or-xml',
        kind: 'decision' as const,
        branches: [{ when: { path: 'webhook', op: 'exists' as const }, next: ['map-xml'] }],
        otherwise: ['map-json'],
        all: false,
      },
      {
        id: 'map-json',
        kind: 'transform' as const,
        mapping: demoMapping('order', 'order.items[]'),
        next: ['push'],
      },
      {
        id: 'map-xml',
        kind: 'transform' as const,
        mapping: demoMapping('webhook.order', 'webhook.order.items.item[]'),
        next: ['push'],
      },
      { id: 'push', kind: 'push' as const, destination: destinationId, batch: false },
    ],
  }
}

/** From the order on Retrieve's webhook page, as JSON or as XML, to flat fields and lines. */
function demoMapping(order: string, items: string) {
  return {
    order_id: { from: `${order}.id`, transforms: ['number'] },
    order_number: `${order}.order_number`,
    customer_email: `${order}.email`,
    total: { from: `${order}.total_price`, transforms: ['number'] },
    currency: { from: `${order}.currency`, default: 'USD' },
    'ship_to.name': `${order}.shipping_address.last_name`,
    'ship_to.city': `${order}.shipping_address.city`,
    'lines[].sku': `${items}.sku`,
    'lines[].quantity': { from: `${items}.quantity`, transforms: ['number'] },
    source: { value: 'webhook' },
  }
}
