import type { Definition, Node } from '../integrations/integrations.ts'
import type { NodeResult, TakenRun } from '../ledger/ledger.ts'
import type { Json } from '../payload/exact-json.ts'

/** What every node of a run may know. */
export interface Facts {
  run: TakenRun
  functionVersions: Record<string, string>
  /** Whom its functions may ask. */
  allowedHosts: readonly string[]
  /** Longer waits that another system asks for are cut to this; undefined for a run that is not made again. */
  retryAfterMaxMs: number | undefined
  request: Json
  event: Json
  /** The sending system: the name of its preset and what it calls the event. */
  source: Json
}

export function factsOf(
  run: TakenRun,
  { source, allowedHosts, retry }: Definition,
  functionVersions: Record<string, string>,
): Facts {
  const headers = Object.fromEntries(run.request.headers.map(([name, value]) => [name.toLowerCase(), value]))
  const { method, path, sourceIp, contentType } = run.request
  return {
    run,
    functionVersions,
    allowedHosts,
    retryAfterMaxMs: retry?.retryAfterMaxMs,
    request: { method, path, sourceIp, contentType, headers },
    event: { id: run.eventId, integrationId: run.integrationId, receivedAt: run.receivedAt.toISOString() },
    source: { name: source, ...run.source },
  }
}

/** The result of a node at which nothing has happened yet but this. */
export function resultOf(node: Node, outcome: string, message: string | null): NodeResult {
  return {
    nodeId: node.id,
    outcome,
    message,
    output: null,
    log: [],
    call: null,
    functionVersion: null,
    wallMs: 0,
    cpuMs: 0,
  }
}
