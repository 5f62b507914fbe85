import { witnessOf } from '../admin/admin.ts'
import {
  type Definition,
  definitionSchema,
  destinationConfigSchema,
  type Integrations,
} from '../integrations/integrations.ts'
import { newId, newIntegrationId } from '../platform/ids.ts'
import type { Witness } from '../platform/witness.ts'
import { keepSecret } from './home.ts'
import { commandAuthor } from './own-author.ts'

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
  if (!integrations.application(applicationId))
    await integrations.saveApplication(application, undefined, seeds('applications'))
  await pointDestination(integrations, { applicationId, destinationId, receivedUrl })
  if (!integrations.integration(integrationId)) {
    const integration = {
      id: integrationId,
      applicationId,
      name: 'Orders to the demo destination',
      enabled: true,
      definition: demoDefinition(destinationId),
    }
    await integrations.saveIntegration(integration, undefined, seeds('integrations'))
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
  const config =
    known?.config ??
    destinationConfigSchema.parse({
      kind: 'http',
      url: receivedUrl,
      retry: { firstDelayMs: 1_000, factor: 2, delayMaxMs: 60_000 },
    })
  const name = known?.name ?? 'Demo destination'
  const enabled = known?.enabled ?? true
  const destination = {
    id: destinationId,
    applicationId,
    name,
    enabled,
    config: config.kind === 'http' ? { ...config, url: receivedUrl } : config,
  }
  await integrations.saveDestination(destination, undefined, seeds('destinations'))
}

function seeds(resource: string): Witness {
  return witnessOf(commandAuthor('start'), { action: 'seed', resource })
}

function demoDefinition(destinationId: string): Definition {
  return definitionSchema.parse({
    alwaysList: ['webhook.order.items.item'],
    nodes: [
      {
        id: 'json-or-xml',
        kind: 'decision',
        branches: [{ when: { path: 'webhook', op: 'exists' }, next: ['map-xml'] }],
        otherwise: ['map-json'],
      },
      {
        id: 'map-json',
        kind: 'transform',
        mapping: demoMapping('order', 'order.items[]'),
        next: ['push'],
      },
      {
        id: 'map-xml',
        kind: 'transform',
        mapping: demoMapping('webhook.order', 'webhook.order.items.item[]'),
        next: ['push'],
      },
      { id: 'push', kind: 'push', destination: destinationId },
    ],
  })
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
