import { existsSync } from 'node:fs'
import path from 'node:path'
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
 * Stands below the home when the demo was made whole: from then on it is the user's. Beside the database that holds it,
 * as whoever moves that away begins anew.
 */
const MADE = path.join('postgres', 'demo.made')

interface DemoIds {
  applicationId: string
  destinationId: string
  integrationId: string
}

/**
 * What a newcomer finds: an application, a destination that points at the demo receiver, and an integration that
 * maps nested paths of the order on Retrieve's webhook page. They are made once: what the user changed or deleted stays
 * so, and only where the receiver is now is told to a destination that still points there.
 *
 * @returns the integration's id; undefined where it was deleted
 */
export async function seedDemo(
  integrations: Integrations,
  home: string,
  receivedUrl: string,
): Promise<string | undefined> {
  const [integrationId, applicationId, destinationId] = await Promise.all([
    keepSecret(home, 'demo.integration', newIntegrationId),
    keepSecret(home, 'demo.application', newId),
    keepSecret(home, 'demo.destination', newId),
  ])
  if (!existsSync(path.join(home, MADE))) {
    await makeDemo(integrations, { applicationId, destinationId, integrationId }, receivedUrl)
    await keepSecret(home, MADE, () => new Date().toISOString())
  }
  await followReceiver(integrations, destinationId, receivedUrl)
  return integrations.integration(integrationId)?.id
}

/** What a start that was killed has made already stays. */
async function makeDemo(
  integrations: Integrations,
  { applicationId, destinationId, integrationId }: DemoIds,
  receivedUrl: string,
): Promise<void> {
  const called = integrations.applicationOfSlug(SLUG)
  // Somebody's own: the demo was deleted by a user of a Sluice that made it anew at each start.
  if (called && called.id !== applicationId) return
  if (!integrations.application(applicationId)) {
    const application = {
      id: applicationId,
      slug: SLUG,
      name: 'Demo shop',
      webhooksEnabled: true,
      allowedList: [],
    }
    await integrations.saveApplication(application, undefined, seeds('applications'))
  }
  if (!integrations.destination(destinationId)) {
    const config = destinationConfigSchema.parse({
      kind: 'http',
      url: receivedUrl,
      retry: { firstDelayMs: 1_000, factor: 2, delayMaxMs: 60_000 },
    })
    const destination = { id: destinationId, applicationId, name: 'Demo destination', enabled: true, config }
    await integrations.saveDestination(destination, undefined, seeds('destinations'))
  }
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
}

const SLUG = 'demo'

/** The receiver's port can be another one at each start; its token, by which it is known, stays. */
async function followReceiver(
  integrations: Integrations,
  destinationId: string,
  receivedUrl: string,
): Promise<void> {
  const known = integrations.destination(destinationId)
  if (known?.config.kind !== 'http' || known.config.url === receivedUrl) return
  if (withoutPort(known.config.url) !== withoutPort(receivedUrl)) return
  const destination = { ...known, config: { ...known.config, url: receivedUrl } }
  await integrations.saveDestination(destination, undefined, seeds('destinations'))
}

function withoutPort(url: string): string {
  return url.replace(/^(http:\/\/[^/:]+):[0-9]+/, '$1')
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
