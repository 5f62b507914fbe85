/** The HTTP side of the program: which server answers what. */
import { type AdminOptions, createAdmin, createAudit, createKeys } from '../admin/admin.ts'
import { askForBody, type Edge, type Keeper, webhookSlug } from '../edge/edge.ts'
import type { Application } from '../integrations/integrations.ts'
import type { Log } from '../platform/log.ts'
import type { Settings } from '../platform/settings.ts'
import type { Rewriter } from '../rewrite/rewrite.ts'
import type { CheckedSettings } from './checked-settings.ts'
import type { Closers } from './closers.ts'
import { connectionLimits } from './connection-limits.ts'
import type { Foundations } from './foundations.ts'
import { createHealth } from './health.ts'
import type { Leaving } from './leaving.ts'
import { openEdge } from './open-edge.ts'
import type { Outside } from './outside.ts'
import type { ProofWorld } from './proofs.ts'
import { type Fetch, type HttpServer, startServer } from './server.ts'
import { createSourceOf } from './source-of.ts'
import type { Storage } from './storage.ts'
import { renewTls, type Tls } from './tls-renewal.ts'

/** An edge receives, a worker delivers. */
export type Role = 'edge' | 'worker' | 'all'

export interface DoorOptions extends Foundations, Pick<AdminOptions, 'alerts' | 'tryDestination'> {
  settings: Settings
  checked: CheckedSettings
  role: Role
  storage: Storage
  rewriter: Rewriter
  proofs: ProofWorld
  outside: Outside
  /** Undefined in a worker. */
  keeper: Keeper | undefined
  leaving: Leaving
  /** An API key that is valid beside those of the database. */
  key: string
  log: Log
  closers: Closers
}

export async function openDoor(options: DoorOptions) {
  const { settings, checked } = options
  const loopbackAllowed = options.storage.embedded && isLoopback(settings.HOST)
  const place = { url: settings.PUBLIC_URL.replace(/\/+$/, '') }
  const addressOf = ({ slug }: Application) =>
    checked.baseDomain === '' ? place.url : `https://webhook-${slug}.${checked.baseDomain}`
  const { keeper } = options
  const edge = keeper && openEdge({ ...options, keeper, addressOf, loopbackAllowed })
  const admin = openAdmin(options, addressOf)
  const separate = settings.ADMIN_PORT !== 0
  const tls = openTls(options)
  const serve = (port: number, fetch: Fetch, webhooks?: Edge) =>
    openServer(options, port, tls, fetch, webhooks)
  const main = await serve(
    settings.PORT,
    dispatch(checked.baseDomain, edge, separate ? undefined : admin),
    edge,
  )
  const adminServer = separate
    ? await serve(settings.ADMIN_PORT, dispatch(checked.baseDomain, undefined, admin))
    : main
  const scheme = tls ? 'https' : 'http'
  if (place.url === '') place.url = `${scheme}://${hostInUrl(settings.HOST)}:${main.port}`
  return { port: main.port, adminPort: adminServer.port, url: place.url, loopbackAllowed }
}

function openAdmin(options: DoorOptions, addressOf: (application: Application) => string): Fetch {
  const { role, storage, integrations, ledger, queue, rewriter, handOver, metrics, log, key } = options
  const { settings, checked, proofs, outside, alerts, keeper, leaving, tryDestination } = options
  const admin = createAdmin({
    integrations,
    ledger,
    rewriter,
    keys: createKeys({ sql: storage.sql, settingsKey: key, log }),
    audit: createAudit(storage.sql),
    sealer: options.sealer,
    retentionDays: settings.RETENTION_DAYS,
    sourceOf: createSourceOf(checked.trust),
    failedKeysPerMinute: settings.FAILED_KEYS_PER_MINUTE,
    isHttps: checked.tls !== undefined || /^https:/i.test(settings.PUBLIC_URL),
    health: createHealth({ sql: storage.sql, ledger, queue, integrations, alerts, keeper, leaving, metrics }),
    alerts,
    tryDestination,
    handOver: handOver.runs,
    webhookBaseOf: addressOf,
    visit: outside.visit,
    fetchText: outside.fetchText,
    now: proofs.now,
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
    const isWebhookHost = webhookSlug(request.url, baseDomain) !== undefined
    if (edge && (isWebhookHost || isWebhookPath(request.url) || !admin)) return edge.app.fetch(request, env)
    askForBody(env.incoming, env.outgoing)
    return admin && !isWebhookHost ? admin(request, env) : new Response(null, { status: 404 })
  }
}

/** Of the whole address, because a request may name it in full (RFC 9112 section 3.2.2). */
function isWebhookPath(url: string): boolean {
  return url.startsWith('/integration/', url.indexOf('/', url.indexOf('://') + 3))
}

function openTls({ settings, checked, closers, log }: DoorOptions): Tls | undefined {
  const files = checked.tls
  if (!files) return undefined
  const tls = renewTls({ settings, files, everySeconds: settings.RELOAD_SECONDS, log })
  return closers.add(tls, (opened) => opened.close())
}

/** Webhooks alone ask for client certificates: a person at the API has a key. */
async function openServer(
  { settings, checked, leaving, metrics, closers, log }: DoorOptions,
  port: number,
  tls: Tls | undefined,
  fetch: Fetch,
  edge: Edge | undefined,
): Promise<HttpServer> {
  const asksForCertificate = edge !== undefined && settings.TLS_CLIENT_CA !== ''
  const server = await startServer({
    host: settings.HOST,
    port,
    headerBytesMax: settings.HEADER_BYTES_MAX,
    requestWaitMs: settings.BODY_WAIT_MS,
    isLeaving: leaving.hasBegun,
    limits: connectionLimits(settings, checked.trust, metrics, log),
    tls: tls && { ...tls, asksForCertificate },
    fetch,
    refuseBroken: edge?.refuseBroken,
    // Scanners are many, so this is for those who look for a sender that cannot connect.
    onFailedHandshake: ({ remoteAddress }, { message }) =>
      log.debug({ sourceIp: remoteAddress, note: message }, 'no TLS could be agreed on'),
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
