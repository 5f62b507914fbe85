import { appendFile, readFile, writeFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import path from 'node:path'
import type { Integrations } from '../integrations/integrations.ts'
import { newId, newIntegrationId, newToken } from '../platform/ids.ts'
import { keepSecret } from './home.ts'

/** The demo destination: shows what it received, also after a restart. */
export interface DemoReceiver {
  port: number
  /** POST delivers, GET lists. The token keeps other pages of the same machine out. */
  receivedUrl: string
  close(): Promise<void>
}

const HOST = '127.0.0.1'
const SHOWN_MAX = 100
const BODY_BYTES_MAX = 1024 * 1024

export async function startDemoReceiver(home: string): Promise<DemoReceiver> {
  const token = await keepSecret(home, 'demo.token', newToken)
  const file = path.join(home, 'demo-received.ndjson')
  await trim(file)
  const server = createServer((request, response) => {
    answer(request, response, `/${token}`, file).catch(() => response.writeHead(500).end())
  })
  await new Promise<void>((resolve) => server.listen(0, HOST, resolve))
  const { port } = server.address() as AddressInfo
  return { port, receivedUrl: `http://${HOST}:${port}/${token}`, close: () => close(server) }
}

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
      { id: 'map', kind: 'transform' as const, mapping: DEMO_MAPPING, next: ['push'] },
      { id: 'push', kind: 'push' as const, destination: destinationId, batch: false },
    ],
  }
}

/** From the order on Retrieve's webhook page to flat fields and lines. */
export const DEMO_MAPPING = {
  order_id: 'order.id',
  order_number: 'order.order_number',
  customer_email: 'order.email',
  total: { from: 'order.total_price', transforms: ['number'] },
  currency: { from: 'order.currency', default: 'USD' },
  'ship_to.name': 'order.shipping_address.last_name',
  'ship_to.city': 'order.shipping_address.city',
  'lines[].sku': 'order.items[].sku',
  'lines[].quantity': { from: 'order.items[].quantity', transforms: ['number'] },
  source: { value: 'webhook' },
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  address: string,
  file: string,
): Promise<void> {
  if (request.url !== address) return void response.writeHead(404).end()
  if (request.method === 'GET') {
    const items = (await linesOf(file)).map((line) => `  ${line}`)
    return void response
      .writeHead(200, { 'content-type': 'application/json' })
      .end(`[\n${items.join(',\n')}\n]\n`)
  }
  const body = await readText(request)
  // The body is kept as the JSON text it is, so that its digits are shown as they were received.
  const isJson = request.headers['content-type']?.includes('json') ?? false
  const line = `{"receivedAt":${JSON.stringify(new Date())},"deliveryId":${JSON.stringify(request.headers['webhook-id'] ?? null)},"body":${isJson ? body : JSON.stringify(body)}}`
  await appendFile(file, `${line}\n`)
  response.writeHead(200, { 'content-type': 'application/json' }).end('{"received":true}')
}

async function readText(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > BODY_BYTES_MAX) throw new Error('too large for the demo')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

async function linesOf(file: string): Promise<string[]> {
  const text = await readFile(file, 'utf8').catch(() => '')
  // A line cut by a kill has no end, and is left out.
  return text.split('\n').slice(0, -1).slice(-SHOWN_MAX)
}

async function trim(file: string): Promise<void> {
  const lines = await linesOf(file)
  await writeFile(file, lines.map((line) => `${line}\n`).join(''), { mode: 0o600 })
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
}
