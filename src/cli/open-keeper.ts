import { mkdir } from 'node:fs/promises'
import path from 'node:path'
import { type Keeper, openKeeper as open } from '../edge/edge.ts'
import type { Log } from '../platform/log.ts'
import type { Settings } from '../platform/settings.ts'
import type { Closers } from './closers.ts'
import type { Foundations } from './foundations.ts'
import type { Storage } from './storage.ts'

/** The folder of all journals of a home. */
export function journalsFolder(settings: Pick<Settings, 'SLUICE_HOME'>): string {
  return path.join(settings.SLUICE_HOME, 'journal')
}

/** Opens what keeps accepted requests, in an edge. */
export async function openKeeper(
  settings: Settings,
  { arrived }: Storage,
  { ledger, handOver }: Foundations,
  log: Log,
  closers: Closers,
): Promise<Keeper> {
  const bytesMax = settings.JOURNAL_BYTES_MAX
  const now = () => new Date()
  // As the embedded database makes it; the journal would close it to all others. What is wrong with it is told below.
  if (bytesMax > 0) await mkdir(settings.SLUICE_HOME, { recursive: true, mode: 0o711 }).catch(() => {})
  const keeper = await open({
    ledger,
    journals: bytesMax > 0 ? { folder: journalsFolder(settings), bytesMax, log, now } : undefined,
    handOver: handOver.runs,
    storeWaitMs: settings.STORE_WAIT_MS,
    slowMs: settings.LEDGER_SLOW_MS,
    pendingBytesMax: settings.PENDING_BYTES_MAX,
    arrived,
    log,
    now,
  })
  return closers.add(keeper, (opened) => opened.close())
}
