/**
 * The composition root: the one place that knows every room, opens them in order and closes them in reverse.
 */

import { setTimeout as pause } from 'node:timers/promises'
import { dropOldEntries } from '../admin/admin.ts'
import type { Alerts } from '../alerts/alerts.ts'
import { createTokens } from '../http-request/http-request.ts'
import type { Integrations } from '../integrations/integrations.ts'
import type { Ledger } from '../ledger/ledger.ts'
import { createOutbound, type HostPort } from '../outbound/outbound.ts'
import type { Log } from '../platform/log.ts'
import type { Settings } from '../platform/settings.ts'
import { createInProcessQueue, type Queue } from '../queue/queue.ts'
import type { Rewriter } from '../rewrite/rewrite.ts'
import { executeRun } from '../run/run.ts'
import { attemptDelivery } from '../send/send.ts'
import { startUpkeep } from '../upkeep/upkeep.ts'
import { checkSettings } from './checked-settings.ts'
import { Closers } from './closers.ts'
import { openDoor, type Role } from './door.ts'
import { type Foundations, openFoundations, openRewriter } from './foundations.ts'
import { FUNCTIONS_FOLDER, importFunctions } from './functions-from-files.ts'
import { adminKey } from './home.ts'
import { createLeaving, noticeMs } from './leaving.ts'
import { openAlerts } from './open-alerts.ts'
import { openKeeper } from './open-keeper.ts'
import { letGo, openReleaser } from './open-releaser.ts'
import { openSenders } from './open-senders.ts'
import { openStandIn } from './open-stand-in.ts'
import { type Outside, openOutside } from './outside.ts'
import { openProofWorld, type ProofWorld } from './proofs.ts'
import { openStorage, type Storage } from './storage.ts'
import { openTryDestination } from './try-destination.ts'
import { watchJournal } from './watch-journal.ts'
import { startWorker, type Worker } from './worker.ts'

export type { Role }

/** How long a stop waits for a database that does not answer, when all other work has ended. */
const GIVE_UP_MS = 2_000

export interface GatewayOptions {
  settings: Settings
  role: Role
  log: Log
  /** Hosts and ports inside that may be reached, beside those of the settings. */
  outboundAllowed?: HostPort[]
  /** Another clock, other keys and certificates than those of the real world to check proofs with. */
  proofs?: Partial<ProofWorld> | undefined
  /** Other answers to what is asked of vendors than those of the real world. */
  outside?: Outside | undefined
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
  /** Announces the stop, and resolves when those in front of it have had the time to hear of it. */
  leave(): Promise<void>
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
  {
    settings,
    role,
    log,
    outboundAllowed = [],
    proofs = {},
    outside: given,
    onFatal = () => {},
  }: GatewayOptions,
  closers: Closers,
) {
  const checked = checkSettings(settings)
  for (const warning of checked.warnings) log.warn(warning)
  const storage = closers.add(await openStorage(settings, { role, log, onFatal }), (opened) => opened.close())
  // Where the queue may be away, a worker can go on without it.
  const ownLanes = role === 'edge' || !checked.redis ? undefined : createInProcessQueue({ log })
  if (ownLanes) closers.add(ownLanes, (opened) => opened.close(settings.DRAIN_MS))
  const foundations = await openFoundations(settings, checked, storage, ownLanes, log, closers)
  closers.add(storage, (opened) => opened.giveUpIn(GIVE_UP_MS))
  const { integrations, ledger, queue, handOver, metrics } = foundations
  const rewriter = closers.add(openRewriter(settings, metrics, log), (opened) => opened.close())
  await whenThere(storage, () => importFunctions(FUNCTIONS_FOLDER, integrations, rewriter, log), log)
  const allowed = [...checked.outboundAllowed, ...outboundAllowed]
  const alerts = openAlerts(settings, allowed, storage, foundations, log, closers)
  const worker =
    role === 'edge'
      ? undefined
      : await openWorker(settings, allowed, { ...foundations, ownLanes, rewriter, alerts }, log, closers)
  const outside = given ?? openOutside(log, closers)
  const keeper =
    role === 'worker' ? undefined : await openKeeper(settings, storage, foundations, log, closers)
  closers.add(
    await startUpkeep({
      ledger,
      integrations,
      alerts,
      alertSeconds: settings.ALERT_SECONDS,
      fetchText: outside.fetchText,
      now: () => new Date(),
      queue,
      requeue: handOver.unfinished,
      sweepSeconds: settings.SWEEP_SECONDS,
      lostSeconds: settings.LOST_SECONDS,
      alone: storage.embedded,
      isAway: storage.arrived !== undefined,
      ...(keeper && { lookAtJournal: watchJournal(settings, storage, keeper, alerts, closers) }),
      forgetAudits: () => forgetAudits(storage, settings.AUDIT_DAYS),
      retentionDays: settings.RETENTION_DAYS,
      metrics: foundations.metrics,
      sealer: foundations.sealer,
      log,
    }),
    (opened) => opened.close(),
  )
  const key = storage.embedded ? await adminKey(settings.SLUICE_HOME) : settings.SLUICE_ADMIN_KEY
  const leaving = createLeaving()
  const door = await openDoor({
    leaving,
    settings,
    checked,
    role,
    storage,
    key,
    log,
    closers,
    rewriter,
    proofs: openProofWorld(proofs, log, closers),
    outside,
    alerts,
    keeper,
    tryDestination: openTryDestination(settings, foundations.own, allowed, log, closers),
    ...foundations,
  })
  // Before the door closes, which waits for the answers that are under way.
  closers.add(foundations.ledger, (ledger) => ledger.endAwaiting())
  // Told at the same moment as the door, so that one deadline holds for both; waited for, and heard, in its turn.
  closers.add(worker, (opened) => void opened?.close(settings.DRAIN_MS).catch(() => {}))
  return {
    settings,
    ...door,
    adminKey: storage.embedded ? key : '',
    embedded: storage.embedded,
    integrations,
    ledger,
    queue,
    async leave() {
      leaving.begin()
      await pause(noticeMs(settings, role))
    },
    close: () => closers.closeAll(),
  }
}

