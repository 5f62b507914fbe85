/** The HTTP side of the program: which server answers what. */
import { createHmac } from 'node:crypto'
import { createAdmin, createKeys } from '../admin/admin.ts'
import { askForBody, createDomainCheck, createEdge, type Edge, webhookSlug } from '../edge/edge.ts'
import type { Log } from '../platform/log.ts'
import type { Settings } from '../platform/settings.ts'
import type { Rewriter } from '../rewrite/rewrite.ts'
import type { CheckedSettings } from './checked-settings.ts'
import type { Closers } from './closers.ts'
import type { Foundations } from './foundations.ts'
import { createHealth } from './health.ts'
import { type Fetch, type HttpServer, startServer } from './server.ts'
import type { Storage } from './storage.ts'

/** An edge receives, a worker delivers. */
export type Role = 'edge' | 'worker' | 'all'

export interface DoorOptions extends Foundations {
  settings: Settings
  checked: CheckedSettings
  role: Role
  storage: Storage
  rewriter: Rewriter
  /** An API key that is valid beside those of the database. */
  key: string
  log: Log
  closers: Closers
}

export async function openDoor(options: DoorOptions) {
  const { settings, role, closers } = options
  const loopbackAllowed = options.storage.embedded && isLoopback(settings.HOST)
  const edge = role === 'worker' ? undefined : openEdge(options, loopbackAllowed)
  const place = { url: settings.PUBLIC_URL.replace(/\/+$/, '') }
  const admin = openAdmin(options, place)
  const separate = settings.ADMIN_PORT !== 0
  const serve = (port: number, fetch: Fetch, webhooks?: Edge) =>
    openServer(settings, port, fetch, webhooks, closers)
  const main = await serve(
    settings.PORT,
    dispatch(settings.BASE_DOMAIN, edge, separate ? undefined : admin),
    edge,
  )
  const adminServer = separate ? await serve(settings.ADMIN_PORT, admin) : main
  if (place.url === '') place.url = `http://${hostInUrl(settings.HOST)}:${main.port}`
  return { port: main.port, adminPort: adminServer.port, url: place.url, loopbackAllowed }
}

function openEdge(options: DoorOptions, loopbackAllowed: boolean): Edge {
  const { settings, checked, closers, integrations, ledger, handOver, metrics, log, fingerprintKey } = options
  const domainCheck = createDomainCheck({
    servers: settings.DNS_SERVERS,
    budgetMs: settings.DNS_BUDGET_MS,
    now: () => performance.now(),
  })
  closers.add(domainCheck, (opened) => opened.close())
  const edge = createEdge({
    integrations,
    ledger,
    handOver: handOver.runs,
    trust: checked.trust,
    commonAllowlist: checked.allowlist,
    addressRules: { domainCheck, loopbackAllowed },
    limits: {
      bodyBytesMax: settings.BODY_BYTES_MAX,
      compressedBytesMax: settings.COMPRESSED_BYTES_MAX,
      depthMax: settings.BODY_DEPTH_MAX,
      keysMax: settings.BODY_KEYS_MAX,
      waitMs: settings.BODY_WAIT_MS,
      pendingBytesMax: settings.PENDING_BYTES_MAX,
    },
    serviceName: settings.SERVICE_NAME,
    baseDomain: settings.BASE_DOMAIN,
    refusalsLoggedPerMinute: settings.REFUSALS_LOGGED_PER_MINUTE,
    fingerprint: (secret) =>
      `fingerprint:${createHmac('sha256', fingerprintKey).update(secret).digest('hex').slice(0, 12)}`,
    metrics,
    log,
  })
  return closers.add(edge, (opened) => opened.close())
}

function openAdmin(options: DoorOptions, place: { url: string }): Fetch {
  const { settings, role, storage, integrations, ledger, queue, rewriter, handOver, metrics, log, key } =
    options
  const admin = createAdmin({
    integrations,
    ledger,
    rewriter,
    keys: createKeys(storage.sql, key),
    health: createHealth({ sql: storage.sql, ledger, queue, integrations, metrics }),
    handOver: handOver.runs,
    webhookBaseOf: ({ slug }) =>
      settings.BASE_DOMAIN === '' ? place.url : `https://webhook-${slug}.${settings.BASE_DOMAIN}`,
    // A worker is asked how it is, and nothing else.
    healthOnly: role === 'worker',
    metrics,
    log,
  })
  return (request, env) => admin.fetch(request, env)
}

/** Webhook host names answer nothing but webhooks; elsewhere those lie beside the rest. */
function dispatch(baseDomain: string, edge: Edge | undefined, admin: Fetch | undefined): Fetch {
  return (request, env) => {
    const isWebhook = isWebhookPath(request.url) || webhookSlug(request.url, baseDomain) !== undefined
    if (edge && (isWebhook || !admin)) return edge.app.fetch(request, env)
    askForBody(env.incoming, env.outgoing)
    return admin ? admin(request, env) : new Response(null, { status: 404 })
  }
}

/** Of the whole address, because a request may name it in full (RFC 9112 section 3.2.2). */
function isWebhookPath(url: string): boolean {
  return url.startsWith('/integration/', url.indexOf('/', url.indexOf('://') + 3))
}

async function openServer(
  settings: Settings,
  port: number,
  fetch: Fetch,
  edge: Edge | undefined,
  closers: Closers,
): Promise<HttpServer> {
  const server = await startServer({
    host: settings.HOST,
    port,
    headerBytesMax: settings.HEADER_BYTES_MAX,
    requestWaitMs: settings.BODY_WAIT_MS,
    fetch,
    refuseBroken: edge?.refuseBroken,
  })
  return closers.add(server, (opened) => opened.close(settings.DRAIN_MS))
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\.[0-9.]+$/.test(host)
}

function hostInUrl(host: string): string {
  if (host === '0.0.0.0' || host === '::') return '127.0.0.1'
  return host.includes(':') ? `[${host}]` : host
}
