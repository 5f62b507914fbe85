/**
 * The composition root: the one place that knows every room, opens them in order and closes them in reverse.
 */
import type { Integrations } from '../integrations/integrations.ts'
import type { Ledger } from '../ledger/ledger.ts'
import { createOutbound, type HostPort } from '../outbound/outbound.ts'
import type { Log } from '../platform/log.ts'
import type { Settings } from '../platform/settings.ts'
import type { Queue } from '../queue/queue.ts'
import type { Rewriter } from '../rewrite/rewrite.ts'
import { executeRun } from '../run/run.ts'
import { attemptDelivery } from '../send/send.ts'
import { startUpkeep } from '../upkeep/upkeep.ts'
import { type CheckedSettings, checkSettings } from './checked-settings.ts'
import { Closers } from './closers.ts'
import { openDoor, type Role } from './door.ts'
import { type Foundations, openFoundations, openRewriter } from './foundations.ts'
import { importFunctions } from './functions-from-files.ts'
import type { HandOver } from './hand-over.ts'
import { adminKey } from './home.ts'
import { openStorage } from './storage.ts'
import { startWorker } from './worker.ts'

export type { Role }

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