const DAY_MS = 86_400_000
const AUDITS_AT_ONCE = 10_000

/** @param keptDays 0 keeps all */
async function forgetAudits({ sql }: Storage, keptDays: number): Promise<void> {
  if (keptDays > 0) await dropOldEntries(sql, new Date(Date.now() - keptDays * DAY_MS), AUDITS_AT_ONCE)
}

/** Does what needs the database: at once, or when it has come. */
async function whenThere({ arrived }: Storage, work: () => Promise<void>, log: Log): Promise<void> {
  if (!arrived) return work()
  void arrived.then(work).catch((error) => log.error({ err: error }, 'a part of the start failed'))
}

async function openWorker(
  settings: Settings,
  allowed: HostPort[],
  rooms: Foundations & { ownLanes: Queue | undefined; rewriter: Rewriter; alerts: Alerts },
  log: Log,
  closers: Closers,
): Promise<Worker> {
  const { queue, handOver, ownLanes, alerts } = rooms
  const outbound = closers.add(createOutbound({ allowed, log }), (opened) => opened.close())
  // Beside those of the deliveries: a node's calls have tokens of their own.
  const tokens = createTokens({ outbound })
  const senders = closers.add(openSenders(settings, outbound, rooms.own), (opened) => opened.close())
  const releaser = openReleaser(rooms, settings.DELIVERY_CONCURRENCY, log)
  const { straight } = releaser
  const worker = closers.add(
    await startWorker({
      queues: ownLanes ? [queue, ownLanes] : [queue],
      runConcurrency: settings.RUN_CONCURRENCY,
      deliveryConcurrency: settings.DELIVERY_CONCURRENCY,
      execute: (runId, takesBefore, signal) =>
        executeRun(runId, signal, {
          ...rooms,
          takesBefore,
          outbound,
          tokens,
          limits: { deliveriesMax: settings.RUN_DELIVERIES_MAX, bytesMax: settings.RUN_BYTES_MAX },
          holdEveryMs: (settings.LOST_SECONDS * 1_000) / 3,
          putBack: handOver.runAgain,
          straight,
          handOver: (made) => letGo(made, { handOver, releaser }),
          log,
        }),
      attempt: (deliveryId, signal) => {
        const { attemptFailed } = alerts
        return attemptDelivery(deliveryId, signal, {
          ...rooms,
          senders,
          places: releaser,
          attemptFailed,
          log,
        })
      },
    }),
    (opened) => opened.close(settings.DRAIN_MS),
  )
  // Before the worker, which takes nothing more when it closes: what were let go then might lie in no queue.
  closers.add(releaser, (opened) => opened.close())
  if (ownLanes) openStandIn(settings, rooms, ownLanes, log, closers)
  return worker
}
