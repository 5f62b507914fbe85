/**
 * The composition root: the one place that knows every room, opens them in order and closes them in reverse.
 */
import { createHmac } from 'node:crypto'
import { createAdmin, createKeys } from '../admin/admin.ts'
import { askForBody, createDomainCheck, createEdge, type Edge, webhookSlug } from '../edge/edge.ts'
import { type Integrations, openIntegrations } from '../integrations/integrations.ts'
import { createLedger, type Ledger } from '../ledger/ledger.ts'
import { createOutbound, type HostPort } from '../outbound/outbound.ts'
import type { Log } from '../platform/log.ts'
import { createMetrics, type Metrics } from '../platform/metrics.ts'
import { connectRedis } from '../platform/redis.ts'
import { createSealer } from '../platform/sealing.ts'
import type { Settings } from '../platform/settings.ts'
import { createQueue, type Queue } from '../queue/queue.ts'
import { createRewriter, type Rewriter } from '../rewrite/rewrite.ts'
import { executeRun } from '../run/run.ts'
import { attemptDelivery } from '../send/send.ts'
import { PARTITION_DAYS_AHEAD, startUpkeep } from '../upkeep/upkeep.ts'
import { type CheckedSettings, checkSettings } from './checked-settings.ts'
import { importFunctions } from './functions-from-files.ts'
import { createHandOver, type HandOver } from './hand-over.ts'
import { createHealth } from './health.ts'
import { adminKey, masterKey } from './home.ts'
import { type Fetch, type HttpServer, startServer } from './server.ts'
import { openStorage, type Storage } from './storage.ts'
import { startWorker } from './worker.ts'

export type Role = 'edge' | 'worker' | 'all'

export interface GatewayOptions {
  settings: Settings
  role: Role
  log: Log
  /** Hosts and ports inside that may be reached, beside those of the settings. */
  outboundAllowed?: HostPort[]
  /** Called when this process must end by itself: another one works on its data. */
  onFatal?: (sentence: string) => void
}

export interface Gateway {
  settings: Settings
  port: number
  adminPort: number
  /** `http://127.0.0.1:8080`, or PUBLIC_URL. */
  url: string
  /** In embedded mode the administrator's key; empty otherwise. */
  adminKey: string
  embedded: boolean
  loopbackAllowed: boolean
  integrations: Integrations
  ledger: Ledger
  queue: Queue
  /** Refuses new work, finishes what is under way within the deadline of the settings, and closes everything. */
  close(): Promise<void>
}

/** What is opened is closed in reverse order, also when opening the next fails. */
class Closers {
  readonly #closers: (() => unknown)[] = []

  add<T>(thing: T, close: (thing: T) => unknown): T {
    this.#closers.push(() => close(thing))
    return thing
  }

  /** One that fails keeps none of the others open. @throws the first failure, when all are through. */
  async closeAll(): Promise<void> {
    const failures: unknown[] = []
    for (let close = this.#closers.pop(); close; close = this.#closers.pop()) {
      try {
        await close()
      } catch (error) {
        failures.push(error)
      }
    }
    if (failures.length > 0) throw failures[0]
  }
}

/** @throws SettingsError, or an Error with a sentence for the operator. */
export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  const { log } = options
  const closers = new Closers()
  try {
    return await openGateway(options, closers)
  } catch (error) {
    await closers.closeAll().catch((failure) => log.warn({ err: failure }, 'closing failed too'))
    throw error
  }
}

