import { hostname } from 'node:os'
import path from 'node:path'
import type { Alerts } from '../alerts/alerts.ts'
import type { Keeper } from '../edge/edge.ts'
import type { Settings } from '../platform/settings.ts'
import type { Closers } from './closers.ts'
import type { Storage } from './storage.ts'

/** Gives what looks once at the journal of this edge, and tells whom it concerns. */
export function watchJournal(
  settings: Settings,
  { copyFile }: Storage,
  keeper: Keeper,
  alerts: Alerts,
  closers: Closers,
): (signal: AbortSignal) => Promise<void> {
  const home = path.resolve(settings.SLUICE_HOME)
  const name = `${hostname()}:${home}`
  const edgeJournal = alerts.edgeJournal({
    id: name,
    name,
    copyFile: copyFile && path.join(home, 'alert-channels.json'),
  })
  closers.add(edgeJournal, (opened) => opened.close())
  return (signal) => {
    const { away, problem, depth } = keeper.standing()
    const { records = 0, oldestAgeMs = null, setAside = 0, damaged = 0 } = depth ?? {}
    return edgeJournal.look({ away, problem, records, oldestAgeMs, setAside, damaged }, signal)
  }
}
