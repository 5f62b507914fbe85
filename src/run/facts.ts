import type { TakenRun } from '../ledger/ledger.ts'
import type { Json } from '../payload/exact-json.ts'

/** What every node of a run may know. */
export interface Facts {
  run: TakenRun
  functionVersions: Record<string, string>
  /** The preset of the sending system. */
  source: string
  request: Json
  event: Json
}

export function factsOf(run: TakenRun, source: string, functionVersions: Record<string, string>): Facts {
  const headers = Object.fromEntries(run.request.headers.map(([name, value]) => [name.toLowerCase(), value]))
  const { method, path, sourceIp, contentType } = run.request
  return {
    run,
    functionVersions,
    source,
    request: { method, path, sourceIp, contentType, headers },
    event: { id: run.eventId, integrationId: run.integrationId, receivedAt: run.receivedAt.toISOString() },
  }
}