async function openGateway(
  { settings, role, log, outboundAllowed = [], onFatal }: GatewayOptions,
  closers: Closers,
) {
  const checked = checkSettings(settings)
  for (const warning of checked.warnings) log.warn(warning)
  const storage = closers.add(await openStorage(settings, log, onFatal), (opened) => opened.close())
  const foundations = await openFoundations(settings, checked, storage, log, closers)
  const { integrations, ledger, queue, handOver, metrics } = foundations
  const rewriter = closers.add(openRewriter(settings, metrics, log), (opened) => opened.close())
  await importFunctions(integrations, rewriter, log)
  if (role !== 'edge')
    await openWorker(settings, checked, outboundAllowed, { ...foundations, rewriter }, log, closers)
  closers.add(
    await startUpkeep({
      ledger,
      requeue: handOver.unfinished,
      sweepSeconds: settings.SWEEP_SECONDS,
      lostSeconds: settings.LOST_SECONDS,
      alone: storage.embedded,
      log,
    }),
    (opened) => opened.close(),
  )
  const key = storage.embedded ? await adminKey(settings.SLUICE_HOME) : settings.SLUICE_ADMIN_KEY
  const door = await openDoor({
    settings,
    checked,
    role,
    storage,
    key,
    log,
    closers,
    rewriter,
    ...foundations,
  })
  return {
    settings,
    ...door,
    adminKey: storage.embedded ? key : '',
    embedded: storage.embedded,
    integrations,
    ledger,
    queue,
    close: () => closers.closeAll(),
  }
}

interface Foundations {
  integrations: Integrations
  ledger: Ledger
  queue: Queue
  handOver: HandOver
  metrics: Metrics
  fingerprintKey: Buffer
}

async function openFoundations(
  settings: Settings,
  checked: CheckedSettings,
  { sql, connectCommits }: Storage,
  log: Log,
  closers: Closers,
): Promise<Foundations> {
  const key = await masterKey(settings)
  const metrics = createMetrics()
  const ledger = closers.add(
    createLedger({
      sql,
      connectCommits,
      storeWaitMs: settings.STORE_WAIT_MS,
      pendingBytesMax: settings.PENDING_BYTES_MAX,
      log,
    }),
    (opened) => opened.close(),
  )
  // What could not be made now is made by and by; until then there is the default partition.
  await ledger
    .makePartitions(new Date(), PARTITION_DAYS_AHEAD)
    .catch((error) => log.warn({ err: error }, 'partitions could not be made ahead'))
  const integrations = closers.add(
    await openIntegrations({ sql, sealer: createSealer(key), reloadSeconds: settings.RELOAD_SECONDS, log }),
    (opened) => opened.close(),
  )
  const redis = checked.redis && closers.add(connectRedis(checked.redis, { log }), (opened) => opened.close())
  const queue = closers.add(createQueue({ redis, log, prefix: settings.REDIS_PREFIX }), (opened) =>
    opened.close(settings.DRAIN_MS),
  )
  const handOver = closers.add(createHandOver(queue, integrations, log), (opened) => opened.close())
  return { integrations, ledger, queue, handOver, metrics, fingerprintKey: key }
}

function openRewriter(settings: Settings, metrics: Metrics, log: Log): Rewriter {
  return createRewriter({
    processes: settings.SANDBOX_PROCESSES,
    limits: {
      memoryMb: settings.FUNCTION_MEMORY_MB,
      cpuMs: settings.FUNCTION_CPU_MS,
      wallMs: settings.FUNCTION_WALL_MS,
      outputBytesMax: settings.FUNCTION_OUTPUT_BYTES_MAX,
      logLinesMax: 200,
      logBytesMax: 64 * 1024,
    },
    metrics,
    log,
  })
}

async function openWorker(
  settings: Settings,
  checked: CheckedSettings,
  moreAllowed: HostPort[],
  rooms: Foundations & { rewriter: Rewriter },
  log: Log,
  closers: Closers,
): Promise<void> {
  const { queue, integrations, handOver } = rooms
  const allowed = [...checked.outboundAllowed, ...moreAllowed]
  const outbound = closers.add(createOutbound({ allowed, log }), (opened) => opened.close())
  closers.add(
    await startWorker({
      queue,
      integrations,
      runConcurrency: settings.RUN_CONCURRENCY,
      deliveryConcurrency: settings.DELIVERY_CONCURRENCY,
      execute: (runId) => executeRun(runId, { ...rooms, handOver: handOver.deliveries, log }),
      attempt: (deliveryId, signal) => {
        const putBack = (delivery: Parameters<HandOver['deliveries']>[0][number]) =>
          handOver.deliveries([delivery])
        return attemptDelivery(deliveryId, signal, { ...rooms, outbound, putBack, log })
      },
    }),
    (opened) => opened.close(settings.DRAIN_MS),
  )
}

interface DoorOptions extends Foundations {
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

async function openDoor(options: DoorOptions) {
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
